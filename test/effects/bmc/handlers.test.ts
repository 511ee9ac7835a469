import { expect, it } from 'vitest';
import { trouble } from '../../../src/core/result.ts';
import { bmcHandlers, bmcProbes } from '../../../src/effects/bmc/handlers.ts';
import { type FakeBmcState, fakeBmc } from '../../fakes/bmc.ts';

const context = { signal: new AbortController().signal, progress: () => undefined };
const off = { kind: 'bmc.power', on: 'control', want: 'off', how: 'soft' } as const;
const state = (changes: Partial<FakeBmcState> = {}): FakeBmcState => ({
  power: 'on',
  guid: 'a1b2c3d4-0506-4708-890a-0b0c0d0e0f10',
  serial: 'S0012345',
  asked: [],
  ...changes,
});

it('is done once the BMC accepted', async () => {
  const machine = state();
  expect(await bmcHandlers(fakeBmc(machine))['bmc.power'](off, context)).toEqual({
    outcome: 'done',
    receipt: { want: 'off', how: 'soft' },
  });
  expect(machine.asked).toEqual(['off soft']);
});

it('has failed when the BMC declined', async () => {
  const outcome = await bmcHandlers(fakeBmc(state({ refuses: 'soft' })))['bmc.power'](off, context);
  expect(outcome).toMatchObject({ outcome: 'failed', trouble: { code: 'bmc-declined' } });
});

it('has failed when the BMC did not answer and so was asked for nothing', async () => {
  const silent = state({ trouble: trouble('bmc-no-answer', 'no answer', 'Check the cable.') });
  const outcome = await bmcHandlers(fakeBmc(silent))['bmc.power'](off, context);
  expect(outcome).toMatchObject({ outcome: 'failed', trouble: { code: 'bmc-no-answer' } });
});

it('is unknown when the request left and its answer did not come', async () => {
  const outcome = await bmcHandlers(fakeBmc(state({ dropsAnswer: true })))['bmc.power'](off, context);
  expect(outcome).toMatchObject({ outcome: 'unknown', trouble: { code: 'bmc-unanswered' } });
});

it('answers power and identity from the BMC', async () => {
  const probes = bmcProbes(fakeBmc(state({ power: 'off' })));
  expect(await probes.power({ kind: 'power' })).toEqual({ known: true, value: 'off' });
  expect(await probes['bmc.identity']({ kind: 'bmc.identity' })).toMatchObject({
    known: true,
    value: { guid: { known: true, value: 'a1b2c3d4-0506-4708-890a-0b0c0d0e0f10' } },
  });
});

it('knows nothing and does nothing for a host without a BMC, and says what to add', async () => {
  const noBmc = {
    code: 'no-bmc',
    what: 'the hosts file names no BMC for this host',
    fix: 'Add a "bmc" with kind, address, user and password to its entry, or do this step by hand.',
  };
  const probes = bmcProbes(undefined);
  expect(await probes.power({ kind: 'power' })).toEqual({ known: false, trouble: noBmc });
  expect(await probes['bmc.identity']({ kind: 'bmc.identity' })).toEqual({ known: false, trouble: noBmc });
  expect(await bmcHandlers(undefined)['bmc.power'](off, context)).toEqual({ outcome: 'failed', trouble: noBmc });
});
