import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { execa } from 'execa';
import { afterEach, expect, it } from 'vitest';
import { powerStatus } from '../../src/actions/power/status.ts';
import type { Probe } from '../../src/core/action.ts';
import type { Clock } from '../../src/core/ports.ts';
import { bmcProbes } from '../../src/effects/bmc/handlers.ts';
import { bmcContract } from '../contracts/bmc.ts';
import { testClock } from '../fakes/test-clock.ts';
import { type IpmiMachine, ipmiMachine, password } from './ipmi-machine.ts';

bmcContract('ipmitool against ipmi_sim', ipmiMachine);

const never = new AbortController().signal;
const open: { stop(): Promise<void> }[] = [];
afterEach(async () => {
  for (const one of open.splice(0).reverse()) await one.stop();
});

async function machine(options?: Parameters<typeof ipmiMachine>[0]): Promise<IpmiMachine> {
  const made = await ipmiMachine(options);
  open.push(made);
  return made;
}

/** Puts an `ipmitool` first on the PATH that notes what /proc shows of it, then becomes the real one. */
async function watchedTool(): Promise<{ seen(): Promise<string> }> {
  const folder = await mkdtemp(join(tmpdir(), 'watched-tool-'));
  const notes = join(folder, 'notes');
  const real = (await execa('which', ['ipmitool'])).stdout;
  await writeFile(
    join(folder, 'ipmitool'),
    [
      '#!/bin/sh',
      `tr '\\0' '\\n' < /proc/$$/cmdline >> ${notes}`,
      `tr '\\0' '\\n' < /proc/$$/environ >> ${notes}`,
      'while getopts I:H:p:U:f:C:L:N:R:v option; do',
      `  [ "$option" = f ] && stat -Lc 'mode %a, %h names' "$OPTARG" >> ${notes}`,
      `  [ "$option" = f ] && { grep -qx ${password} "$OPTARG" || printf 'not '; echo 'our password'; } >> ${notes}`,
      'done',
      `exec ${real} "$@"`,
      '',
    ].join('\n'),
    { mode: 0o755 },
  );
  const path = process.env.PATH;
  process.env.PATH = `${folder}:${path}`;
  open.push({
    stop: async () => {
      process.env.PATH = path;
      await rm(folder, { recursive: true, force: true });
    },
  });
  return { seen: () => readFile(notes, 'utf8') };
}

it('shows the password in no argument and no environment variable, only in a file of its own that has no name', async () => {
  const bmc = (await machine()).bmc();
  const before = await leftovers();
  const tool = await watchedTool();
  expect(await bmc.power()).toEqual({ known: true, value: 'on' });
  await bmc.identity();
  await bmc.setPower('off', 'soft', never);
  const seen = await tool.seen();
  expect(seen).toContain('chassis\npower\nsoft\n');
  expect(seen).not.toContain(password);
  expect(new Set(seen.match(/^mode .*$/gm))).toEqual(new Set(['mode 600, 0 names']));
  expect(await leftovers()).toEqual(before);
});

it('sends the name of no cipher suite but 17 and 3, and 17 no more once 3 was taken', async () => {
  const bmc = (await machine()).bmc();
  const tool = await watchedTool();
  await bmc.power();
  await bmc.power();
  expect([...(await tool.seen()).matchAll(/^-C\n(\d+)$/gm)].map((match) => match[1])).toEqual(['17', '3', '3']);
});

it('notes that the BMC knows no better suite than 3', async () => {
  const bmc = (await machine()).bmc();
  expect(bmc.notes()).toEqual([]);
  await bmc.power();
  expect(bmc.notes()).toEqual(['IPMI cipher suite 3: the BMC does not know suite 17']);
});

it('finds that a BMC takes suite 0 with any password, without showing it ours, and uses it for nothing', async () => {
  const one = await machine();
  const bmc = one.bmc();
  const tool = await watchedTool();
  expect(await bmc.weaknesses()).toEqual({
    known: true,
    value: [
      {
        code: 'bmc-cipher-zero',
        what: expect.stringMatching(
          /^the BMC of web01 at 127\.0\.0\.1:\d+ accepts IPMI cipher suite 0: whoever reaches it can switch the machine with any password$/,
        ),
        fix: 'Disable cipher suite 0 at the BMC, or keep its network closed, until the machine is gone.',
      },
    ],
  });
  await bmc.setPower('off', 'hard', never);
  await bmc.power();
  const seen = await tool.seen();
  const suites = [...seen.matchAll(/^-C\n(\d+)$/gm)].map((match) => match[1]);
  expect(suites).toEqual(['0', '17', '3', '3']);
  // Suite 0 was shown another password, for a reading.
  const asked = seen.split('ipmitool\n-I').slice(1);
  expect(asked[0]).toContain('chassis\npower\nstatus\n');
  expect(asked[0]).toContain('not our password');
  expect(asked[1]).toContain('our password');
});

