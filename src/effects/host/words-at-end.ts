import type { Outcome } from '../../core/operation.ts';
import { type Trouble, trouble } from '../../core/result.ts';

/**
 * What a script of disks said of its end: by exit 3 that it `refused` before it changed anything, by exit 4 that it `failed` half-way. With a refusal, `failed` is what it could not put back.
 */
export function wordsAtEnd(outcome: Outcome | { readonly outcome: 'never' | 'unreached' }): {
  readonly refused?: string | undefined;
  readonly failed?: string | undefined;
  readonly said: string;
} {
  if (outcome.outcome !== 'failed') return { said: '' };
  const { receipt } = outcome as { readonly receipt?: { readonly [key: string]: unknown } };
  const said = String(receipt?.stderr_tail ?? '');
  const line = (word: string): string | undefined =>
    said
      .split('\n')
      .findLast((one) => one.startsWith(`${word}: `))
      ?.slice(word.length + 2);
  if (receipt?.exit === 3) return { refused: line('refused'), failed: line('failed'), said };
  return receipt?.exit === 4 ? { failed: line('failed'), said } : { said };
}

export const noJobFolder = (host: string): Trouble =>
  trouble(
    'no-job-folder',
    `${host} cannot keep an act that outlives the connection, and nothing is erased without that`,
    'It needs /proc/sys/kernel/random/boot_id, and a folder for the login: /run/decom, ~/.decom/run, or DECOM_JOBS.',
  );
