import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { intentDigest, type Plan } from '../../src/core/plan.ts';
import { type Cuts, cutLog } from './cut-log.ts';
import { watch } from './fault.ts';
import { cutPower, type PowerCuts } from './power-cut.ts';
import type { Stage } from './stage.ts';

/** Records one whole run, and tries on paper what needs no further one: cuts of the power at every moment, and of the log. */
export async function tryRecording(
  stage: Stage,
  { random, every }: { readonly random: number; readonly every: number },
): Promise<{ readonly power: PowerCuts; readonly log: Cuts }> {
  await stage.reset();
  const { ended, trace } = await watch(stage, stage.begin, { everyThread: true });
  if (ended.code !== 0) throw new Error(`the run itself fails: ${ended.stdout}${ended.stderr}`);
  const plan = JSON.parse(readFileSync(join(stage.run, 'plan.json'), 'utf8')) as Plan;
  const { state } = stage.bench;
  return {
    power: cutPower(trace.calls, { state, run: stage.run, log: stage.log }, random),
    log: cutLog(readFileSync(stage.log), intentDigest(plan), every),
  };
}
