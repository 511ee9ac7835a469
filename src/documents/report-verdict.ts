import type { Execution } from '../core/execution.ts';
import type { LogSeen, ReportModel, StepReport } from './report-model.ts';

export type ReportWord =
  | 'done'
  | 'done in part'
  | 'rolled back'
  | 'abandoned'
  | 'rehearsed'
  | 'parked'
  | 'stopped'
  | 'in doubt'
  | 'open'
  | 'broken';

export function verdictOf(
  execution: Execution,
  steps: readonly StepReport[],
  log: LogSeen | undefined,
): ReportModel['verdict'] {
  if (log?.verdict === 'broken') {
    return {
      word: 'broken',
      says:
        log.linesWhole === true
          ? 'The audit log is broken: a file in out/ that its lines refer to is missing or was changed. What follows is what the lines say, and proves nothing.'
          : 'The audit log is broken: what follows is what its good lines say, and proves nothing.',
    };
  }
  const statuses = [...new Set(steps.map((s) => s.status))];
  const counted = (status: string) => steps.filter((s) => s.status === status).length;
  const order = ['done', 'already so', 'recovered', 'previewed', 'rolled back', 'skipped', 'failed', 'in doubt'];
  const rank = (status: string) => (order.includes(status) ? order.indexOf(status) : order.length);
  const parts = statuses.sort((x, y) => rank(x) - rank(y)).map((status) => `${counted(status)} ${status}`);
  const tally = `${steps.length === 1 ? '1 step' : `${steps.length} steps`}: ${parts.join(', ')}.`;
  if (execution.status === 'closed') {
    switch (execution.outcome) {
      case 'done': {
        const left = steps.some((s) => s.status === 'failed' || s.skipped?.by === 'person');
        return left
          ? { word: 'done in part', says: `The run is closed, and steps were skipped by a person or failed. ${tally}` }
          : { word: 'done', says: `The run is closed. ${tally}` };
      }
      case 'rolled-back':
        return { word: 'rolled back', says: 'Every step that can be reversed was reversed; copies were kept.' };
      case 'rehearsed':
        return { word: 'rehearsed', says: `A rehearsal: nothing was changed. ${tally}` };
      case 'abandoned':
      case null:
        return { word: 'abandoned', says: `The run was given up. ${tally}` };
    }
  }
  if (counted('in doubt') > 0)
    return { word: 'in doubt', says: `An operation was begun, and nobody saw its end. ${tally}` };
  switch (execution.status) {
    case 'parked':
      return {
        word: 'parked',
        says: `It waits${execution.parked === null ? '' : ` (${execution.parked.why})`}. ${tally}`,
      };
    case 'stopped':
      return {
        word: 'stopped',
        says: `It was stopped${execution.stopped === null ? '' : ` (${execution.stopped.reason})`}. ${tally}`,
      };
    case 'open':
      return { word: 'open', says: `The run is not closed. ${tally}` };
  }
}
