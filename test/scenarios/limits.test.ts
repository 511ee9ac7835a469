import { describe, expect, test } from 'vitest';
import { JournalTrouble } from '../../src/core/ports.ts';
import { fakeWorld } from '../fakes/fake-world.ts';
import { mainJob } from './main-job.ts';
import { stage } from './stage.ts';

const book = (step: string) => `decom: 1
name: book
title: A book
phases:
  - phase: one
    title: One
    steps:
${step.replace(/^/gm, '      ')}
`;

describe('a time limit', () => {
  test('ends an act that does not end by itself, says so, and lets the run be resumed', async () => {
    const s = stage(book('- id: services\n  uses: service.stop\n  timeout: 50ms\n  with: { units: [nginx.service] }'));
    const plan = await s.plan();
    const real = s.world.perform;
    s.world.perform = (_operation, { signal }) =>
      new Promise((resolve) => {
        signal.addEventListener('abort', () =>
          resolve({ outcome: 'failed', trouble: { code: 'aborted', what: 'it was ended', fix: 'Again.' } }),
        );
      });
    expect(await s.run(plan)).toEqual({
      end: 'failed',
      step: 'services',
      trouble: {
        code: 'timeout',
        what: 'step "services" did not end within its time limit',
        fix: 'Raise its timeout, or see what holds it up; then: decom resume',
      },
    });
    s.world.perform = real;
    expect(await s.run(plan)).toEqual({ end: 'done' });
  });

  test('leaves an act that may be done once in doubt', async () => {
    const s = stage(
      book(
        '- id: note\n  uses: command.run\n  timeout: 50ms\n  with: { argv: [append, /marker], probe: { argv: [test, -e, /marker] } }',
      ),
    );
    const plan = await s.plan();
    s.world.perform = (_operation, { signal }) =>
      new Promise((resolve) => {
        signal.addEventListener('abort', () =>
          resolve({ outcome: 'failed', trouble: { code: 'aborted', what: 'it was ended', fix: 'Again.' } }),
        );
      });
    expect(await s.run(plan)).toMatchObject({ end: 'doubt', step: 'note' });
  });
});

describe('a log that cannot be written', () => {
  test('ends the run at every line; after an intent the outcome counts as unknown, and nothing more is begun', async () => {
    const ends = new Map<string, number>();
    for (let at = 1; ; at++) {
      const s = stage(mainJob, { vault: '/vault' }, fakeWorld());
      const plan = await s.plan();
      const append = s.log.append.bind(s.log);
      let count = 0;
      let acts = 0;
      s.log.append = (bytes) => {
        count += 1;
        if (count >= at) {
          acts = s.world.acts.length;
          throw new JournalTrouble({ code: 'log-not-written', what: 'the disk is full', fix: 'Make room.' });
        }
        append(bytes);
      };
      const end = await s.run(plan).catch((error: unknown) => {
        if (error instanceof JournalTrouble) return { end: 'before' as const };
        throw error;
      });
      if (end.end === 'done') break;
      const key = end.end === 'journal' ? `journal ${end.afterIntent}` : end.end;
      ends.set(key, (ends.get(key) ?? 0) + 1);
      expect(s.world.acts).toHaveLength(acts);
      s.log.append = append;
    }
    expect([...ends.keys()].sort()).toEqual(['before', 'journal false', 'journal true']);
    expect(ends.get('journal true')).toBeGreaterThan(7);
  });
});
