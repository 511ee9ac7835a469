import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, expect, it } from 'vitest';
import type { Bmc, Clock } from '../../../src/core/ports.ts';
import { secret } from '../../../src/core/secret.ts';
import { testClock } from '../../fakes/test-clock.ts';
import { type CommandWorld, commandWorld } from './command-world.ts';

const never = new AbortController().signal;
const open: { stop(): Promise<void> }[] = [];
afterEach(async () => {
  for (const one of open.splice(0).reverse()) await one.stop();
});

async function world(): Promise<CommandWorld> {
  const made = await commandWorld();
  open.push(made);
  return made;
}

/** The same world with another program in it, of which `script` is the body. */
async function saying(script: string, options: Parameters<CommandWorld['bmc']>[0] = {}) {
  const made = await world();
  await writeFile(join(made.folder, 'odd'), `#!/bin/sh\n${script}\n`, { mode: 0o755 });
  const bmc = made.bmc({ argv: ['./odd'], ...options });
  open.push({ stop: () => bmc.close() });
  return { bmc, folder: made.folder };
}

it('asks in one line of JSON, whose members stand in the order that a script may rely on', async () => {
  const machine = await world();
  const bmc = machine.bmc();
  await bmc.power();
  await bmc.identity();
  await bmc.setPower('off', 'soft', never);
  await bmc.indicator();
  await bmc.setIndicator('on', never);
  await bmc.restart(never);
  expect(await machine.asked()).toEqual([
    '{"format":1,"ask":"power","host":"web01"}',
    '{"format":1,"ask":"identity","host":"web01"}',
    '{"format":1,"ask":"set","want":"off","how":"soft","host":"web01"}',
    '{"format":1,"ask":"indicator","host":"web01"}',
    '{"format":1,"ask":"locate","want":"on","host":"web01"}',
    '{"format":1,"ask":"reset","host":"web01"}',
  ]);
});

const noAnswers: readonly (readonly [string, string])[] = [
  ['nothing', ':'],
  ['no JSON', 'echo off'],
  ['JSON that is no object', `echo '"off"'`],
  ['another word', `echo '{"power":"OFF"}'`],
  ['a state that is none', `echo '{"power":false}'`],
  ['a member too many', `echo '{"power":"off","power_w":3}'`],
  ['the answer to another question', `echo '{"accepted":true}'`],
  ['two objects', `echo '{"power":"off"}{"power":"off"}'`],
  ['a trouble that nobody knows', `echo '{"trouble":"tired"}'`],
  ['a trouble and a state', `echo '{"trouble":"declined","power":"off"}'`],
  ['"off" and a bad end', `echo '{"power":"off"}'; exit 1`],
  ['"off" and a death by signal', `echo '{"power":"off"}'; kill -9 $$`],
  ['"unknown"', `echo '{"power":"unknown"}'`],
  ['more than 64 KiB', `printf '{"power":"off"'; head -c 70000 /dev/zero | tr '\\0' ' '; printf '}'`],
];
it.each(noAnswers)('takes %s for unknown, never for off', async (_what, script) => {
  const { bmc } = await saying(script);
  expect(await bmc.power()).toMatchObject({ known: false, trouble: { code: 'bmc-odd-answer' } });
});

it.each([
  ['nothing', ':'],
  ['no JSON', 'echo yes'],
  ['what is not "accepted"', `echo '{"accepted":false}'`],
  ['a member too many', `echo '{"accepted":true,"watt":3}'`],
  ['"accepted" and a bad end', `echo '{"accepted":true}'; exit 1`],
  ['"accepted" and a death by signal', `echo '{"accepted":true}'; kill -9 $$`],
])('is in doubt over a change that was answered with %s', async (_what, script) => {
  const { bmc } = await saying(script);
  const doubt = { ok: false, error: { code: 'bmc-unanswered' } };
  expect(await bmc.setPower('off', 'hard', never)).toMatchObject(doubt);
  expect(await bmc.setIndicator('on', never)).toMatchObject(doubt);
  expect(await bmc.restart(never)).toMatchObject(doubt);
});

it('knows that nothing was done where the program says so', async () => {
  for (const [word, code] of [
    ['unreachable', 'bmc-no-answer'],
    ['refused', 'bmc-refused'],
    ['declined', 'bmc-declined'],
    ['unsupported', 'bmc-declined'],
  ]) {
    const { bmc } = await saying(`echo '{"trouble":"${word}"}'; echo 'as the cabinet is open' >&2`);
    const result = await bmc.setPower('off', 'hard', never);
    expect(result).toMatchObject({ ok: false, error: { code, detail: 'as the cabinet is open' } });
  }
});

