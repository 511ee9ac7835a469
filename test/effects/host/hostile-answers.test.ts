import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { actsBy, performBy, probeBy } from '../../../src/cli/compose/doors.ts';
import { actOf } from '../../../src/core/act.ts';
import type { OperationHandlers, ProbeHandlers } from '../../../src/core/action.ts';
import { nextLine } from '../../../src/core/chain.ts';
import type { Outcome } from '../../../src/core/operation.ts';
import type { Machine } from '../../../src/core/ports.ts';
import { ok, trouble, unseen } from '../../../src/core/result.ts';
import { jobsOn } from '../../../src/effects/host/jobs.ts';
import { makeRedactor } from '../../../src/effects/redaction/redactor.ts';
import { systemClock } from '../../../src/effects/state/clock.ts';
import { fakeMachine } from '../../fakes/machine.ts';

/*
 * A host whose programs answer what they like. It may lie about itself; it cannot give one act another one's end, nor end the program here.
 */

const boot = '01234567-89ab-cdef-0123-456789abcdef';
const act = actOf(
  { boot, folder: '/run/decom/abc/work' },
  { run: 'abc', step: 'work', direction: 'forth', attempt: 1, n: 0 },
);
const work = { kind: 'exec', on: 'host', argv: ['true'], root: false } as const;
const { signal } = new AbortController();

/** A host that answers each call by `answer`, which is told the call's own nonce and those of the calls before. */
function hostThat(answer: (nonce: string, before: readonly string[]) => string) {
  const before: string[] = [];
  const machine: Machine = {
    ...fakeMachine(),
    exec: async ({ argv }) => {
      const nonce = argv.find((word) => /^decom-[0-9a-f]{16}$/.test(word)) ?? '';
      const stdout = Buffer.from(answer(nonce, before));
      before.push(nonce);
      return ok({ ended: { how: 'exit', code: 0 }, stdout, stderr: new Uint8Array() });
    },
  };
  return jobsOn({ machine, clock: systemClock, sudo: 'no', patience: 0 });
}

const states = fc.constantFrom(
  'ended 0',
  'never',
  'gone',
  'ready 0 x /tmp',
  'ended',
  'alive 1',
  '\x1b[2J',
  'ended 0x0',
);

describe('an act', () => {
  it('does not end by a line without its own nonce: not by that of another act, nor by one that is guessed', async () => {
    const lines = fc.array(fc.tuple(fc.constantFrom('', 'decom-', 'decom-0000000000000000'), states), { maxLength: 4 });
    await fc.assert(
      fc.asyncProperty(lines, async (said) => {
        const jobs = hostThat((_, before) =>
          [...said.map(([start, state]) => `${start} ${state}\n`), ...before.map((nonce) => `${nonce} ended 0\n`)].join(
            '',
          ),
        );
        // The first call gives the host a nonce to come back with.
        await jobs.recall(work, act, { signal: AbortSignal.abort() });
        expect(await jobs.run(work, act, AbortSignal.abort())).toMatchObject({ outcome: 'unknown' });
        expect(await jobs.recall(work, act, { signal: AbortSignal.abort() })).toMatchObject({ outcome: 'unknown' });
      }),
      { numRuns: 100 },
    );
  });

  it.each([
    'ended',
    'ended ',
    'ended abc',
    'ended 0x0',
    'ended -0',
    'ended 00000',
    'ended 0 0',
    'alive',
    'x'.repeat(60_000),
  ])('whose end is told as %j is in doubt, and never done', async (state) => {
    const outcome = await hostThat((nonce) => `${nonce} ${state}\n`).run(work, act, signal);
    expect(outcome).toMatchObject({ outcome: 'unknown', trouble: { code: 'job-unclear' } });
    expect(JSON.stringify(outcome).length).toBeLessThan(1000);
  });

  it.each([
    `ready 0 ${boot} relative/folder`,
    `ready 0 ${boot} /${'x'.repeat(5000)}`,
    'ready 0 ../../boot /run/decom',
    'ready',
  ])('is kept nowhere that a host names as %j', async (said) => {
    const jobs = hostThat((nonce) => `${nonce} ${said}\n`);
    expect(await jobs.prepare(work, { run: 'abc', step: 'work', direction: 'forth', attempt: 1, n: 0 })).toMatchObject({
      ok: false,
      error: { code: 'no-job-folder' },
    });
  });
});

describe('what a machine says', () => {
  const much = fc.constantFrom('x', '\0', '"', 'ö', '𝄞').map((letter) => letter.repeat(70_000));
  const fits = (event: unknown) =>
    nextLine({ size: 0, hash: '' }, event as Parameters<typeof nextLine>[1], '2026-01-01T00:00:00.000Z');

  it('fits into a line of the log, however much it is', async () => {
    const redactor = makeRedactor();
    await fc.assert(
      fc.asyncProperty(much, async (text) => {
        const failed: Outcome = {
          outcome: 'failed',
          trouble: trouble('command-failed', text, text, text),
          receipt: { exit: 1, stdout_tail: text, stderr_tail: text },
        };
        const exec = async () => failed;
        const perform = performBy({ exec } as unknown as OperationHandlers, redactor);
        const outcome = await perform(work, {} as Parameters<typeof perform>[1]);
        expect(() => fits({ type: 'operation.failed', ...outcome })).not.toThrow();
        const acts = actsBy(
          { prepare: async () => ok(null), recall: async () => failed, forget: async () => undefined },
          redactor,
        );
        const recalled = await acts.recall(work, act, { signal });
        expect(() => fits({ type: 'operation.failed', ...recalled })).not.toThrow();
        const asked = async () => unseen(trouble('no-answer', text, text, text));
        const probe = probeBy({ power: asked } as unknown as ProbeHandlers, redactor);
        const seen = await probe({ kind: 'power' }, {} as Parameters<typeof probe>[1]);
        expect(() => fits({ type: 'gate.blocked', seen })).not.toThrow();
      }),
      { numRuns: 10 },
    );
  });
});
