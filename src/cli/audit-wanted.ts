import type { ApprovalsWanted } from '../core/approval.ts';
import type { Breach } from '../core/chain.ts';
import type { Recorded } from '../core/event.ts';
import { intentDigest } from '../core/plan.ts';
import type { RunFolder } from '../core/ports.ts';

/** What a plan wants before one of its steps begins; `acts`: it begins with an operation, and otherwise with being done. */
interface Wanted extends ApprovalsWanted {
  readonly acts: boolean;
}

/** Looks, line by line, whether steps begin that wait for approvals by the plan in force. */
export interface WantedReader {
  take(line: number, event: Recorded): void;
  /** The first line by which one began without them, or a plan that the log names and that is not there. */
  breach(): Breach | undefined;
}

/**
 * Who writes a log could leave out that a step waits for others. What it waits for is bound by the plan, whose digest the log names and each approval bears; so the
 * plans of the run's folder say it.
 */
export function wantedReader(folder: Pick<RunFolder, 'plan' | 'intents'>): WantedReader {
  const intents = folder.intents();
  let wanted = new Map<string, Wanted>();
  /** What was on record of each step since it was started last. */
  const met = new Map<string, ApprovalsWanted>();
  let breach: Breach | undefined;
  const inForce = (line: number, id: string, intent: string): void => {
    met.clear();
    const plan = folder.plan(id);
    if (!plan.ok || intentDigest(plan.value) !== intent || !intents.has(intent)) {
      breach ??= { line, what: 'the plan that it names is not in the run’s folder' };
      return;
    }
    wanted = new Map(
      plan.value.intent.steps.flatMap(({ id, effect, approvals }): [string, Wanted][] =>
        approvals === undefined ? [] : [[id, { ...approvals, acts: effect !== 'none' }]],
      ),
    );
  };
  const begins = (line: number, step: string, acts: boolean): void => {
    const want = wanted.get(step);
    if (want === undefined || (want.acts && !acts) || covers(met.get(step), want)) return;
    breach ??= { line, what: `step "${step}" went on without the approvals that its plan wants` };
  };
  return {
    take(line, event) {
      switch (event.type) {
        case 'run.opened':
        case 'plan.amended':
          inForce(line, event.plan, event.intent);
          break;
        case 'step.started':
          if (event.direction === 'forth') met.delete(event.step);
          break;
        case 'gate.approved':
          met.set(event.step, event.wanted);
          break;
        case 'operation.intended':
          if (event.direction === 'forth') begins(line, event.step, true);
          break;
        case 'step.verified':
          if (event.direction === 'forth') begins(line, event.step, false);
          break;
      }
    },
    breach: () => breach,
  };
}

const covers = (met: ApprovalsWanted | undefined, want: ApprovalsWanted): boolean =>
  met !== undefined && met.persons >= want.persons && want.roles.every((role) => met.roles.includes(role));
