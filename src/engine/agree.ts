import type { AnyAction } from '../core/action.ts';
import type { Operation } from '../core/operation.ts';
import { operationWords } from '../core/operation-words.ts';
import type { PlannedStep } from '../core/plan.ts';
import type { StepAsked } from '../core/ports.ts';
import { preconditionWords } from '../core/precondition.ts';
import { trouble } from '../core/result.ts';
import type { Drive, StepEnd } from './run-step.ts';

/** By the action, not by the plan: a plan is a file, and a file can be edited. */
export const isGrave = (action: Pick<AnyAction, 'irreversible' | 'effect'>): boolean =>
  action.irreversible || action.effect === 'destroys';

/** Asks whether to begin, and for irreversible steps for the serial. Undefined: it may begin. */
export async function agree(
  drive: Drive,
  step: PlannedStep,
  action: AnyAction,
  asked: StepAsked,
  planned: readonly Operation[],
): Promise<StepEnd | undefined> {
  const { journal } = drive;
  const at = { step: step.id, direction: 'forth' } as const;
  const serial = isGrave(action) ? drive.plan.intent.host.serial : null;
  const only = step.precondition === undefined ? [] : [preconditionWords(step.precondition)];
  const details = [...planned.flatMap(operationWords), ...only];
  const answer = await drive.ask({ ask: 'begin', step: asked, details, serial }, drive.signal);
  switch (answer.answer) {
    case 'continue':
      if (serial !== null) throw new Error('an irreversible step was agreed to without its serial');
      journal.record({ ...at, type: 'step.agreed', by: drive.operator, how: answer.how, typed: null });
      return undefined;
    case 'typed': {
      if (answer.text !== serial) {
        const why = trouble(
          'serial-mismatch',
          `step "${step.id}": the serial given is "${answer.text}", and the host's is "${serial ?? ''}"`,
          'Compare with the label on the machine. Nothing was done.',
        );
        journal.record({ ...at, type: 'gate.blocked', gate: 'serial', trouble: why });
        return { end: 'blocked', trouble: why };
      }
      journal.record({ ...at, type: 'step.agreed', by: drive.operator, how: answer.how, typed: answer.text });
      return undefined;
    }
    case 'skip':
      journal.record({ ...at, type: 'step.skipped', by: 'person', who: drive.operator, reason: answer.reason });
      return { end: 'on' };
    case 'quit':
      return { end: 'quit', why: answer.why };
    case 'missing':
      return { end: 'missing', what: answer.what, fix: answer.fix };
    default:
      throw new Error(`whether to begin cannot be answered with "${answer.answer}"`);
  }
}
