import { readChain } from '../fakes/read-chain.ts';

export interface Cuts {
  readonly tried: number;
  readonly wrong: readonly string[];
}

/**
 * Cuts a whole log at every `every`th byte. What is left must be read as its whole lines and a torn rest: never as broken, for that is
 * what a crash leaves; never as more or less than those lines; and only uncut as a run that has ended and whose end is signed. `first` is the
 * intent's digest.
 */
export function cutLog(log: Buffer, first: string, every = 1): Cuts {
  const wrong: string[] = [];
  let tried = 0;
  let whole = 0;
  let lines = 0;
  for (let length = 0; length < log.length; length++) {
    if (length > 0 && log[length - 1] === 0x0a) {
      whole = length;
      lines += 1;
    }
    if (length % every !== 0 && length !== whole) continue;
    tried += 1;
    const { breach, events, good, torn } = readChain(log.subarray(0, length), first);
    const closed = events.at(-1)?.type === 'session.closed';
    if (breach !== undefined || events.length !== lines || good !== whole || torn !== length - whole || closed) {
      wrong.push(`cut to ${length} bytes: ${breach?.what ?? `${events.length} lines, ${torn} bytes torn`}`);
    }
  }
  return { tried, wrong };
}
