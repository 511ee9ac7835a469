import type { Diagnostic } from '../../core/diagnostic.ts';
import { bad, counted, dim, type Line, strong } from './text.ts';

/** Problems of one kind in one file that are shown; a bomb of aliases has a hundred thousand, and one tells it all. */
const shown = 20;

/** Diagnostics as `file:line:column  what fix`, with those beyond the first of a kind counted and the totals last. */
export function diagnosticLines(diagnostics: readonly Diagnostic[]): readonly Line[] {
  if (diagnostics.length === 0) return [];
  const files = new Set(diagnostics.map((d) => d.file)).size;
  const kinds = new Map<string, { readonly file: string; readonly code: string; count: number }>();
  const lines = diagnostics.flatMap((d): readonly Line[] => {
    const key = `${d.code}\n${d.file}`;
    const kind = kinds.get(key) ?? { file: d.file, code: d.code, count: 0 };
    kinds.set(key, kind);
    kind.count += 1;
    if (kind.count > shown) return [];
    return [
      [strong(`${d.file}:${d.line}:${d.column}`), `  ${d.what}`, ...(d.fix ? [` ${d.fix}`] : []), dim(` [${d.code}]`)],
      ...(d.way ?? []).map((at): Line => [dim(`    ${at.file}:${at.line}:${at.column}`), `  ${at.what}`]),
    ];
  });
  const more = [...kinds.values()].filter(({ count }) => count > shown);
  return [
    ...lines,
    ...more.map(({ file, code, count }): Line => [`${file}: ${count - shown} more of this kind`, dim(` [${code}]`)]),
    [bad(`${counted(diagnostics.length, 'problem')} in ${counted(files, 'file')}`)],
  ];
}
