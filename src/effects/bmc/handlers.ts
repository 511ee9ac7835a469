import type { OperationHandlers, ProbeHandlers } from '../../core/action.ts';
import type { Outcome, Receipt } from '../../core/operation.ts';
import type { Bmc } from '../../core/ports.ts';
import { type Result, type Trouble, trouble, unseen } from '../../core/result.ts';

const noBmc: Trouble = trouble(
  'no-bmc',
  'the hosts file names no BMC for this host',
  'Add a "bmc" with kind, address, user and password to its entry, or do this step by hand.',
);

export type BmcProbe = 'power' | 'bmc.identity' | 'bmc.indicator' | 'bmc.weaknesses';

/** Answers to what only a BMC can say. Without one in the inventory they are unknown, which is not "off". */
export function bmcProbes(bmc: Bmc | undefined): Pick<ProbeHandlers, BmcProbe> {
  const none = unseen(noBmc);
  return {
    power: async () => (bmc === undefined ? none : bmc.power()),
    'bmc.identity': async () => (bmc === undefined ? none : bmc.identity()),
    'bmc.indicator': async () => (bmc === undefined ? none : bmc.indicator()),
    'bmc.weaknesses': async () => (bmc === undefined ? none : bmc.weaknesses()),
  };
}

/**
 * Tells the BMC what to do. `done` once the BMC accepted, which is before it has happened; `failed` when it declined or was never asked;
 * `unknown` when the request left and no answer came. How the BMC was spoken to is noted where that is less than the best.
 */
export function bmcHandlers(bmc: Bmc | undefined): Pick<OperationHandlers, 'bmc.power' | 'bmc.locate' | 'bmc.reset'> {
  const tell = async (receipt: Receipt, act: (bmc: Bmc) => Promise<Result<void>>): Promise<Outcome> => {
    if (bmc === undefined) return { outcome: 'failed', trouble: noBmc };
    const result = await act(bmc);
    if (!result.ok) {
      return { outcome: result.error.code === 'bmc-unanswered' ? 'unknown' : 'failed', trouble: result.error };
    }
    const notes = bmc.notes();
    return { outcome: 'done', receipt: notes.length === 0 ? receipt : { ...receipt, notes } };
  };
  return {
    'bmc.power': ({ want, how }, { signal }) => tell({ want, how }, (told) => told.setPower(want, how, signal)),
    'bmc.locate': ({ want }, { signal }) => tell({ want }, (told) => told.setIndicator(want, signal)),
    'bmc.reset': async (_operation, { signal }) => {
      const outcome = await tell({}, (told) => told.restart(signal));
      // Many are gone before they have answered this. Whether it started anew is judged by what is seen of it, not by its answer.
      return outcome.outcome === 'unknown' ? { outcome: 'done', receipt: { answered: false } } : outcome;
    },
  };
}
