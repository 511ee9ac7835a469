import type { Diagnostic } from '../../core/diagnostic.ts';
import { bad, counted, dim, type Line, strong } from './text.ts';

/** Diagnostics as `file:line:column  what fix`, with the totals last. */
export function diagnosticLines(diagnostics: readonly Diagnostic[]): readonly Line[] {
  if (diagnostics.length === 0) return [];
  const files = new Set(diagnostics.map((d) => d.file)).size;
  return [
    ...diagnostics.map(
      (d): Line => [
        strong(`${d.file}:${d.line}:${d.column}`),
        `  ${d.what}`,
        ...(d.fix ? [` ${d.fix}`] : []),
        dim(` [${d.code}]`),
      ],
    ),
    [bad(`${counted(diagnostics.length, 'problem')} in ${counted(files, 'file')}`)],
  ];
}
