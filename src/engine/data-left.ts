import type { Probe } from '../core/action.ts';
import type { Execution } from '../core/execution.ts';
import { makesCopy } from '../core/operation.ts';
import { argvWords } from '../core/operation-words.ts';
import { placeOf, whereWords } from '../core/place.ts';
import { type Trouble, trouble } from '../core/result.ts';

/** A folder in which a run that ends before its time may have left files of the host. */
export interface DataLeft {
  readonly what: 'an unfinished copy' | 'what was restored for a proof';
  readonly place: string;
  /** The file beside it that tells whose it is, and goes with it. */
  readonly beside?: string;
}

/** Where a run may have left files of the host: copies that nobody saw end, and restored trees. */
export function dataLeftBy(execution: Execution): readonly DataLeft[] {
  const found = new Map<string, DataLeft>();
  for (const { forth } of Object.values(execution.steps)) {
    for (const { operation, status } of forth.operations) {
      const left: DataLeft | undefined =
        makesCopy(operation) && status !== 'done'
          ? { what: 'an unfinished copy', place: `${operation.to}.partial` }
          : operation.kind === 'copy.restore'
            ? {
                what: 'what was restored for a proof',
                place: operation.scratch,
                beside: `${placeOf(operation.scratch).path}.decom-scratch`,
              }
            : undefined;
      if (left !== undefined) found.set(left.place, left);
    }
  }
  return [...found.values()];
}

/** Which of it is still there, with the command that deletes it: it may be all that is left of the host, so that is for a person to decide. */
export async function tellDataLeft(left: readonly DataLeft[], probe: Probe): Promise<readonly Trouble[]> {
  const told: Trouble[] = [];
  for (const { what, place, beside } of left) {
    const seen = await probe({ kind: 'place', path: place });
    if (!seen.known) told.push(stays(`${what} may still lie at ${place}: ${seen.trouble.what}`, place, beside));
    else if (seen.value.exists) told.push(stays(`${what} stays at ${place}`, place, beside));
  }
  return told;
}

const stays = (what: string, place: string, beside: string | undefined): Trouble => {
  const { on, path } = placeOf(place);
  return trouble(
    'data-stays',
    what,
    `It is never removed by itself; to delete it ${whereWords(on)}: ${argvWords(['rm', '-rf', '--', path, ...(beside === undefined ? [] : [beside])])}`,
  );
};