const ofMachines = /BMC|web page|cabling|firmware|event log/;
const anyPower = (bmc: Bmc) => bmc.power();
const cutPower = (bmc: Bmc) => bmc.setPower('off', 'hard', never);
const restart = (bmc: Bmc) => bmc.restart(never);
it.each<readonly [string, string, (bmc: Bmc) => Promise<unknown>]>([
  ['cannot reach it', `echo '{"trouble":"unreachable"}'`, anyPower],
  ['is refused', `echo '{"trouble":"refused"}'`, cutPower],
  ['is declined', `echo '{"trouble":"declined"}'`, cutPower],
  ['cannot do it', `echo '{"trouble":"unsupported"}'`, restart],
  ['cannot do the light', `echo '{"trouble":"unsupported"}'`, (bmc) => bmc.indicator()],
  ['knows no state', `echo '{"power":"unknown"}'`, anyPower],
  ['knows no light', `echo '{"indicator":"unknown"}'`, (bmc) => bmc.indicator()],
  ['names no machine', 'echo "{}"', (bmc) => bmc.identity()],
  ['prints no JSON', 'echo off', anyPower],
  ['leaves a change in doubt', 'exit 3', cutPower],
])(
  'a program that %s is told of as a program, with what can be done about a program',
  async (_what, script, asking) => {
    const { bmc } = await saying(script);
    const told = JSON.stringify(await asking(bmc));
    expect(told).toContain('./odd');
    expect(told).not.toMatch(ofMachines);
  },
);

it('names the command that asks it once more by hand, with arguments that a shell takes as they are', async () => {
  const { bmc } = await saying('echo off', { argv: ['./odd', 'qemu+ssh://kvm1/system', "the web's"] });
  expect(await bmc.power()).toMatchObject({
    trouble: {
      fix: expect.stringContaining(
        `echo '{"format":1,"ask":"power","host":"web01"}' | ./odd qemu+ssh://kvm1/system 'the web'\\''s'`,
      ),
    },
  });
});

it.each([
  [
    'no JSON',
    `printf '\\n\\nError: no such domain\\nTry again\\n'`,
    'not one JSON object; it printed: Error: no such domain',
  ],
  ['another word', `echo '{"power":"OFF"}'`, 'not on, off or unknown; it printed: {"power":"OFF"}'],
  [
    'a bad end',
    'echo "usage: switch HOST"; echo "no host" >&2; exit 2',
    'exit code 2: no host; it printed: usage: switch HOST',
  ],
  ['control characters', `printf 'bad\\033[2J correct-horse\\n'`, 'it printed: bad\\x1b[2J [redacted]'],
])('shows the first line of what a program printed that is no answer: %s', async (_what, script, detail) => {
  const { bmc } = await saying(script, { secrets: { TOKEN: secret('correct-horse') } });
  const asked = await bmc.power();
  expect(asked).toMatchObject({ trouble: { detail: expect.stringContaining(detail) } });
  expect(JSON.stringify(asked)).not.toContain('Try again');
  expect(await bmc.setPower('off', 'hard', never)).toMatchObject({
    error: { detail: expect.stringContaining(detail.split('it printed')[1] ?? '') },
  });
});

it('shows no more of it than fits a line or two, and nothing of a secret that is cut off', async () => {
  const { bmc } = await saying(`printf 'x%.0s' $(seq 1 190); echo correct-horse; echo 'more of it'`, {
    secrets: { TOKEN: secret('correct-horse\nmore') },
  });
  const asked = await bmc.power();
  expect(asked).toMatchObject({ trouble: { detail: expect.stringContaining('xxx') } });
  expect(asked).not.toMatchObject({ trouble: { detail: expect.stringContaining('correct') } });
  const long = await saying(`head -c 60000 /dev/zero | tr '\\0' 'y'`);
  const trouble = await long.bmc.power();
  expect(JSON.stringify(trouble).match(/y+…/)?.[0]).toHaveLength(201);
});

it('says that the light cannot be told, where the program knows no light', async () => {
  const { bmc } = await saying(`echo '{"trouble":"unsupported"}'`);
  expect(await bmc.indicator()).toMatchObject({ known: false, trouble: { code: 'bmc-cannot-tell' } });
});

it('takes a machine for none that names neither GUID nor serial', async () => {
  const { bmc } = await saying(`echo '{"guid":null}'`);
  expect(await bmc.identity()).toMatchObject({
    known: true,
    value: { guid: { known: false }, guid_swapped: { known: false }, serial: { known: false } },
  });
  const odd = await saying(`echo '{"guid":"12345"}'`);
  expect(await odd.bmc.identity()).toMatchObject({ known: false, trouble: { code: 'bmc-odd-answer' } });
});

