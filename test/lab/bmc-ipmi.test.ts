import { readdir, readFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { afterEach, expect, it } from 'vitest';
import type { Clock } from '../../src/core/ports.ts';
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

/** The command lines and environments of all processes of this machine, as everyone or their owner can read them. */
async function processes(): Promise<{ readonly arguments: string; readonly environment: string }[]> {
  const pids = (await readdir('/proc')).filter((name) => /^\d+$/.test(name));
  const read = (path: string) => readFile(path, 'latin1').catch(() => '');
  return Promise.all(
    pids.map(async (pid) => ({
      arguments: await read(`/proc/${pid}/cmdline`),
      environment: await read(`/proc/${pid}/environ`),
    })),
  );
}

it('shows the password in no argument and no environment of any process, and leaves no file behind', async () => {
  const bmc = (await machine()).bmc();
  const leftBefore = await leftovers();
  let running = true;
  let sawTool = 0;
  const shown: string[] = [];
  const watch = (async () => {
    while (running) {
      for (const each of await processes()) {
        if (each.arguments.startsWith('ipmitool\0')) sawTool++;
        for (const text of [each.arguments, each.environment]) if (text.includes(password)) shown.push(text);
      }
      await new Promise((resolve) => setImmediate(resolve));
    }
  })();
  for (let n = 0; n < 5; n++) {
    await bmc.power();
    await bmc.identity();
  }
  await bmc.setPower('off', 'soft', never);
  running = false;
  await watch;
  expect(sawTool).toBeGreaterThan(0);
  expect(shown).toEqual([]);
  expect(await leftovers()).toEqual(leftBefore);
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
