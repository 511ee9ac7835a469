import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { secret } from '../../../src/core/secret.ts';
import { ipmiBmc } from '../../../src/effects/bmc/ipmi.ts';
import { testClock } from '../../fakes/test-clock.ts';

const bmc = (password: string) =>
  ipmiBmc({
    name: 'web01',
    address: '127.0.0.1',
    port: 1,
    user: 'admin',
    password: secret(password),
    clock: testClock,
  });

it('says how to install ipmitool where it is missing', async () => {
  const empty = await mkdtemp(join(tmpdir(), 'no-tools-'));
  const path = process.env.PATH;
  process.env.PATH = empty;
  try {
    expect(await bmc('secret').power()).toEqual({
      known: false,
      trouble: {
        code: 'tool-missing',
        what: 'ipmitool is not installed here',
        fix: 'Install it: apt install ipmitool (Debian, Ubuntu), dnf install ipmitool (Fedora, RHEL), brew install ipmitool (macOS).',
      },
    });
  } finally {
    process.env.PATH = path;
    await rm(empty, { recursive: true });
  }
});

it('says that a password is too long for IPMI 2.0 before anything is sent', async () => {
  const answer = await bmc('correct-horse-battery').setPower('off', 'hard', new AbortController().signal);
  expect(answer).toEqual({
    ok: false,
    error: {
      code: 'bmc-password-unfit',
      what: 'the BMC password of web01 is longer than 20 bytes, the most that IPMI 2.0 takes',
      fix: 'Set a shorter one at the BMC, or use Redfish (kind: redfish).',
    },
  });
});

it('says that a password holds a line break, as files edited by hand often end with one', async () => {
  expect(await bmc('secret\n').power()).toMatchObject({
    known: false,
    trouble: { code: 'bmc-password-unfit', what: 'the BMC password of web01 holds a line break' },
  });
});