it('says where the program should be when it is not there, and when it may not be run', async () => {
  const { bmc, folder } = await saying('', { argv: ['./gone'] });
  expect(await bmc.setPower('off', 'hard', never)).toMatchObject({
    ok: false,
    error: { code: 'tool-missing', what: expect.stringContaining('./gone, which switches the power of web01') },
  });
  await writeFile(join(folder, 'plain'), '#!/bin/sh\n', { mode: 0o644 });
  const plain = await saying('', { argv: [join(folder, 'plain')] });
  expect(await plain.bmc.power()).toMatchObject({ known: false, trouble: { code: 'tool-missing' } });
});

it('ends a program that takes too long, with all that it started, and is in doubt over a change', async () => {
  const { bmc, folder } = await saying('sleep 300 & echo $! > child; wait', { within: 300 });
  expect(await bmc.setPower('off', 'hard', never)).toMatchObject({ ok: false, error: { code: 'bmc-unanswered' } });
  const child = Number(await readFile(join(folder, 'child'), 'utf8'));
  await expect.poll(() => isRunning(child), { timeout: 240_000 }).toBe(false);
});

it('ends a program that does not end when it is asked to', async () => {
  const { bmc } = await saying('trap "" TERM; while :; do sleep 1; done', { within: 300 });
  expect(await bmc.power()).toMatchObject({ known: false, trouble: { detail: expect.stringContaining('too long') } });
});

it('lets a change that was begun come to its end when it is stopped, and gives up a question when it is closed', async () => {
  const { bmc, folder } = await saying(`echo x > begun; sleep 0.3; echo '{"accepted":true}'`);
  const stop = new AbortController();
  const change = bmc.setPower('off', 'hard', stop.signal);
  await expect.poll(() => readFile(join(folder, 'begun'), 'utf8').catch(() => ''), { timeout: 240_000 }).toBe('x\n');
  stop.abort();
  expect(await change).toEqual({ ok: true, value: undefined });
  const slow = await saying('echo x > begun; sleep 300');
  const question = slow.bmc.power();
  await expect
    .poll(() => readFile(join(slow.folder, 'begun'), 'utf8').catch(() => ''), { timeout: 240_000 })
    .toBe('x\n');
  await slow.bmc.close();
  expect(await question).toMatchObject({ known: false });
});

it('takes the answer of a program that leaves something behind with its output open', async () => {
  const { bmc, folder } = await saying(`sleep 300 & echo $! > child; echo '{"power":"on"}'`);
  expect(await bmc.power()).toEqual({ known: true, value: 'on' });
  process.kill(Number(await readFile(join(folder, 'child'), 'utf8')));
});

it('hands a program its secrets and what it needs of ours, and nothing else', async () => {
  const { bmc, folder } = await saying(`env > seen; tr '\\0' ' ' < /proc/$$/cmdline > argv; echo '{"power":"on"}'`, {
    secrets: { TOKEN: secret('correct-horse') },
    environment: { PATH: process.env.PATH, HOME: '/home/op', BMC_PASSWORD: 'of-another-host', LD_PRELOAD: 'x' },
  });
  await bmc.power();
  const seen = await readFile(join(folder, 'seen'), 'utf8');
  const names = [...seen.matchAll(/^([A-Za-z_]+)=/gm)]
    .map((match) => match[1])
    .filter((name) => !/^(PWD|SHLVL|OLDPWD|_)$/.test(name ?? ''));
  expect(names.sort()).toEqual(['HOME', 'LC_ALL', 'PATH', 'TOKEN']);
  expect(await readFile(join(folder, 'argv'), 'utf8')).not.toContain('correct-horse');
});

it('repeats no secret of what the program says, and writes its control characters out', async () => {
  const { bmc } = await saying(`printf 'bad token correct-horse\\033[2J\\n' >&2; exit 3`);
  const answer = await bmc.power();
  expect(answer).toMatchObject({ trouble: { detail: 'it ended with exit code 3: bad token [redacted]\\x1b[2J' } });
});

it('shows what stands in a "why" that a terminal would obey, and does not swallow it', async () => {
  const { bmc } = await saying(`echo '{"trouble":"declined","why":"locked\\u001b[31m by ops"}'`);
  expect(await bmc.setPower('off', 'hard', never)).toMatchObject({ error: { detail: 'locked\\x1b[31m by ops' } });
});

it('leaves the time between two questions that was asked for, over all adapters that lead to one program', async () => {
  const slept: number[] = [];
  const clock: Clock = {
    ...testClock,
    sleep: (ms, signal) => {
      slept.push(ms);
      return testClock.sleep(ms, signal);
    },
  };
  const machine = await world();
  const options = { clock, spacing: 5000 };
  await Promise.all([machine.bmc(options).power(), machine.bmc(options).power(), machine.bmc(options).power()]);
  expect(slept).toHaveLength(2);
  for (const ms of slept) {
    expect(ms).toBeGreaterThan(1000);
    expect(ms).toBeLessThanOrEqual(5000);
  }
});

function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}
