import { driverWords, type Event, type Recorded } from '../../core/event.ts';
import type { Receipt } from '../../core/operation.ts';
import { operationWords } from '../../core/operation-words.ts';
import { ofFirmware, preconditionWords } from '../../core/precondition.ts';
import { printableLines } from '../../core/printable.ts';
import type { Trouble } from '../../core/result.ts';
import { gateWords, statementWords } from '../../core/statement-words.ts';
import { previewWords } from './preview-words.ts';
import { bad, bytesText, counted, dim, good, indent, type Line, type Span, strong, warn } from './text.ts';
import { troubleLines as allTroubleLines } from './trouble.ts';

const troubleLines = (trouble: Trouble): readonly Line[] => indent(allTroubleLines(trouble), 10);

/** Where each step stands in the plan: `3/17`. */
export type Positions = (step: string) => string;

/** An event as it is told while a run goes on; empty for events that say nothing new to the person who watches. */
export function eventLines(event: Recorded, positions: Positions): readonly Line[] {
  const told = tell(event);
  if (told.length === 0) return [];
  // In UTC, as everything else that is told of a run: so that lines of two people, and of the log, can be compared.
  const time = dim(`${event.ts.slice(11, 19)}Z `);
  // In a rollback too a step goes by its name, and its name tells what was done, not that it is taken back.
  const back = 'direction' in event && event.direction === 'back' ? 'take back ' : '';
  const where: readonly Span[] =
    'step' in event ? [strong(`[${positions(event.step)}] ${back}${event.step}`), ' '] : [];
  const [first = '', ...rest] = told;
  return [[time, ...where, ...(typeof first === 'string' ? [first] : first)], ...rest];
}

