import type { Bmc } from '../../src/core/ports.ts';
import { fail, ok, type Result, seen, type Trouble, trouble, unseen } from '../../src/core/result.ts';

export interface FakeBmcState {
  power: 'on' | 'off';
  guid: string;
  serial: string;
  indicator?: 'on' | 'off';
  /** Set to make every call fail with it. */
  trouble?: Trouble;
  refuses?: 'soft';
  /** Set to have the next change done, and its answer lost. */
  dropsAnswer?: boolean;
  notes?: readonly string[];
  weaknesses?: readonly Trouble[];
  readonly asked: string[];
}

/** A BMC in memory; the test holds its state and may change it at any time. */
export function fakeBmc(state: FakeBmcState): Bmc {
  const change = async (signal: AbortSignal, what: string, act: () => void): Promise<Result<void>> => {
    if (signal.aborted) return fail(trouble('aborted', 'stopped before the BMC was asked', 'Resume when ready.'));
    if (state.trouble !== undefined) return fail(state.trouble);
    state.asked.push(what);
    act();
    if (state.dropsAnswer !== true) return ok(undefined);
    return fail(trouble('bmc-unanswered', 'the BMC did not answer', 'Ask for the power state.'));
  };
  return {
    name: 'fake',
    power: async () => (state.trouble === undefined ? seen(state.power) : unseen(state.trouble)),
    identity: async () =>
      state.trouble === undefined
        ? seen({ guid: seen(state.guid), guid_swapped: seen(swapped(state.guid)), serial: seen(state.serial) })
        : unseen(state.trouble),
    setPower: async (want, how, signal) => {
      if (!signal.aborted && state.trouble === undefined && state.refuses === how && want === 'off') {
        return fail(trouble('bmc-declined', 'the BMC declined a soft power-off', 'Use hard.'));
      }
      return change(signal, `${want} ${how}`, () => {
        state.power = want;
      });
    },
    indicator: async () => (state.trouble === undefined ? seen(state.indicator ?? 'off') : unseen(state.trouble)),
    setIndicator: (want, signal) =>
      change(signal, `light ${want}`, () => {
        state.indicator = want;
      }),
    restart: (signal) => change(signal, 'restart', () => undefined),
    weaknesses: async () => (state.trouble === undefined ? seen(state.weaknesses ?? []) : unseen(state.trouble)),
    notes: () => state.notes ?? [],
    close: async () => undefined,
  };
}

const swapped = (guid: string): string => guid.replace(/^(..)(..)(..)(..)-(..)(..)-(..)(..)/, '$4$3$2$1-$6$5-$8$7');
