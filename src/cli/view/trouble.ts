import { printableLines } from '../../core/printable.ts';
import type { Trouble } from '../../core/result.ts';
import { bad, dim, type Line } from './text.ts';

/** What went wrong, its detail, and last what to do now. */
export function troubleLines(trouble: Trouble): readonly Line[] {
  return [
    [bad('error'), ` ${trouble.what} `, dim(`[${trouble.code}]`)],
    ...printableLines(trouble.detail ?? '').map((line): Line => [dim(`  ${line}`)]),
    ...(trouble.fix === '' ? [] : [`  ${trouble.fix}`]),
  ];
}
