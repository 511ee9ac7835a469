import { actions } from '../../actions/index.ts';
import { stepState } from '../../core/execution.ts';
import { unmetNeeds } from '../../core/next.ts';
import { operationWords } from '../../core/operation-words.ts';
import type { Plan, PlannedStep } from '../../core/plan.ts';
import type { Trouble } from '../../core/result.ts';
import type { RunRead } from '../../engine/open-run.ts';
import { mayBeWaived } from '../../engine/waiver.ts';
import { stepAt } from '../step-at.ts';
import { positionsText } from './positions.ts';
import { inboxLines, runState } from './status-view.ts';
import { counted, indent, type Line, strong } from './text.ts';
import { troubleLines } from './trouble.ts';

/**
 * Why a run does not go on: where it stands, what became of that step, and what clears it. `stale`: why its plan no longer holds
 * whatever its steps are, which a resume would refuse. `needs`: what that step needs before it begins.
 */
export function whyLines(read: RunRead, stale?: Trouble, needs: readonly Line[] = []): readonly Line[] {
  const { execution, plan, folder } = read;
  const head: Line = [strong(`${folder.run} on ${folder.host}`), ': ', runState(execution)];
  if (execution.status === 'closed')
    return [head, 'It has ended; nothing is left to clear.', `Next: decom report ${folder.run}`];
  const step = stepAt(read);
  const back = execution.direction === 'back';
  const goOn = `decom ${back ? 'rollback' : 'resume'} ${folder.run}`;
  if (step !== undefined && stale !== undefined)
    return [
      head,
      ...troubleLines(stale),
      ...stepLines(read, plan, step),
      `Next: ${back ? `clear that, then: ${goOn}` : `decom replan ${folder.run}`}`,
    ];
  if (step === undefined)
    return [head, `Every step is ${back ? 'taken back' : 'past'}; only its end is left to write.`, `Next: ${goOn}`];
  // A reason that is the step's own trouble is told there.
  const trouble = stepState(execution, step.id)[execution.direction].trouble;
  const stopped =
    execution.stopped === null || execution.stopped.reason === trouble?.what ? [] : [execution.stopped.reason];
  return [
    head,
    ...stopped,
    ...stepLines(read, plan, step),
    ...indent(needs),
    ...inboxLines(folder),
    ...waiverLines(read, step, needs),
    `Next: ${nextCommand(read, step, goOn)}`,
  ];
}

function stepLines({ execution }: RunRead, plan: Plan, step: PlannedStep): readonly Line[] {
  // What a step needs is for doing it, not for taking it back.
  const needs = execution.direction === 'back' ? [] : unmetNeeds(step, execution);
  const pass = stepState(execution, step.id)[execution.direction];
  const doubtful = pass.operations.filter((o) => o.status === 'in-doubt' || o.status === 'intended');
  return [
    [strong(`[${positionsText(plan, step.id)}] ${step.id}`), ` — ${step.title}`],
    ...indent([
      ...(pass.trouble === null ? [] : troubleLines(pass.trouble)),
      ...(doubtful.length === 0
        ? []
        : [
            `${counted(doubtful.length, 'operation')} begun, with no end on record:`,
            ...doubtful.flatMap(({ operation, at }) => operationWords(operation).map((words) => `  ${at} ${words}`)),
            ...(step.once ? settlingLines(step) : ['It may be repeated, and will be.']),
          ]),
      ...(execution.parked === null
        ? []
        : [
            `It waits${execution.parked.until === null ? '' : ` until ${execution.parked.until}`}: ${execution.parked.why}`,
          ]),
      ...(needs.length === 0 ? [] : [`It needs what is not done: ${needs.join(', ')}.`]),
      ...(pass.status === 'pending' ? ['It has not begun.'] : []),
    ]),
  ];
}

/** What settles a doubt, in the order in which it is asked. */
function settlingLines(step: PlannedStep): readonly Line[] {
  const probe = actions.find(({ kind }) => kind === step.uses)?.settledBy?.(step.with);
  return [
    'It is never repeated by itself. What became of it is settled, in this order, by:',
    '  the host, which keeps it until it is asked;',
    `  its own probe${probe === undefined ? '' : `: ${probe}`};`,
    '  you, with a reason that stays on record, when it is resumed at a terminal.',
  ];
}

/** The evidence that is missing, or a closed window, may be answered for, where nothing would be gone for good. */
function waiverLines({ execution, folder }: RunRead, step: PlannedStep, needs: readonly Line[]): readonly Line[] {
  const pass = stepState(execution, step.id).forth;
  const parkedBy =
    execution.parked?.step === step.id ? (execution.parked.gate ?? (step.uses === 'wait' ? 'wait' : null)) : null;
  const gate = pass.status === 'blocked' ? pass.gate : parkedBy;
  if (execution.direction === 'back') return [];
  if (gate === 'freeze') return ['Nobody alone can pass a freeze; it is lifted in decom.yaml, under "freezes".'];
  const action = actions.find(({ kind }) => kind === step.uses);
  if (gate === null || action === undefined || !mayBeWaived(action, gate, step.with)) return [];
  // What can be answered for of what it needs is told there.
  if (needs.some((line) => textOf(line).includes(`${step.id}/${gate} `))) return [];
  return [`Or somebody answers for it by name: decom waive ${folder.run} ${step.id}/${gate} --reason TEXT`];
}

function nextCommand({ execution, folder }: RunRead, step: PlannedStep, goOn: string): string {
  const pass = stepState(execution, step.id)[execution.direction];
  const drifted = execution.stopped?.by === 'drift' || pass.trouble?.code === 'drift';
  if (drifted && execution.direction === 'forth') return `decom replan ${folder.run}`;
  return `${pass.trouble === null ? '' : 'clear that, then: '}${goOn}`;
}

const textOf = (line: Line): string =>
  typeof line === 'string' ? line : line.map((span) => (typeof span === 'string' ? span : span.text)).join('');
