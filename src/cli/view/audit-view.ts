import type { Audit, BlobAudit, LogVerdict } from '../audit-of.ts';
import { bad, counted, type Line, pairs, type Span, warn } from './text.ts';

/** How many lost files are told line by line; the JSON form holds them all. */
const most = 20;

/** What a log amounts to, its head, and what to do with either. */
export function auditLines(audit: Audit, blobs: BlobAudit): readonly Line[] {
  const { verdict, folder, head, torn, breach } = audit;
  const { referred, lost, stray } = blobs;
  return [
    [verdictSpan(verdict)],
    ...pairs([
      ['run', `${folder.run} on ${folder.host}`],
      ['log', `${folder.path}/audit.jsonl`],
      ['lines', `${head.size}${breach === undefined ? '' : ' good from the start'}`],
      ['head', head.hash],
      ['files', `${referred - lost.length} of ${referred} in out/ are as the lines say`],
    ]),
    ...(breach === undefined ? [] : [`Line ${breach.line}: ${breach.what}.`]),
    ...lost.slice(0, most).map(({ line, what }) => `Line ${line}: ${what}.`),
    ...(lost.length > most ? [`And ${counted(lost.length - most, 'more such line')}.`] : []),
    ...(torn === 0
      ? []
      : [`The last line is torn (${counted(torn, 'byte')}), as a crash leaves it; resume repairs it.`]),
    ...(stray.length === 0
      ? []
      : [
          `${counted(stray.length, 'file')} in out/ that no line refers to, as a crash leaves ${stray.length === 1 ? 'it' : 'them'}: ${stray.slice(0, most).join(', ')}${stray.length > most ? ', …' : ''}. Nothing rests on ${stray.length === 1 ? 'it' : 'them'}.`,
        ]),
    ...nextLines(audit, lost.length > 0),
  ];
}

const verdictSpan = (verdict: LogVerdict): Span => (verdict === 'broken' ? bad(verdict) : warn(verdict));

function nextLines({ verdict, breach, execution, folder }: Audit, lost: boolean): readonly Line[] {
  const { run } = folder;
  switch (verdict) {
    case 'broken':
      return [
        breach === undefined && lost
          ? 'The lines are whole, and what they refer to is not. Restore the files from a backup of the state folder, or find out who changed them.'
          : 'Nothing can go on from this log. Keep the folder as it is, and compare with a head that was kept elsewhere.',
      ];
    case 'intact but open':
      return execution.run === ''
        ? [
            'The run was ended before its first lines were written: it has begun nothing.',
            folder.rehearsal
              ? `Next: decom run ${folder.host} --dry-run`
              : `Next: decom resume ${run}, which begins it`,
          ]
        : ['The run has not ended, so that lines were cut off its end could not be seen.', `Next: decom why ${run}`];
    case 'intact but unsigned':
      return [
        'A chain alone cannot tell a log that was cut or rebuilt as a whole: compare the head with one that was kept elsewhere.',
        `Next: decom report ${run}`,
      ];
  }
}
