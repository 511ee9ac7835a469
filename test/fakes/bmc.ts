import type { Bmc } from '../../src/core/ports.ts';
import { fail, ok, seen, type Trouble, trouble, unseen } from '../../src/core/result.ts';

export interface FakeBmcState {
  power: 'on' | 'off';
  guid: string;
  serial: string;
  /** Set to make every call fail with it. */
  trouble?: Trouble;
  refuses?: 'soft';
  /** Set to have the next `setPower` done, and its answer lost. */
  dropsAnswer?: boolean;
  readonly asked: string[];
}

/** A BMC in memory; the test holds its state and may change it at any time. */
export function fakeBmc(state: FakeBmcState): Bmc {
  return {
    name: 'fake',
    power: async () => (state.trouble === undefined ? seen(state.power) : unseen(state.trouble)),
    identity: async () =>
      state.trouble === undefined
        ? seen({ guid: seen(state.guid), guid_swapped: seen(swapped(state.guid)), serial: seen(state.serial) })
        : unseen(state.trouble),
    setPower: async (want, how, signal) => {
      if (signal.aborted) return fail(trouble('aborted', 'stopped before the BMC was asked', 'Resume when ready.'));
      if (state.trouble !== undefined) return fail(state.trouble);
      if (state.refuses === how && want === 'off') {
        return fail(trouble('bmc-declined', 'the BMC declined a soft power-off', 'Use hard.'));
      }
      state.asked.push(`${want} ${how}`);
      state.power = want;
      if (state.dropsAnswer !== true) return ok(undefined);
      return fail(trouble('bmc-unanswered', 'the BMC did not answer', 'Ask for the power state.'));
    },
    close: async () => undefined,
  };
}

const swapped = (guid: string): string => guid.replace(/^(..)(..)(..)(..)-(..)(..)-(..)(..)/, '$4$3$2$1-$6$5-$8$7');
