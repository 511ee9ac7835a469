import { actions } from '../../actions/index.ts';
import { openDesk } from '../desk.ts';
import { type ExitCode, exit } from '../exit.ts';
import type { Invocation } from '../invocation.ts';
import { newPlan, type PlanningOptions } from '../new-plan.ts';
import { planningWords } from '../planning-words.ts';
import { refuse } from '../refuse.ts';
import { writePlanFile } from '../saved-plan.ts';
import { planView, totals } from '../view/plan-view.ts';

export interface PlanOptions extends PlanningOptions {
  readonly output?: string;
}

/** Shows what a runbook would do to a host. Blockers are shown, and do not make it fail. */
export async function plan(invocation: Invocation, host: string, options: PlanOptions): Promise<ExitCode> {
  const desk = openDesk(invocation);
  if (!desk.ok) return refuse(invocation, desk.error);
  const planned = await newPlan(desk.value, host, options);
  if (!planned.ok) return refuse(invocation, planned.error, desk.value.workspace.folder);
  await planned.value.world.close();
  const made = planned.value.plan;
  const saved = options.output;
  if (saved !== undefined) {
    const written = writePlanFile(saved, made);
    if (!written.ok) return refuse(invocation, [written.error]);
  }
  const lines = planView(made, {
    about: (uses) => actions.find((action) => action.kind === uses)?.about,
    saved,
    given: planningWords(options),
    now: invocation.now(),
  });
  invocation.output.result(
    {
      type: 'plan',
      message: totals(made),
      host,
      blockers: made.facts.blockers.length,
      saved: saved ?? null,
      plan: made,
    },
    lines,
  );
  return exit.done;
}
