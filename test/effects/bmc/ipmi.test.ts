import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
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

/** A BMC behind a stand-in `ipmitool` that prints what the real one prints; `script` is a piece of shell that may look at "$*". */
async function standIn<T>(
  script: string,
  work: (made: ReturnType<typeof ipmiBmc>, calls: () => Promise<string[]>) => Promise<T>,
  options: { readonly suite?: 17 | 3 } = {},
) {
  const folder = await mkdtemp(join(tmpdir(), 'stand-in-'));
  const path = process.env.PATH;
  await writeFile(join(folder, 'ipmitool'), `#!/bin/sh\necho "$*" >> ${folder}/calls\n${script}\n`, { mode: 0o755 });
  process.env.PATH = `${folder}:${path}`;
  try {
    const made = ipmiBmc({
      name: 'web01',
      address: '127.0.0.1',
      port: 1,
      user: 'admin',
      password: secret('secret'),
      clock: testClock,
      ...options,
    });
    return await work(made, async () => (await readFile(join(folder, 'calls'), 'utf8')).split('\n').slice(0, -1));
  } finally {
    process.env.PATH = path;
    await rm(folder, { recursive: true });
  }
}

const never = new AbortController().signal;
const suitesOf = (calls: readonly string[]) => calls.map((call) => / -C (\d+) /.exec(call)?.[1]);
const noSession = 'echo "Error: Unable to establish IPMI v2 / RMCP+ session" >&2; exit 1';

it('reads the locator light from the bits of a chassis status, where the BMC supports that', async () => {
  for (const [bytes, light] of [
    ['01 00 40', 'off'],
    ['01 00 50', 'on'],
    ['01 00 60 00', 'on'],
    ['01 10 4f', 'off'],
  ] as const) {
    expect(await standIn(`echo ' ${bytes}'`, (made) => made.indicator())).toEqual({ known: true, value: light });
  }
  for (const bytes of ['01 00 00', '01 00 30', '01 00', '', 'ff']) {
    expect(await standIn(`echo ' ${bytes}'`, (made) => made.indicator())).toMatchObject({
      known: false,
      trouble: { code: 'bmc-cannot-tell' },
    });
  }
});

it('takes suite 3 only where the BMC says that it does not know 17, and notes it', async () => {
  const script = `case "$*" in *"-C 17 "*) echo "Error in open session response message : no matching cipher suite" >&2; ${noSession} ;; esac\necho "Chassis Power is on"`;
  await standIn(script, async (made, calls) => {
    expect(await made.power()).toEqual({ known: true, value: 'on' });
    expect(await made.power()).toEqual({ known: true, value: 'on' });
    expect(suitesOf(await calls())).toEqual(['17', '3', '3']);
    expect(made.notes()).toEqual(['IPMI cipher suite 3: the BMC does not know suite 17']);
  });
});

it('takes no weaker suite for silence, and says what to declare', async () => {
  const script = `echo "Timeout in open session response message." >&2; ${noSession}`;
  await standIn(script, async (made, calls) => {
    expect(await made.power()).toMatchObject({
      known: false,
      trouble: { code: 'bmc-suite-ignored', fix: expect.stringContaining('cipher_suite: 3') },
    });
    expect(suitesOf(await calls())).toEqual(['17']);
  });
});

it('takes suite 3 at once where the hosts file says so, and no other', async () => {
  await standIn(
    `echo "Error in open session response message : invalid authentication algorithm" >&2; ${noSession}`,
    async (made, calls) => {
      expect(await made.power()).toMatchObject({
        known: false,
        trouble: { code: 'bmc-no-suite', what: 'the BMC of web01 at 127.0.0.1:1 accepts no cipher suite 3' },
      });
      expect(suitesOf(await calls())).toEqual(['3']);
    },
    { suite: 3 },
  );
});

it('finds no weakness where suite 0 is refused, and asks for it once', async () => {
  const script = `echo "Error in open session response message : invalid authentication algorithm" >&2; ${noSession}`;
  await standIn(script, async (made, calls) => {
    expect(await made.weaknesses()).toEqual({ known: true, value: [] });
    expect(await made.weaknesses()).toEqual({ known: true, value: [] });
    expect(suitesOf(await calls())).toEqual(['0']);
  });
});

it('does not know whether there is a weakness where nobody answers, and asks again', async () => {
  await standIn(`echo "Get Auth Capabilities error" >&2; ${noSession}`, async (made, calls) => {
    expect(await made.weaknesses()).toMatchObject({ known: false, trouble: { code: 'bmc-no-answer' } });
    await made.weaknesses();
    expect(suitesOf(await calls())).toEqual(['0', '0']);
  });
});

it('asks for a restart as administrator, and is in doubt where the BMC was gone before it answered', async () => {
  await standIn('echo "Sent cold reset command to MC"', async (made, calls) => {
    expect(await made.restart(never)).toEqual({ ok: true, value: undefined });
    expect((await calls())[0]).toMatch(/-L ADMINISTRATOR .* mc reset cold$/);
  });
  await standIn('echo "MC reset command failed." >&2; exit 1', async (made) => {
    expect(await made.restart(never)).toMatchObject({ ok: false, error: { code: 'bmc-unanswered' } });
  });
  await standIn('echo "MC reset command failed: Insufficient privilege level" >&2; exit 1', async (made) => {
    expect(await made.restart(never)).toMatchObject({ ok: false, error: { code: 'bmc-declined' } });
  });
});
