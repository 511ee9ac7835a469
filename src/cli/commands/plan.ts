import { actions } from '../../actions/index.ts';
import type { Plan } from '../../core/plan.ts';
import type { Trouble } from '../../core/result.ts';
import { claimed } from '../../engine/hold-claim.ts';
import type { HostWorld } from '../compose.ts';
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
  const { plan: made, world } = planned.value;
  const claim = await otherClaim(made, world);
  await world.close();
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
    ...(claim === undefined ? {} : { claim }),
  });
  invocation.output.result(
    {
      type: 'plan',
      message: totals(made),
      host,
      blockers: made.facts.blockers.length,
      saved: saved ?? null,
      claimed: claim ?? null,
      plan: made,
    },
    lines,
  );
  return exit.done;
}

/** What stands in a run's way now and may be gone when it begins, so that it is no blocker: another run's claim. */
async function otherClaim({ facts, intent }: Plan, { claims }: HostWorld): Promise<Trouble | undefined> {
  if (facts.borrowed || !facts.identity.known) return undefined;
  const seen = await claims?.look();
  return seen?.ok && seen.value.claim === 'other' ? claimed(intent.host.name, seen.value.of) : undefined;
}
