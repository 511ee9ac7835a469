import { type Coverage, coverageWords, type NotKept, strangeNotKept } from '../../core/coverage.ts';
import type { FileSystem } from '../../core/probe.ts';
import type { Seen } from '../../core/result.ts';
import { bad, bytesText, dim, good, indent, type Line, type Span, strong, warn } from './text.ts';

/** How each file system with data is kept, a line each; what is lost stands first. Nothing where no step asks. */
export function coverageLines(
  coverage: Seen<readonly Coverage[]> | undefined,
  notKept: readonly NotKept[] = [],
): readonly Line[] {
  if (coverage === undefined) return [];
  const head: Line = [strong('File systems with data')];
  if (!coverage.known) return [head, ...indent([[warn('unknown'), `: ${coverage.trouble.what}`]]), ''];
  const rows = [...coverage.value].sort((a, b) => rank(a) - rank(b));
  const cells = rows.map((row) => ({ row, at: row.of.at, size: sizeWords(row.of), on: onWords(row.of) }));
  const width = (of: (cell: (typeof cells)[number]) => string): number =>
    Math.max(0, ...cells.map((c) => of(c).length));
  const [wideAt, wideSize, wideOn] = [width((c) => c.at), width((c) => c.size), width((c) => c.on)];
  const strange = strangeNotKept(
    rows.map(({ of }) => of),
    notKept,
  );
  return [
    head,
    ...indent([
      ...cells.map(
        ({ row, at, size, on }): Line => [
          ...wordOf(row),
          strong(at.padEnd(wideAt)),
          `  ${size.padStart(wideSize)}  ${on.padEnd(wideOn)}  `,
          coverageWords(row),
        ],
      ),
      ...strange.map(
        ({ path }): Line => [warn('note'), ` not_kept names ${path}, and no file system with data is there`],
      ),
    ]),
    '',
  ];
}

const rank = ({ covered }: Coverage): number => ['no', 'copied', 'not-kept', 'elsewhere'].indexOf(covered);

const wordWidth = 'NOT COVERED  '.length;

function wordOf({ covered }: Coverage): readonly Span[] {
  const word = {
    no: bad('NOT COVERED'),
    copied: good('copied'),
    'not-kept': warn('not kept'),
    elsewhere: dim('elsewhere'),
  };
  const span = word[covered];
  return [span, ' '.repeat(wordWidth - (typeof span === 'string' ? span : span.text).length)];
}

const sizeWords = ({ used, state }: FileSystem): string =>
  used === null ? (state === 'elsewhere' ? '' : 'unknown') : bytesText(used);

const onWords = ({ at, type, source }: FileSystem): string =>
  source === at ? type || 'unknown' : `${type} on ${source}`;
