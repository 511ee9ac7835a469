import type { OperationHandlers, ProbeHandlers } from '../../core/action.ts';
import type { Bmc } from '../../core/ports.ts';
import { type Trouble, trouble, unseen } from '../../core/result.ts';

const noBmc: Trouble = trouble(
  'no-bmc',
  'the hosts file names no BMC for this host',
  'Add a "bmc" with kind, address, user and password to its entry, or do this step by hand.',
);

/** Answers to what only a BMC can say. Without one in the inventory they are unknown, which is not "off". */
export function bmcProbes(bmc: Bmc | undefined): Pick<ProbeHandlers, 'power' | 'bmc.identity'> {
  return {
    power: async () => (bmc === undefined ? unseen(noBmc) : bmc.power()),
    'bmc.identity': async () => (bmc === undefined ? unseen(noBmc) : bmc.identity()),
  };
}

/**
 * Switches the power. `done` once the BMC accepted, which is before the power has changed; `failed` when it declined or was never
 * asked; `unknown` when the request left and no answer came.
 */
export function bmcHandlers(bmc: Bmc | undefined): Pick<OperationHandlers, 'bmc.power'> {
  return {
    'bmc.power': async ({ want, how }, { signal }) => {
      if (bmc === undefined) return { outcome: 'failed', trouble: noBmc };
      const result = await bmc.setPower(want, how, signal);
      if (result.ok) return { outcome: 'done', receipt: { want, how } };
      const outcome = result.error.code === 'bmc-unanswered' ? 'unknown' : 'failed';
      return { outcome, trouble: result.error };
    },
  };
}
