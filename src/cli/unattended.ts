import { type Execution, emptyExecution, stepState } from '../core/execution.ts';
import { isPast } from '../core/next.ts';
import type { Plan, PlannedStep } from '../core/plan.ts';
import { fail, ok, type Result, trouble } from '../core/result.ts';
import { parseAnswers, unusedAnswers } from '../load/answers.ts';
import { type ExitCode, exit } from './exit.ts';
import type { Invocation } from './invocation.ts';
import { type Beforehand, questionsOf } from './prompt/questions-of.ts';
import { refuse } from './refuse.ts';
import { type Problem, readWorkspaceFile } from './workspace.ts';

/** Answers given beforehand, by `--answers` and `--confirm`. */
export function readBeforehand(options: {
  readonly answers?: string;
  readonly confirm?: string;
}): Result<Beforehand, readonly Problem[]> {
  if (options.answers === undefined) return ok({ answers: [], confirm: options.confirm });
  const bytes = readWorkspaceFile(process.cwd(), options.answers);
  if (!bytes.ok) return fail([bytes.error]);
  const answers = parseAnswers(bytes.value, options.answers);
  return answers.ok ? ok({ answers: answers.value, confirm: options.confirm }) : answers;
}

/**
 * Refuses what nobody could answer while it runs, before anything is done: every question of the plan that is left open, and answers
 * to questions that it does not ask. Of a run that was begun, steps that are past ask nothing any more. Undefined where nothing is
 * missing.
 */
export function refuseUnanswered(
  invocation: Invocation,
  plan: Plan,
  beforehand: Beforehand,
  execution: Execution = emptyExecution,
): ExitCode | undefined {
  const unused = unusedAnswers(beforehand.answers, plan.intent.steps);
  if (unused.length > 0) return refuse(invocation, unused);
  const settled = (step: PlannedStep): boolean => isPast(step, execution) || stepState(execution, step.id).forth.left;
  const past = new Set(plan.intent.steps.filter(settled).map((step) => step.id));
  const open = questionsOf(plan, beforehand).filter(({ step, answered }) => !answered && !past.has(step));
  if (open.length === 0) return undefined;
  const problems = open.map(({ step, asks, by }) =>
    trouble(
      'answer-missing',
      `step "${step}" asks for an answer (${asks}), and nobody is there to give it; nothing was done`,
      `Give it with: ${by}`,
    ),
  );
  return refuse(invocation, problems, process.cwd(), exit.missing);
}
