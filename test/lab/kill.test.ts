import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { approval, approved } from '../faults/approved.ts';
import { chassis } from './chassis.ts';
import { copiesIn, differences } from './compare-copies.ts';
import { answers, mainJob } from './lab-runbook.ts';
import { poll } from './poll.ts';
import { startVm } from './vm.ts';
import { type Calling, type LogLine, vmWorkspace } from './vm-workspace.ts';

/** Small data: the run is repeated in part after every kill. */
const data = ['/srv/data', '/srv/app', '/etc'] as const;
const steps = [
  'identity',
  'mark',
  'stop',
  'archive',
  'archive-proof',
  'mirror',
  'mirror-proof',
  'agreed',
  'off',
] as const;
const seed = Number(process.env.DECOM_LAB_SEED ?? 20_260_503);

const place = (step: string | undefined): number => (steps as readonly (string | undefined)[]).indexOf(step);

/** mulberry32: numbers from 0 to 1 that a seed repeats. */
function randomFrom(start: number): () => number {
  let state = start >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** Whether these lines tell of the step, or of a later one; `acting`: of an act of it. */
const reached = (lines: readonly LogLine[], step: string, acting: boolean): boolean =>
  lines.some(
    ({ type, step: at }) => place(at) >= place(step) && (!acting || type === 'operation.intended' || at !== step),
  );

test('killed at ten random moments, a run ends as if nothing had happened, and nothing was done twice', async () => {
  const random = randomFrom(seed);
  // The last kill falls into the power-off; the others anywhere before, in the order in which the run gets there. Six in ten wait
  // until the step acts; the others meet it wherever it is.
  const moments = Array.from({ length: 9 }, () => Math.floor(random() * 7))
    .sort((a, b) => a - b)
    .concat(8)
    .map((step) => ({
      step: steps[step] ?? ('off' as const),
      acting: random() < 0.6,
      after: Math.floor(random() * (step === 8 ? 500 : 2500)),
    }));
  const told = moments.map(({ step, acting, after }) => `${step}${acting ? ' acting' : ''}+${after}ms`);
  process.stdout.write(`seed ${seed}: ${told.join(', ')}\n`);

  const vm = await startVm({ start: 'warm', bmc: true });
  const workspace = vmWorkspace(vm, mainJob(data));
  try {
    writeFileSync(join(workspace.folder, 'answers.yaml'), answers);
    const common = ['--non-interactive', '--answers', 'answers.yaml', `--confirm=${vm.identity.serial}`];
    const planned = await workspace.decom('plan', 'web01', '-o', 'plan.json');
    expect(planned.code, planned.stdout + planned.stderr).toBe(0);
    approved(workspace.folder, workspace.home);

    const goOn = (): Calling =>
      workspace.log().length === 0
        ? workspace.start('run', '--plan', 'plan.json', ...approval, ...common)
        : workspace.start('resume', 'web01', ...common);
    for (const { step, acting, after } of moments) {
      const before = workspace.log().length;
      const calling = goOn();
      await poll(
        `the run to reach ${step}`,
        () => calling.child.exitCode !== null || reached(workspace.log().slice(before), step, acting) || undefined,
        20,
      );
      await sleep(after);
      calling.child.kill('SIGKILL');
      const { code, stdout, stderr } = await calling.ended;
      expect(code, `before ${step}+${after}\n${stdout}${stderr}`).toBe(null);
    }

    // Nobody was asked: the host itself knows whether the command that may happen once had begun.
    const end = await goOn().ended;
    expect(end.code, end.stdout + end.stderr).toBe(0);

    expect(vm.running()).toBe(false);
    expect(chassis(vm, 'status')).toBe('Chassis Power is off');
    const verified = await workspace.decom('audit', 'verify', 'web01');
    expect(verified.code, verified.stdout).toBe(0);
    const log = workspace.log();
    expect(log.filter(({ type, by }) => type === 'operation.resolved' && by === 'person')).toEqual([]);
    expect(log.filter(({ type, step }) => type === 'operation.done' && step === 'mark')).toHaveLength(1);
    expect(log.filter(({ type }) => type === 'run.closed')).toHaveLength(1);
    // Who the machine is, is looked at again before it is switched off; everything else is proved once.
    for (const step of [...steps.slice(1), 'retired']) {
      expect(
        log.filter((line) => line.type === 'step.verified' && line.step === step),
        step,
      ).toHaveLength(1);
    }
    expect(copiesIn(workspace.vault)).toHaveLength(2);

    chassis(vm, 'on');
    await poll('qemu to be back', () => (vm.running() ? true : undefined));
    await vm.booted();
    const look =
      "cat /var/lib/decom-mark; journalctl -q -b -1 -t decom-mark -o cat; journalctl -q -b -1 -u app -o cat | grep -c '^Stopped app'; pgrep -xc tar";
    expect((await vm.sh(look)).stdout.toString().trim().split('\n')).toEqual(['mark', 'made', '1', '0']);
    for (const copy of copiesIn(workspace.vault)) expect(await differences(vm, copy, data), copy).toEqual([]);
  } finally {
    await vm.stop();
    workspace.remove();
  }
});
