import { type Coverage, copyProved, coverageOf, coverageWords } from '../core/coverage.ts';
import { encodePath } from '../core/mtree.ts';
import { type Block, timeText } from './block.ts';
import type { ReportModel } from './report-model.ts';

/** How each file system with data was kept, as it was seen last before each step that asked for it: an erase leaves none for the next one. What a run never asked is left out. */
export function fileSystems({ execution, plan, waivers, storage }: ReportModel): readonly Block[] {
  const notKept = plan.intent.not_kept ?? [];
  if (storage.length === 0 && notKept.length === 0) return [];
  if (storage.length === 0)
    return [
      {
        block: 'table',
        caption: 'File systems that the plan keeps nothing of',
        head: ['file system', 'why', 'who decided so'],
        rows: notKept.map(({ path, why, by }) => [path, why, by]),
        empty: '',
      },
    ];
  const proved = execution.evidence.flatMap((e) => (e.kind === 'restore.proven' ? [copyProved(e, execution)] : []));
  const words: { readonly [covered in Coverage['covered']]: string } = {
    ...{ copied: 'copied', 'not-kept': 'not kept, on purpose', elsewhere: 'on other machines', no: 'not kept' },
  };
  const answers = (at: string): string =>
    waivers
      .filter(({ gate }) => gate === `coverage:${encodePath(at)}`)
      .map(({ by, reason }) => `; ${by} answers for it: ${reason}`)
      .at(-1) ?? '';
  return storage.map(
    ({ step, ts, file_systems }): Block => ({
      block: 'table',
      caption: `File systems with data before step ${step}, as of ${timeText(ts) ?? ''}`,
      head: ['file system', 'on', 'bytes', 'kept', 'how, or why not'],
      rows: coverageOf(file_systems, proved, notKept).map((row) => [
        row.of.at,
        `${row.of.type} ${row.of.source}`.trim(),
        row.of.used === null ? null : String(row.of.used),
        words[row.covered],
        `${coverageWords(row)}${row.covered === 'no' ? answers(row.of.at) : ''}`,
      ]),
      empty: 'None was seen.',
    }),
  );
}
