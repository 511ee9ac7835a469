import { expect, it } from 'vitest';
import { fail, ok, trouble } from '../../../src/core/result.ts';
import { bmcHandlers, bmcProbes } from '../../../src/effects/bmc/handlers.ts';
import { lateBmc } from '../../../src/effects/bmc/late-bmc.ts';
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

it('notes how the BMC was spoken to, where that is less than the best', async () => {
  const machine = state({ notes: ['IPMI cipher suite 3: the BMC does not know suite 17'] });
  expect(await bmcHandlers(fakeBmc(machine))['bmc.power'](off, context)).toEqual({
    outcome: 'done',
    receipt: { want: 'off', how: 'soft', notes: ['IPMI cipher suite 3: the BMC does not know suite 17'] },
  });
});

it('switches the light, and reads it back', async () => {
  const machine = state();
  const bmc = fakeBmc(machine);
  expect(await bmcHandlers(bmc)['bmc.locate']({ kind: 'bmc.locate', on: 'control', want: 'on' }, context)).toEqual({
    outcome: 'done',
    receipt: { want: 'on' },
  });
  expect(await bmcProbes(bmc)['bmc.indicator']({ kind: 'bmc.indicator' })).toEqual({ known: true, value: 'on' });
});

it('takes a BMC that is gone before it answered for one that was told to start anew, and one that declined for none', async () => {
  const reset = { kind: 'bmc.reset', on: 'control' } as const;
  expect(await bmcHandlers(fakeBmc(state({ dropsAnswer: true })))['bmc.reset'](reset, context)).toEqual({
    outcome: 'done',
    receipt: { answered: false },
  });
  const silent = state({ trouble: trouble('bmc-no-answer', 'no answer', 'Check the cable.') });
  expect(await bmcHandlers(fakeBmc(silent))['bmc.reset'](reset, context)).toMatchObject({ outcome: 'failed' });
});

it('tells how others could come in', async () => {
  const zero = trouble('bmc-cipher-zero', 'suite 0 is open', 'Close it.');
  const probes = bmcProbes(fakeBmc(state({ weaknesses: [zero] })));
  expect(await probes['bmc.weaknesses']({ kind: 'bmc.weaknesses' })).toEqual({ known: true, value: [zero] });
});

it('makes a BMC when it is first asked, and answers everything with the trouble of making it', async () => {
  let made = 0;
  const late = lateBmc('web01', async () => {
    made++;
    return ok(fakeBmc(state({ notes: ['old'] })));
  });
  expect(late.notes()).toEqual([]);
  expect(made).toBe(0);
  await late.power();
  await late.setIndicator('on', context.signal);
  expect(await late.indicator()).toEqual({ known: true, value: 'on' });
  expect(late.notes()).toEqual(['old']);
  expect(made).toBe(1);

  const why = trouble('no-secret', 'the password cannot be had', 'Set it.');
  const none = lateBmc('web01', async () => fail(why));
  expect(await none.power()).toEqual({ known: false, trouble: why });
  expect(await none.weaknesses()).toEqual({ known: false, trouble: why });
  expect(await none.restart(context.signal)).toEqual({ ok: false, error: why });
  await none.close();
});
