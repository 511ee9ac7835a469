import type { Breach, Head } from '../../core/chain.ts';
import { bad, counted, type Line, pairs, type Span, warn } from './text.ts';

/** What the bytes of a log amount to. There is no signature yet, so no log is "closed and signed". */
export type Verdict = 'broken' | 'intact-but-open' | 'intact-but-unsigned';

export interface Audit {
  readonly verdict: Verdict;
  readonly path: string;
  readonly run: string;
  readonly head: Head;
  readonly torn: number;
  readonly breach: Breach | undefined;
}

export function auditLines(audit: Audit): readonly Line[] {
  const { verdict, path, run, head, torn, breach } = audit;
  return [
    [verdictSpan(verdict)],
    ...pairs([
      ['log', path],
      ['lines', `${head.size}${verdict === 'broken' ? ' good from the start' : ''}`],
      ['head', head.hash],
    ]),
    ...(breach === undefined ? [] : [`Line ${breach.line}: ${breach.what}.`]),
    ...(verdict === 'broken' && breach === undefined ? ['The log holds no line.'] : []),
    ...(torn === 0
      ? []
      : [`The last line is torn (${counted(torn, 'byte')}), as a crash leaves it; resume repairs it.`]),
    ...nextLines(verdict, run),
  ];
}

function verdictSpan(verdict: Verdict): Span {
  switch (verdict) {
    case 'broken':
      return bad('broken');
    case 'intact-but-open':
      return warn('intact but open');
    case 'intact-but-unsigned':
      return warn('intact but unsigned');
  }
}

function nextLines(verdict: Verdict, run: string): readonly Line[] {
  switch (verdict) {
    case 'broken':
      return [
        'Nothing can go on from this log. Keep the folder as it is, and compare with a head that was kept elsewhere.',
      ];
    case 'intact-but-open':
      return [`The run has not ended: later lines could be missing. Next: decom why ${run}`];
    case 'intact-but-unsigned':
      return [
        'A chain alone cannot tell a log that was cut or rebuilt whole: compare the head with one that was kept elsewhere.',
      ];
  }
}
