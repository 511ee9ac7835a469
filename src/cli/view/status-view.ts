import { type Execution, type Pass, stepState } from '../../core/execution.ts';
import type { RunFolder } from '../../core/ports.ts';
import type { RunRead } from '../../engine/open-run.ts';
import { statusWord, tally } from './run-end-view.ts';
import { bad, counted, dim, good, type Line, pairs, type Span, strong, warn } from './text.ts';
import { troubleLines } from './trouble.ts';

/** What a run has come to, in a word and a tone. */
export function runState(execution: Execution): Span {
  switch (execution.status) {
    case 'closed':
      return execution.outcome === 'abandoned' ? warn('abandoned') : good(execution.outcome ?? 'closed');
    case 'parked':
      return warn(execution.parked?.until ? `parked until ${execution.parked.until}` : 'parked');
    case 'stopped':
      return warn(`stopped (${execution.stopped?.by ?? '?'})`);
    case 'open':
      return execution.direction === 'back' ? 'rolling back' : 'open';
  }
}

/** One line a run, newest last. */
export function runListLines(runs: readonly RunRead[]): readonly Line[] {
  if (runs.length === 0) return ['There are no runs.'];
  const runWidth = Math.max(...runs.map(({ folder }) => folder.run.length));
  const hostWidth = Math.max(...runs.map(({ folder }) => folder.host.length));
  return runs.map(
    ({ folder, execution, plan }): Line => [
      strong(folder.run.padEnd(runWidth)),
      `  ${folder.host.padEnd(hostWidth)}  `,
      dim(execution.opened === null ? notBegun : `${execution.opened.slice(0, 16).replace('T', ' ')} UTC`),
      `  ${folder.rehearsal ? 'rehearsal, ' : ''}`,
      runState(execution),
      ` — ${tally(plan, execution)}`,
    ],
  );
}

const notBegun = 'not begun'.padEnd('2026-03-01 10:00 UTC'.length);

/** One run, step by step. */
export function runStatusLines({ folder, execution, plan, head, torn }: RunRead): readonly Line[] {
  const { host } = plan.intent;
  const width = Math.max(0, ...plan.intent.steps.map((step) => step.id.length));
  return [
    ...pairs([
      ['run', [strong(folder.run), folder.rehearsal ? ' (rehearsal)' : '']],
      ['host', `${host.name} at ${host.address}, serial ${host.serial}`],
      ['runbook', `${plan.intent.runbook.name} — ${plan.intent.runbook.title}`],
      ['state', [runState(execution), ...(execution.status === 'parked' ? [`: ${execution.parked?.why ?? ''}`] : [])]],
      ['by', execution.operators.join(', ')],
      ['opened', execution.opened ?? 'not yet'],
      ['last line', execution.last ?? 'none'],
      ['log', `${counted(head.size, 'line')}, head ${head.hash}`],
      ['record', folder.path],
    ]),
    ...inboxLines(folder),
    ...(torn === 0 ? [] : [[warn(`The last line of the log is torn (${torn} bytes); resume repairs it.`)]]),
    '',
    ...plan.intent.steps.flatMap((step, i): readonly Line[] => {
      const { forth, back } = stepState(execution, step.id);
      const pass = back.status === 'pending' ? forth : back;
      const number = String(i + 1).padStart(String(plan.intent.steps.length).length);
      return [
        [
          dim(number),
          ' ',
          statusSpan(pass),
          `  ${step.id.padEnd(width)}  ${pass.said === '' ? step.title : pass.said}`,
          ...(pass.recovered ? [' ', warn(`(recovered, ${counted(pass.attempt, 'attempt')})`)] : []),
        ],
        ...(pass.trouble === null ? [] : troubleLines(pass.trouble).map((line): Line => ['    ', ...spans(line)])),
      ];
    }),
  ];
}

/** What others said, and nobody has taken in yet. */
export function inboxLines(folder: RunFolder): readonly Line[] {
  const length = folder.inbox().count();
  if (length === 0) return [];
  return [
    `${counted(length, 'statement')} ${length === 1 ? 'lies' : 'lie'} in its inbox, to be taken in by the next resume, or by: decom inbox take ${folder.run}`,
  ];
}

const spans = (line: Line): readonly Span[] => (typeof line === 'string' ? [line] : line);

function statusSpan(pass: Pass): Span {
  const word = statusWord(pass).padEnd(10);
  switch (pass.status) {
    case 'done':
    case 'already':
    case 'previewed':
    case 'rolled-back':
      return good(word);
    case 'failed':
    case 'blocked':
      return bad(word);
    case 'skipped':
    case 'waiting':
    case 'running':
      return warn(word);
    case 'pending':
      return dim(word);
  }
}
