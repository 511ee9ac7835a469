import { describe, expect, it } from 'vitest';
import { powerOff } from '../../src/actions/power/off.ts';
import type { ExecuteContext } from '../../src/core/action.ts';
import type { Operation } from '../../src/core/operation.ts';
import { seen, trouble, unseen } from '../../src/core/result.ts';

const soft: Operation = { kind: 'bmc.power', on: 'control', want: 'off', how: 'soft' };
const hard: Operation = { kind: 'bmc.power', on: 'control', want: 'off', how: 'hard', after: 10_000 };

/** A machine whose power is told by what was slept, so that no time passes in the test. */
function bench(powerAt: (slept: number) => 'on' | 'off' | 'unknown', signal = new AbortController().signal) {
  const done: string[] = [];
  let slept = 0;
  const context: ExecuteContext = {
    signal,
    progress: () => {},
    sleep: async (ms) => {
      slept += ms;
    },
    perform: async (operation) => {
      done.push(`${operation.kind === 'bmc.power' ? operation.how : operation.kind} at ${slept}`);
      return {};
    },
    probe: async () => {
      const power = powerAt(slept);
      return (power === 'unknown' ? unseen(trouble('bmc', 'no answer', 'Wait.')) : seen(power)) as never;
    },
  };
  return { context, done };
}

describe('power.off, while it acts', () => {
  it('does not cut the power of a machine that went off by itself', async () => {
    const { context, done } = bench((slept) => (slept >= 6000 ? 'off' : 'on'));
    await powerOff.execute?.([soft, hard], context);
    expect(done).toEqual(['soft at 0']);
  });

  it('cuts the power when the time is over, and not earlier', async () => {
    const { context, done } = bench(() => 'on');
    await powerOff.execute?.([soft, hard], context);
    expect(done).toEqual(['soft at 0', 'hard at 10000']);
  });

  it('does not take a BMC that no longer answers for a machine that is off', async () => {
    const { context, done } = bench((slept) => (slept >= 2000 ? 'unknown' : 'on'));
    await powerOff.execute?.([soft, hard], context);
    expect(done).toEqual(['soft at 0', 'hard at 10000']);
  });

  it('cuts nothing after it was told to stop', async () => {
    const { context, done } = bench(() => 'on', AbortSignal.abort());
    await powerOff.execute?.([soft, hard], context);
    expect(done).toEqual(['soft at 0']);
  });

  it('never cuts the power when only the soft way was planned', async () => {
    const { context, done } = bench(() => 'on');
    await powerOff.execute?.([soft], context);
    expect(done).toEqual(['soft at 0']);
  });

  it('demands who it is, what is bound, that nobody used it before, that writers stopped, and a proof newer than that', () => {
    const demands = powerOff.demands?.({ proof_age: '2d' }) ?? [];
    expect(demands.map(({ kind, maxAge, after, uncut }) => [kind, maxAge / 3_600_000, after ?? uncut])).toEqual([
      ['identity.confirmed', 24, undefined],
      ['identity.bound', 24, undefined],
      ['host.unused', 720, true],
      ['writers.stopped', 720, undefined],
      ['restore.proven', 48, 'writers.stopped'],
    ]);
  });
});
