import type { Audit, BlobAudit, LogVerdict, SessionAudit } from '../audit-of.ts';
import { bad, counted, good, type Line, pairs, type Span, warn } from './text.ts';

/** How many lost files are told line by line; the JSON form holds them all. */
const most = 20;

/** What a log amounts to, its head, and what to do with either. */
export function auditLines(audit: Audit, blobs: BlobAudit): readonly Line[] {
  const { verdict, folder, head, torn, breach, signatures, anchored, kept } = audit;
  const { referred, lost, stray } = blobs;
  return [
    [verdictSpan(verdict)],
    ...pairs([
      ['run', `${folder.run} on ${folder.host}`],
      ['log', `${folder.path}/audit.jsonl`],
      ['lines', `${head.size}${breach === undefined ? '' : ' good from the start'}`],
      ['head', head.hash],
      ...(anchored === undefined
        ? []
        : ([['kept head', `is that of line ${anchored}: nothing up to there was changed`]] as const)),
      ...(breach === undefined ? kept : []).map(
        ({ by, size }) => ['kept by', `run ${by}, which recorded the head of line ${size} when it began`] as const,
      ),
      ['files', `${referred - lost.length} of ${referred} in out/ are as the lines say`],
      ...signatures.sessions.map((session) => ['signed by', signerWords(session)] as const),
      ...signatures.statements.map(
        ({ line, by, kind, held }) =>
          ['said by', `${by} (${kind}, line ${line})${held ? '' : ', not judged'}`] as const,
      ),
    ]),
    ...(breach === undefined ? [] : [`Line ${breach.line}: ${breach.what}.`]),
    ...lost.slice(0, most).map(({ line, what }) => `Line ${line}: ${what}.`),
    ...(lost.length > most ? [`And ${counted(lost.length - most, 'more such line')}.`] : []),
    ...(torn === 0 || breach !== undefined
      ? []
      : [
          `The last line is torn (${counted(torn, 'byte')}), as a crash leaves it; ${verdict === 'intact but open' ? 'resume repairs it' : 'the run had ended, and nothing goes on from it'}.`,
        ]),
    ...(stray.length === 0
      ? []
      : [
          `${counted(stray.length, 'file')} in out/ that no line refers to, as a crash leaves ${stray.length === 1 ? 'it' : 'them'}: ${stray.slice(0, most).join(', ')}${stray.length > most ? ', …' : ''}. Nothing rests on ${stray.length === 1 ? 'it' : 'them'}.`,
        ]),
    ...nextLines(audit, lost.length > 0),
  ];
}

const verdictSpan = (verdict: LogVerdict): Span =>
  verdict === 'broken' ? bad(verdict) : verdict === 'closed and signed' ? good(verdict) : warn(verdict);

const signerWords = ({ line, operator, signer, fingerprint }: SessionAudit): string =>
  `${signer === null ? 'nobody' : `${signer} (${fingerprint})`}: the session of ${operator} from line ${line}`;

function nextLines({ verdict, breach, execution, folder, signatures }: Audit, lost: boolean): readonly Line[] {
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
        : [
            ...(signatures.sessions.some(({ signer }) => signer !== null)
              ? signatures.lacks.map((lack) => `Not signed: ${lack}.`)
              : []),
            'The run has not ended, so that lines were cut off its end could not be seen.',
            `Next: decom why ${run}`,
          ];
    case 'intact but unsigned':
      return [
        ...signatures.lacks.map((lack) => `Not signed: ${lack}.`),
        'A chain alone cannot tell a log that was cut or rebuilt as a whole: compare the head with one that was kept elsewhere.',
        execution.inSession && !folder.rehearsal
          ? `Next: decom resume ${run}, which closes it`
          : `Next: decom report ${run}`,
      ];
    case 'closed and signed':
      return [
        'Whoever has none of these keys can neither change this log nor cut lines off. Who has one could write another: compare the head with one that was kept elsewhere (--head).',
        `Next: decom report ${run}`,
      ];
  }
}