it('is told of with the plan by the step that tests the BMC', async () => {
  const probes = bmcProbes((await machine()).bmc());
  const probe: Probe = (question) =>
    probes[question.kind as 'power' | 'bmc.weaknesses']({ kind: 'power' } as never) as never;
  const setting = {
    host: { name: 'web01', serial: 'S', sudo: false, hasBmc: true },
    expected: { serial: 'S' },
    step: 's',
    plan: 'p',
    helpers: {},
    scratch: '/',
  };
  const facts = await powerStatus.inspect({}, probe, { done: [] }, setting);
  expect(powerStatus.plan({}, facts, setting)).toEqual([]);
  expect(powerStatus.remarks?.(facts, setting)).toEqual([
    expect.stringMatching(/accepts IPMI cipher suite 0: .* any password\. Disable cipher suite 0 at the BMC/),
  ]);
});

const leftovers = async () => (await readdir(tmpdir())).filter((name) => name.startsWith('decom-bmc-'));

it('tells a wrong password from a wrong user only in the detail, and from a dead BMC in words', async () => {
  const one = await machine();
  const wrongPassword = await one.bmc({ password: 'wrong' }).power();
  expect(wrongPassword).toMatchObject({
    known: false,
    trouble: {
      code: 'bmc-refused',
      what: expect.stringMatching(/^the BMC of web01 at 127\.0\.0\.1:\d+ refuses the login of admin$/),
      detail: expect.stringContaining('RAKP 2 HMAC is invalid'),
    },
  });
  expect(await one.bmc({ user: 'nobody' }).power()).toMatchObject({
    known: false,
    trouble: { code: 'bmc-refused', detail: expect.stringContaining('unauthorized name') },
  });
  expect(await one.bmc({ closedPort: true }).power()).toMatchObject({
    known: false,
    trouble: { code: 'bmc-no-answer', what: 'the BMC of web01 does not answer at 127.0.0.1:1' },
  });
});

it('is in doubt when the command was sent and the BMC fell silent', async () => {
  const one = await machine({ hangs: true });
  const answer = await one.bmc().setPower('off', 'hard', never);
  expect(answer).toMatchObject({ ok: false, error: { code: 'bmc-unanswered' } });
  expect(await one.power()).toBe('off');
});

it('knows no serial of a BMC without a FRU', async () => {
  const identity = await (await machine({ fru: false })).bmc().identity();
  expect(identity).toMatchObject({
    known: true,
    value: { guid: { known: true }, serial: { known: false, trouble: { code: 'bmc-odd-answer' } } },
  });
});

it('leaves the time between two commands that was asked for, and asks one at a time', async () => {
  const slept: number[] = [];
  const clock: Clock = {
    ...testClock,
    sleep: (ms, signal) => {
      slept.push(ms);
      return testClock.sleep(ms, signal);
    },
  };
  const bmc = (await machine()).bmc({ clock, spacing: 5000 });
  await Promise.all([bmc.power(), bmc.power(), bmc.power()]);
  expect(slept).toHaveLength(2);
  for (const ms of slept) {
    expect(ms).toBeGreaterThan(4000);
    expect(ms).toBeLessThanOrEqual(5000);
  }
});

it('leaves that time over all adapters of this process that lead to one BMC', async () => {
  const slept: number[] = [];
  const clock: Clock = {
    ...testClock,
    sleep: (ms, signal) => {
      slept.push(ms);
      return testClock.sleep(ms, signal);
    },
  };
  const one = await machine();
  const other = await machine();
  const options = { clock, spacing: 5000 };
  await Promise.all([one.bmc(options).power(), one.bmc(options).power(), other.bmc(options).power()]);
  expect(slept).toHaveLength(1);
});

it('stops waiting for its turn when it is stopped, and then sends nothing', async () => {
  const one = await machine();
  const stop = new AbortController();
  const clock: Clock = {
    ...testClock,
    sleep: async () => stop.abort(),
  };
  const bmc = one.bmc({ clock, spacing: 5000 });
  await bmc.power();
  expect(await bmc.setPower('off', 'hard', stop.signal)).toMatchObject({ ok: false, error: { code: 'aborted' } });
  expect(await one.touched()).toBe(0);
});
