import type { ExecuteContext } from '../../core/action.ts';
import { durationText } from '../../core/duration.ts';
import type { Operation, Receipt } from '../../core/operation.ts';

const betweenLooks = 2000;

/** Performs the ways of switching a machine off one after the other: each with an `after` only once that time is over, and only if the power is still on. */
export async function offInOrder(
  operations: readonly Operation[],
  { perform, probe, sleep, signal, progress }: ExecuteContext,
): Promise<readonly Receipt[]> {
  const receipts = [];
  for (const operation of operations) {
    if (operation.kind === 'bmc.power' && operation.after !== undefined) {
      for (let waited = 0; waited < operation.after; waited += betweenLooks) {
        const power = await probe({ kind: 'power' });
        if (signal.aborted || (power.known && power.value === 'off')) return receipts;
        progress({ what: `still on; the power is cut in ${durationText(operation.after - waited)}` });
        await sleep(Math.min(betweenLooks, operation.after - waited));
      }
      if (signal.aborted) return receipts;
    }
    receipts.push(await perform(operation));
  }
  return receipts;
}
