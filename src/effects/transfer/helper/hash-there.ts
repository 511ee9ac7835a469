import type { BlobRef } from '../../../core/blob.ts';
import { fail, ok, type Result, type Trouble, trouble } from '../../../core/result.ts';
import type { HelperMachine } from '../deps.ts';
import { shelf } from './shelf.ts';

/** SHA-256 and length of a file on a helper, as the helper tells them. */
export async function hashThere(
  helper: HelperMachine,
  file: string,
  signal: AbortSignal | undefined,
): Promise<Result<BlobRef>> {
  const said = await shelf(helper, 'hash', file, { signal });
  if (!said.ok) return said;
  const sha256 = /^hash ([0-9a-f]{64})$/m.exec(said.value.join('\n'))?.[1];
  const bytes = Number(/^bytes (\d+)$/m.exec(said.value.join('\n'))?.[1]);
  return sha256 === undefined || !Number.isSafeInteger(bytes) ? fail(unclear(helper, file)) : ok({ sha256, bytes });
}

export const unclear = ({ name }: HelperMachine, path: string): Trouble =>
  trouble('helper-unclear', `what ${name} said of ${path} could not be understood`, 'Check that sh and df work there.');
