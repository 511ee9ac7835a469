import type { Action, AnyAction, Past, Probe, Setting } from '../core/action.ts';
import type { Bind, Decide, Scope } from '../core/binding.ts';
import { type Execution, stepState } from '../core/execution.ts';
import type { Helper } from '../core/helper.ts';
import { hostScope, type Plan, type PlannedStep, settingOf } from '../core/plan.ts';
import type { BlobStore, Clock } from '../core/ports.ts';
import type { Result } from '../core/result.ts';
import type { Freeze, NextOpening } from '../core/window.ts';
import { answersFor } from './waiver.ts';

/** What planning and driving are done with. Built once per process; nothing in it belongs to one run. */
export interface Engine {
  readonly actions: readonly AnyAction[];
  readonly probe: Probe;
  readonly clock: Clock;
  readonly blobs: BlobStore;
  readonly bind: Bind;
  readonly decide: Decide;
  /** Where scratch folders may be made here. */
  readonly scratch: string;
  /** The other machines that may take part. */
  readonly helpers?: readonly Helper[];
  /** Judges windows; without it no step that has one is begun. */
  readonly nextOpening?: NextOpening;
  /** The freezes of the workspace as they stand now; absent where there is none that could hold any. */
  readonly freezes?: () => Result<readonly Freeze[]>;
  /** How the host is reached, in sentences. */
  readonly way?: readonly string[];
  /** Facts of a saved plan, by step, instead of asking the world (`--facts`). */
  readonly borrowed?: Plan['facts'];
}

/** Throws for a kind that does not exist: `validate` has refused it long before. */
export function actionOf(engine: Pick<Engine, 'actions'>, step: PlannedStep): AnyAction {
  const found = engine.actions.find((a) => a.kind === step.uses);
  if (found === undefined)
    throw new Error(`step ${step.id} uses ${step.uses}, which this version of decom does not have`);
  return found;
}

/** A step's view of the plan. A rehearsal has an id of its own, but names folders as the plan did: else each would look like drift. */
export function settingFor(engine: Engine, plan: Plan, execution: Execution, step: string): Setting {
  const run = execution.rehearsal ? plan.intent.id : execution.run;
  const { redone } = stepState(execution, step).forth;
  const setting = settingOf(plan.intent, folderName(run, redone), step, engine.scratch);
  return {
    ...setting,
    manifests: manifestsOf(execution),
    answers: answersFor(execution, step, engine.blobs),
    ...answeredIn(engine, execution),
  };
}

/** When the host last said who it is, as of now: it says so anew in the middle of a step, and what it said ages. */
export function answeredIn({ clock }: Pick<Engine, 'clock'>, { evidence }: Execution): Pick<Setting, 'answered'> {
  const at = evidence.findLast((e) => e.kind === 'identity.confirmed')?.at;
  return at === undefined ? {} : { answered: { at, ago: clock.now().getTime() - Date.parse(at) } };
}

/** The manifests of the copies that the run's steps made, as their outputs stand in the log. */
const manifestsOf = ({ steps }: Execution): NonNullable<Setting['manifests']> =>
  Object.fromEntries(
    Object.values(steps).flatMap(({ output }) =>
      typeof output.backup === 'string' && typeof output.manifest === 'string'
        ? [[output.backup, output.manifest]]
        : [],
    ),
  );

/** What the folders of a step are named by: the run, and which time a new plan has it done. Nothing is ever copied over. */
export const folderName = (run: string, redone: number): string => (redone === 0 ? run : `${run}.${redone + 1}`);

/** Reads the facts of a step: from the world, or from the saved plan whose facts are borrowed. */
export async function inspect(
  engine: Engine,
  action: Pick<Action, 'inspect'>,
  input: unknown,
  past: Past,
  setting: Setting,
): Promise<unknown> {
  if (engine.borrowed === undefined) return action.inspect(input, engine.probe, past, setting);
  return engine.borrowed.steps[setting.step]?.seen;
}

/**
 * What the references of a step may name at this moment of the run. Facts are asked for only where the step names them: a BMC wants
 * seconds between two questions.
 */
export async function scopeNow(
  engine: Engine,
  plan: Plan,
  execution: Execution,
  step: Pick<PlannedStep, 'when' | 'with'>,
): Promise<Scope> {
  const steps: Record<string, Scope['steps'][string]> = {};
  for (const [id, state] of Object.entries(execution.steps)) {
    if (state.forth.status === 'done' || state.forth.status === 'already') steps[id] = state.output;
  }
  const facts = namesFacts(step) ? { power: await powerNow(engine) } : {};
  return { params: plan.intent.params, host: hostScope(plan.intent.host), facts, steps };
}

const namesFacts = ({ when, with: input }: Pick<PlannedStep, 'when' | 'with'>): boolean =>
  /\bfacts\b/.test(`${when ?? ''} ${JSON.stringify(input)}`);

export async function powerNow(engine: Engine): Promise<'on' | 'off' | 'unknown'> {
  if (engine.borrowed !== undefined) return engine.borrowed.power;
  const power = await engine.probe({ kind: 'power' });
  return power.known ? power.value : 'unknown';
}

/** A step's own earlier events, for actions whose state is their record. */
export function pastOf(execution: Execution, step: string): Past {
  const pass = stepState(execution, step).forth;
  return {
    ...(pass.started === null ? {} : { started: pass.started }),
    done: pass.operations
      .filter((o) => o.status === 'done')
      .map(({ operation, receipt, at }) => ({ operation, receipt, at })),
  };
}
