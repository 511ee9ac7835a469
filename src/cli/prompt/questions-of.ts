import type { Plan } from '../../core/plan.ts';
import { answerTo, type GivenAnswer, leftToOthers } from '../../load/answers.ts';

/** A question that a plan will ask, and how it is answered beforehand. */
export interface PlannedQuestion {
  readonly step: string;
  readonly asks: string;
  /** The flag that answers it, or where in the answers file its answer stands. */
  readonly by: string;
  readonly answered: boolean;
}

export interface Beforehand {
  readonly answers: readonly GivenAnswer[];
  /** `--confirm`; undefined where it was not given. */
  readonly confirm: string | undefined;
  /** Whether checklists and confirms that nobody answered are left to others, so that the run parks there. */
  readonly leaves?: boolean;
}

/**
 * Every question of a plan, in its order, and whether it is answered. Steps whose operations are not known yet ask nothing here; they
 * are blockers of their own.
 */
export function questionsOf(plan: Plan, { answers, confirm }: Beforehand): readonly PlannedQuestion[] {
  const { name } = plan.intent.host;
  return plan.intent.steps.flatMap((step): readonly PlannedQuestion[] => {
    const forms = (step.operations ?? []).flatMap((operation): readonly PlannedQuestion[] =>
      operation.kind !== 'ask'
        ? []
        : [
            {
              step: step.id,
              asks: operation.title,
              by: `--answers FILE with answers.${step.id}.${operation.form === 'confirm' ? 'confirm' : 'items'}`,
              answered:
                answerTo(answers, step.id, operation.form, operation.items) !== undefined ||
                leftToOthers(answers, step.id),
            },
          ],
    );
    const acts = step.irreversible && step.operations?.length !== 0;
    const serial: PlannedQuestion = {
      step: step.id,
      asks: `the serial number of ${name}`,
      by: '--confirm=SERIAL',
      answered: confirm !== undefined,
    };
    return acts ? [serial, ...forms] : forms;
  });
}