function tell(event: Recorded): readonly Line[] {
  switch (event.type) {
    case 'session.opened':
      return [`${driverWords(event)} on ${event.control}${event.unattended ? ', unattended' : ''}`];
    case 'run.opened':
      return [`${event.rehearsal ? 'rehearsal' : 'run'} ${event.run} of ${event.runbook} on ${event.host}`];
    case 'session.closed':
    case 'step.agreed':
    case 'step.planned':
    case 'step.started':
      return [];
    case 'host.claimed':
      return [`the host is claimed for this run (${event.where})`];
    case 'claim.taken-over':
      return [
        [
          warn('claim taken over'),
          ` by ${event.by} from run ${event.was.run} (${event.was.operator} on ${event.was.control}): ${event.reason}`,
        ],
      ];
    case 'host.counted':
    case 'storage.seen':
      return [];
    case 'unsigned.accepted':
      return [
        [warn(`lines up to ${event.lines} that nobody signed are answered for`), ` by ${event.by}: ${event.reason}`],
      ];
    case 'caps.raised':
      return [[warn(`caps raised to ${event.to} for this run`), ` by ${event.by}: ${event.reason}`]];
    case 'head.kept':
      return [[dim(`the head of ${counted(event.size, 'line')} is kept elsewhere: ${event.hash}`)]];
    case 'head.not-kept':
      return [[bad('the head was not kept elsewhere')], ...troubleLines(event.trouble)];
    case 'log.repaired': {
      // Before it stands nothing but the first line of the session that repaired it.
      const first = event.seq === 1;
      return [
        [
          warn(`the log’s ${first ? 'first' : 'last'} line was torn`),
          `; ${event.bytes} bytes were cut off and kept in ${event.kept}${first ? '. The run had begun nothing' : ''}`,
        ],
      ];
    }
    case 'statement.taken':
      return [statementWords(event.statement)];
    case 'statement.refused':
      return [[bad('not taken from the inbox')], ...troubleLines(event.trouble)];
    case 'gate.waived':
      return [
        [warn(`${gateWords(event.gate)} waived`), ` by ${event.by}: ${event.reason}`],
        // What to do about it was done; who was found there stays to be read.
        ...indent(
          [`although ${event.trouble.what}`, ...printableLines(event.trouble.detail ?? '')].map(
            (line): Line => [dim(line)],
          ),
          10,
        ),
      ];
    case 'gate.approved':
      return [
        // Who approved twice is one person.
        `approved by ${[...new Set(event.approvals.map(({ by, role }) => `${by}${role === null ? '' : ` as ${role}`}`))].join(', ')}`,
      ];
    case 'operation.intended':
      // Whoever answers a form reads it in the question itself.
      if (event.operation.kind === 'ask') return [];
      return [...operationWords(event.operation), ...onlyIf(event)].map((words, i) => (i === 0 ? words : `  ${words}`));
    case 'operation.done': {
      const receipt = receiptWords(event.receipt);
      return receipt === '' ? [] : [[dim(receipt)]];
    }
    case 'operation.failed':
      // A question that nobody answered is no failure.
      return event.trouble.code === 'not-answered'
        ? [[warn('stopped'), `: ${event.trouble.what}. ${event.trouble.fix}`]]
        : [[bad('operation failed')], ...troubleLines(event.trouble)];
    case 'operation.in-doubt':
      return [[bad('in doubt'), `: ${event.trouble.what}`]];
    case 'operation.resolved':
      return [
        `${event.outcome === 'done' ? 'was done' : 'was not done'}, says ${event.who ?? 'its own probe'}: ${event.reason}`,
      ];
    case 'step.verified':
      return [
        [
          good(event.direction === 'back' ? '✓ taken back' : event.already ? '✓ already so' : '✓ verified'),
          `: ${event.said}`,
        ],
      ];
    case 'step.failed':
      return [[bad('✗ failed')], ...troubleLines(event.trouble)];
    case 'step.skipped':
      return [[warn('skipped'), `: ${event.reason}`]];
    case 'step.previewed':
      return previewLines(event);
    case 'gate.blocked':
      return [[bad('✗ blocked')], ...troubleLines(event.trouble)];
    case 'run.parked':
      return [[warn('parked'), `${event.until === null ? '' : ` until ${event.until}`}: ${event.why}`]];
    case 'run.stopped':
      return [[warn('stopped'), ` (${event.by}): ${event.reason}`]];
    case 'plan.amended':
      return [`the plan was replaced by ${event.by}: ${counted(event.changes.length, 'change')}`];
    case 'rollback.opened':
      return [`rollback begun by ${event.by}${event.reason === null ? '' : `: ${event.reason}`}`];
    case 'run.closed':
      return [[strong(event.outcome), ` (by ${event.by}${event.reason === null ? '' : `: ${event.reason}`})`]];
  }
}

/** What every act asks is not told each time. */
const onlyIf = ({ precondition = {} }: Extract<Event, { type: 'operation.intended' }>): readonly string[] =>
  ofFirmware(precondition) ? [preconditionWords(precondition)] : [];

function previewLines(event: Extract<Event, { type: 'step.previewed' }>): readonly Line[] {
  const mark = event.how === 'cannot-rehearse' ? warn : event.how === 'already-so' ? good : strong;
  return [
    [mark(previewWords[event.how]), `: ${event.said}`],
    ...event.operations.flatMap(operationWords).map((words) => `    ${words}`),
    ...(event.assumed.length === 0
      ? []
      : [`    assumed: ${event.assumed.join(', ')} (an earlier step would yield it)`]),
  ];
}

/** The telling parts of a receipt: how it ended, how much it moved. */
function receiptWords(receipt: Receipt): string {
  const { exit, bytes, files, entries } = receipt;
  return [
    ...(typeof exit === 'number' ? [`exit ${exit}`] : []),
    ...(typeof bytes === 'number' ? [bytesText(bytes)] : []),
    ...(typeof files === 'number'
      ? [counted(files, 'file')]
      : typeof entries === 'number'
        ? [counted(entries, 'entry', 'entries')]
        : []),
  ].join(', ');
}
