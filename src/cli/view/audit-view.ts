import type { Audit, LogVerdict } from '../audit-of.ts';
import { bad, counted, type Line, pairs, type Span, warn } from './text.ts';

/** What a log amounts to, its head, and what to do with either. */
export function auditLines({ verdict, folder, head, torn, breach }: Audit): readonly Line[] {
  return [
    [verdictSpan(verdict)],
    ...pairs([
      ['run', `${folder.run} on ${folder.host}`],
      ['log', `${folder.path}/audit.jsonl`],
      ['lines', `${head.size}${verdict === 'broken' ? ' good from the start' : ''}`],
      ['head', head.hash],
    ]),
    ...(breach === undefined ? [] : [`Line ${breach.line}: ${breach.what}.`]),
    ...(verdict === 'broken' && breach === undefined ? ['The log holds no line.'] : []),
    ...(torn === 0
      ? []
      : [`The last line is torn (${counted(torn, 'byte')}), as a crash leaves it; resume repairs it.`]),
    ...nextLines(verdict, folder.run),
  ];
}

const verdictSpan = (verdict: LogVerdict): Span => (verdict === 'broken' ? bad(verdict) : warn(verdict));

function nextLines(verdict: LogVerdict, run: string): readonly Line[] {
  switch (verdict) {
    case 'broken':
      return [
        'Nothing can go on from this log. Keep the folder as it is, and compare with a head that was kept elsewhere.',
      ];
    case 'intact but open':
      return ['The run has not ended, so that lines were cut off its end could not be seen.', `Next: decom why ${run}`];
    case 'intact but unsigned':
      return [
        'A chain alone cannot tell a log that was cut or rebuilt as a whole: compare the head with one that was kept elsewhere.',
        `Next: decom report ${run}`,
      ];
  }
}
