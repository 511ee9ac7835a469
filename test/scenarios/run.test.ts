import { describe, expect, test } from 'vitest';
import { foldAll } from '../../src/core/fold.ts';
import { trouble, unseen } from '../../src/core/result.ts';
import { fakeState, fakeWorld } from '../fakes/fake-world.ts';
import { readChain } from '../fakes/read-chain.ts';
import { mainJob } from './main-job.ts';
import { goOn, type Stage, stage } from './stage.ts';

const params = { vault: '/vault' };
const execution = (s: Stage) => foldAll(readChain(s.log.bytes, undefined).events);
const types = (s: Stage) => readChain(s.log.bytes, undefined).events.map((e) => e.type);

/** A runbook of the given steps, indented as list items of one phase. */
const book = (steps: string) => `decom: 1
name: book
title: A book
phases:
  - phase: one
    title: One
    steps:
${steps.replace(/^/gm, '      ')}
`;

const marker = `- id: note
  uses: command.run
  with: { argv: [append, /marker], probe: { argv: [test, -e, /marker] } }`;

const yielded = (kind: string): string =>
  `Add a step that yields it to the runbook, before this one: ${kind} yields it.`;

describe('a run', () => {
  test('asks before each step that does something, and for the serial before the irreversible one only', async () => {
    const s = stage(mainJob, params);
    await s.run(await s.plan());
    const begun = s.questions.flatMap((q) => (q.ask === 'begin' ? [[q.step.id, q.serial]] : []));
    expect(begun).toEqual([
      ['told', null],
      ['note', null],
      ['services', null],
      ['archive', null],
      ['mirror', null],
      ['proof', null],
      ['off', 'SN-0012345'],
      ['retire', null],
    ]);
  });

  test('with another serial typed does not switch off, and says which serial the host has', async () => {
    const s = stage(mainJob, params);
    s.answer = (q) =>
      q.ask === 'begin' && q.serial !== null ? { answer: 'typed', text: 'SN-9', how: 'beforehand' } : goOn(q);
    const end = await s.run(await s.plan());
    expect(end).toMatchObject({
      end: 'blocked',
      step: 'off',
      trouble: { what: 'step "off": the serial given is "SN-9", and the host\'s is "SN-0012345"' },
    });
    expect(s.world.state.power).toBe('on');
  });

  test('that is resumed when it is done does nothing more', async () => {
    const s = stage(mainJob, params);
    const plan = await s.plan();
    await s.run(plan);
    const acts = s.world.acts.length;
    expect(await s.run(plan)).toEqual({ end: 'ended', outcome: 'done' });
    expect(s.world.acts).toHaveLength(acts);
  });

  test('finds a step that is already true, does nothing for it, and still demands its proof', async () => {
    const world = fakeWorld();
    const s = stage(book('- id: services\n  uses: service.stop\n  with: { units: [nginx.service] }'), {}, world);
    world.state.services['nginx.service'] = { active: false, enabled: false };
    expect(await s.run(await s.plan())).toEqual({ end: 'done' });
    expect(execution(s).steps.services?.forth.status).toBe('already');
    expect(world.acts).toEqual([]);
  });

  test('stops where a person quits, and goes on from there', async () => {
    const s = stage(mainJob, params);
    const plan = await s.plan();
    s.answer = (q) => (q.ask === 'begin' && q.step.id === 'archive' ? { answer: 'quit', why: 'quit' } : goOn(q));
    expect(await s.run(plan)).toEqual({ end: 'quit', why: 'quit', step: 'archive' });
    expect(execution(s).stopped).toEqual({ by: 'person', reason: 'stopped at step "archive" (quit)' });
    s.answer = goOn;
    expect(await s.run(plan)).toEqual({ end: 'done' });
  });

  test('that skipped the proof is not switched off: needs is not met by a skipped step', async () => {
    const s = stage(mainJob, params);
    s.answer = (q) => (q.ask === 'begin' && q.step.id === 'proof' ? { answer: 'skip', reason: 'no time' } : goOn(q));
    const end = await s.run(await s.plan());
    expect(end).toMatchObject({
      end: 'blocked',
      step: 'off',
      trouble: {
        code: 'needs',
        what: 'step "off" needs "proof" done and verified',
        fix: 'Have it done with: decom replan run1 --redo proof; or correct the runbook, and: decom replan run1',
      },
    });
    expect(s.world.state.power).toBe('on');
  });

  test('that lacks evidence names the kinds of step that yield it, and has one that was skipped done', async () => {
    const s = stage(mainJob.replace('        needs: [proof]\n', ''), params);
    s.answer = (q) =>
      q.ask === 'begin' && ['services', 'proof'].includes(q.step.id) ? { answer: 'skip', reason: 'no time' } : goOn(q);
    const plan = await s.plan();
    expect(await s.run(plan)).toMatchObject({
      end: 'blocked',
      step: 'off',
      trouble: {
        code: 'evidence-missing',
        what: 'no evidence "writers.stopped" in this run',
        fix: 'service.stop yields it. It was skipped; have it done with: decom replan run1 --redo services',
      },
    });
    s.answer = (q) => (q.ask === 'begin' && q.step.id === 'proof' ? { answer: 'skip', reason: 'no time' } : goOn(q));
    const again = await s.replan(plan, ['services']);
    expect(await s.run(plan, { inForce: again })).toMatchObject({
      end: 'blocked',
      trouble: {
        what: 'no evidence "restore.proven" in this run',
        fix: 'restore.verify yields it. It was skipped; have it done with: decom replan run1 --redo proof',
      },
    });
  });

  test('whose plan lost the step that yields evidence says which kind of step to add', async () => {
    const s = stage(mainJob.replace('        needs: [proof]\n', ''), params);
    const plan = await s.plan();
    const without = {
      ...plan,
      intent: { ...plan.intent, steps: plan.intent.steps.filter(({ id }) => id !== 'proof') },
    };
    expect(await s.run(without)).toMatchObject({
      trouble: {
        code: 'evidence-missing',
        fix: `${yielded('restore.verify')} Then: decom replan run1`,
      },
    });
  });

  test('is not switched off on a proof whose copy is older than the last stop of a writer', async () => {
    const early = book(`- id: identity
  uses: identity.check
- id: unused
  uses: use.check
- id: archive
  uses: backup.archive
  with: { from: [/srv], to: /vault }
- id: proof
  uses: restore.verify
  with: { backup: "\${{ steps.archive.backup }}" }
- id: services
  uses: service.stop
  with: { units: [nginx.service] }
- id: "off"
  uses: power.off`);
    const s = stage(early);
    const plan = await s.plan();
    expect(plan.facts.blockers.map((b) => b.trouble.what)).toEqual([
      'step "off" demands "restore.proven", and that comes before the last "writers.stopped"',
    ]);
    const end = await s.run(plan);
    expect(end).toMatchObject({ end: 'blocked', step: 'off', trouble: { code: 'evidence-early' } });
    expect(s.world.state.power).toBe('on');
  });

  test('is not switched off without evidence, and the plan names the steps that yield it', async () => {
    const s = stage(book('- id: "off"\n  uses: power.off'));
    const plan = await s.plan();
    expect(plan.facts.blockers.map((b) => b.trouble)).toMatchObject([
      {
        what: 'step "off" demands "identity.confirmed", and no step before it yields that',
        fix: yielded('identity.check'),
      },
      { fix: yielded('identity.check') },
      { fix: yielded('use.check') },
      { what: 'step "off" demands "writers.stopped", and no step before it yields that', fix: yielded('service.stop') },
      { fix: yielded('restore.verify') },
    ]);
  });

  test('looks at the identity again before the irreversible step, and stops when another machine answers', async () => {
    const s = stage(mainJob, params);
    const plan = await s.plan();
    s.answer = (q) => {
      if (q.ask === 'begin' && q.step.id === 'proof') s.world.state.machineId = '1234abcd'.repeat(4);
      return goOn(q);
    };
    const second = await s.run(plan);
    expect(second).toMatchObject({ end: 'blocked', step: 'off', trouble: { code: 'identity-contradicts' } });
    expect(s.world.state.power).toBe('on');
  });

  test('stops on drift: an operation that the plan does not hold is not done', async () => {
    const s = stage(book('- id: services\n  uses: service.stop\n  with: { units: [nginx.service] }'));
    s.world.state.services['nginx.service'] = { active: true, enabled: false };
    const plan = await s.plan();
    s.world.state.services['nginx.service'] = { active: true, enabled: true };
    const end = await s.run(plan);
    expect(end).toMatchObject({ end: 'drift', step: 'services' });
    expect(s.world.acts).toEqual([]);
  });

  test('skips on a definite false only; what cannot be decided blocks', async () => {
    const conditional = (when: string) =>
      book(`- id: services\n  uses: service.stop\n  when: ${when}\n  with: { units: [nginx.service] }`);
    const skipped = stage(conditional("facts.power == 'off'"));
    expect(await skipped.run(await skipped.plan())).toEqual({ end: 'done' });
    expect(execution(skipped).steps.services?.forth.status).toBe('skipped');
    const unclear = stage(conditional("facts.weather == 'fine'"));
    expect(await unclear.run(await unclear.plan())).toMatchObject({ end: 'blocked', step: 'services' });
    expect(unclear.world.acts).toEqual([]);
  });

  test('tries a failed step again as often as the runbook says, then stops', async () => {
    const world = fakeWorld();
    const s = stage(
      book(
        '- id: services\n  uses: service.stop\n  retry: { attempts: 3, delay: 30s }\n  with: { units: [nginx.service] }',
      ),
      {},
      world,
    );
    const plan = await s.plan();
    let left = 3;
    world.onEffect = (when) => {
      const service = world.state.services['nginx.service'];
      if (when === 'after' && left-- > 0 && service) service.active = true;
    };
    expect(await s.run(plan)).toEqual({ end: 'done' });
    expect(execution(s).steps.services?.forth).toMatchObject({ attempt: 3, recovered: true, status: 'done' });
  });

  test('goes on after a failed step only where the runbook says so', async () => {
    const failing = (policy: string) =>
      book(`- id: bad
  uses: command.run
  on_failure: ${policy}
  with: { argv: [fails], probe: { argv: [test, -e, /never] } }
${marker}`);
    const going = stage(failing('continue'));
    expect(await going.run(await going.plan())).toEqual({ end: 'done' });
    expect(execution(going).steps.bad?.forth.status).toBe('failed');
    const stopping = stage(failing('stop'));
    expect(await stopping.run(await stopping.plan())).toMatchObject({ end: 'failed', step: 'bad' });
    expect(execution(stopping).steps.note).toBeUndefined();
  });

  test('on failure lets a person try again, skip with a reason, or leave', async () => {
    const s = stage(
      book('- id: bad\n  uses: command.run\n  with: { argv: [fails], probe: { argv: [test, -e, /never] } }'),
    );
    const answers = [{ answer: 'retry' }, { answer: 'skip', reason: 'not needed' }] as const;
    let asked = 0;
    s.answer = (q) => (q.ask === 'failed' ? (answers[asked++] ?? { answer: 'retry' }) : goOn(q));
    expect(await s.run(await s.plan())).toEqual({ end: 'done' });
    expect(asked).toBe(2);
    expect(execution(s).steps.bad?.forth).toMatchObject({ status: 'skipped', said: 'not needed', attempt: 2 });
  });

  test('takes any id for a step, also one that every object has', async () => {
    const s = stage(book(marker.replace('id: note', 'id: constructor')));
    expect(await s.run(await s.plan())).toEqual({ end: 'done' });
    expect(s.world.acts).toHaveLength(1);
  });

  test('heeds a time limit of months: it does not end a step at once', async () => {
    const s = stage(book(marker.replace('  with:', '  timeout: 90d\n  with:')));
    const real = s.world.perform;
    s.world.perform = async (operation, context) => {
      // A timer beyond 2^31 ms would have fired after one.
      const fired = new Promise((resolve) => context.signal.addEventListener('abort', () => resolve('fired')));
      const passed = new Promise((resolve) => setTimeout(() => resolve('passed'), 30));
      expect(await Promise.race([fired, passed])).toBe('passed');
      return real(operation, context);
    };
    expect(await s.run(await s.plan())).toEqual({ end: 'done' });
  });

  test('parks while it waits, keeps no process, and goes on when the time has come', async () => {
    const s = stage(book(`- id: quiet\n  uses: wait\n  with: { for: 14d }\n${marker}`));
    const plan = await s.plan();
    const end = await s.run(plan);
    expect(end).toMatchObject({ end: 'parked', step: 'quiet' });
    expect(execution(s).status).toBe('parked');
    expect(await s.run(plan)).toMatchObject({ end: 'parked' });
    s.pass(14 * 86_400_000);
    expect(await s.run(plan)).toEqual({ end: 'done' });
  });

  test('that a signal ends in the middle of an act that may be done once leaves it in doubt, and is not repeated unasked', async () => {
    const s = stage(book(marker));
    const plan = await s.plan();
    const stop = new AbortController();
    const real = s.world.perform;
    s.world.perform = async () => {
      stop.abort();
      return { outcome: 'failed', trouble: { code: 'aborted', what: 'it was ended', fix: 'Again.' } };
    };
    expect(await s.run(plan, { signal: stop.signal })).toEqual({ end: 'signal', step: 'note' });
    expect(types(s)).toContain('operation.in-doubt');
    s.world.perform = real;
    expect(await s.run(plan)).toMatchObject({ end: 'doubt', step: 'note' });
    expect(s.world.acts).toEqual([]);
  });
});

describe('an act in doubt', () => {
  const cutOff = async (effect: boolean): Promise<{ s: Stage; plan: Awaited<ReturnType<Stage['plan']>> }> => {
    const s = stage(book(marker));
    const plan = await s.plan();
    const real = s.world.perform;
    let first = true;
    s.world.perform = async (operation, context) => {
      if (!first) return real(operation, context);
      first = false;
      if (effect) await real(operation, context);
      return { outcome: 'unknown', trouble: { code: 'lost', what: 'the connection was lost', fix: 'Look.' } };
    };
    return { s, plan };
  };

  test('ends the run; its own probe settles it when the act took effect', async () => {
    const { s, plan } = await cutOff(true);
    expect(await s.run(plan)).toMatchObject({ end: 'doubt', step: 'note' });
    expect(await s.run(plan)).toEqual({ end: 'done' });
    expect(s.world.state.files['/marker']).toBe('x');
    expect(readChain(s.log.bytes, undefined).events.find((e) => e.type === 'operation.resolved')).toMatchObject({
      by: 'probe',
      outcome: 'done',
    });
  });

  test('is never repeated without a person saying that it was not done', async () => {
    const { s, plan } = await cutOff(false);
    await s.run(plan);
    expect(await s.run(plan)).toMatchObject({ end: 'doubt', step: 'note' });
    expect(s.world.acts).toEqual([]);
    s.answer = (q) =>
      q.ask === 'doubt' ? { answer: 'resolved', outcome: 'not-done', reason: 'no file there' } : goOn(q);
    expect(await s.run(plan)).toEqual({ end: 'done' });
    expect(s.world.state.files['/marker']).toBe('x');
    expect(readChain(s.log.bytes, undefined).events.find((e) => e.type === 'operation.resolved')).toMatchObject({
      by: 'person',
      who: 'ada',
      reason: 'no file there',
    });
  });
});

describe('a rehearsal', () => {
  test('changes nothing and says of each step how it would end', async () => {
    const s = stage(mainJob, params);
    const before = structuredClone(s.world.state);
    const end = await s.run(await s.plan(), { rehearsal: true });
    expect(end).toEqual({ end: 'rehearsed', blocked: [] });
    expect(s.world.acts).toEqual([]);
    expect({ ...s.world.state, now: 0 }).toEqual({ ...before, now: 0 });
    expect(s.questions).toEqual([]);
    const how = readChain(s.log.bytes, undefined).events.flatMap((e) =>
      e.type === 'step.previewed' ? [[e.step, e.how]] : [],
    );
    expect(how).toEqual([
      ['told', 'would-ask'],
      ['note', 'would-run'],
      ['unused', 'would-run'],
      ['services', 'would-run'],
      ['archive', 'would-run'],
      ['mirror', 'would-run'],
      ['proof', 'would-run'],
      ['off', 'would-run'],
      ['retire', 'would-run'],
    ]);
  });

  test('says which evidence it assumed', async () => {
    const s = stage(mainJob, params);
    await s.run(await s.plan(), { rehearsal: true });
    const off = readChain(s.log.bytes, undefined).events.find((e) => e.type === 'step.previewed' && e.step === 'off');
    expect(off).toMatchObject({ assumed: ['host.unused', 'writers.stopped', 'restore.proven'] });
  });

  test('keeps the identity a real gate, and lists every step that is blocked', async () => {
    const s = stage(mainJob, params, fakeWorld({ ...fakeState(), machineId: '1234abcd'.repeat(4) }));
    const end = await s.run(await s.plan(), { rehearsal: true });
    if (end.end !== 'rehearsed') throw new Error(end.end);
    expect(end.blocked.map((b) => b.step)).toEqual(['identity', 'off']);
    expect(end.blocked.map((b) => b.trouble.what)).toEqual([
      expect.stringContaining('the machine that answers as web01 is not the one in the inventory'),
      'depends on what blocks "identity"',
    ]);
  });

  test('tells a trouble that stands in the way of many steps once, and after that names the step where it was', async () => {
    const gone = trouble('no-route', 'there is no route to web01', 'Check the network.');
    const world = fakeWorld();
    let deaf = false;
    const s = stage(mainJob, params, {
      ...world,
      probe: (question, context) => (deaf ? Promise.resolve(unseen(gone)) : world.probe(question, context)),
    });
    const plan = await s.plan();
    deaf = true;
    const end = await s.run(plan, { rehearsal: true });
    if (end.end !== 'rehearsed') throw new Error(end.end);
    const [first, ...others] = end.blocked;
    expect(first).toEqual({ step: 'identity', trouble: gone });
    expect(others.length).toBeGreaterThan(3);
    for (const { trouble: why } of others) {
      expect(why).toEqual({
        code: 'depends',
        what: 'depends on what blocks "identity"',
        fix: 'Clear that, then rehearse again.',
      });
    }
  });

  test('tells another trouble in full', async () => {
    const s = stage(
      mainJob.replace('needs: [archive]', 'needs: [services]'),
      params,
      fakeWorld({ ...fakeState(), machineId: '1234abcd'.repeat(4) }),
    );
    delete s.world.state.services['nginx.service'];
    const end = await s.run(await s.plan(), { rehearsal: true });
    if (end.end !== 'rehearsed') throw new Error(end.end);
    expect(end.blocked.map((b) => [b.step, b.trouble.code])).toEqual([
      ['identity', 'identity-contradicts'],
      ['services', 'unit-not-found'],
      ['proof', 'depends'],
      ['off', 'depends'],
    ]);
  });
});

describe('a look that depends on an act before it', () => {
  const switchedOff = mainJob.replace(
    '      - id: retire',
    `      - id: still-off
        uses: power.status
        with: { expect: "off" }
      - id: retire`,
  );

  test('cannot be rehearsed, and does not fail the rehearsal', async () => {
    const s = stage(switchedOff, params);
    expect(await s.run(await s.plan(), { rehearsal: true })).toEqual({ end: 'rehearsed', blocked: [] });
    const look = readChain(s.log.bytes, undefined).events.find(
      (e) => e.type === 'step.previewed' && e.step === 'still-off',
    );
    expect(look).toMatchObject({ how: 'cannot-rehearse' });
  });

  test('is judged for real in a run', async () => {
    const s = stage(switchedOff, params);
    expect(await s.run(await s.plan())).toEqual({ end: 'done' });
    expect(execution(s).steps['still-off']?.forth.status).toBe('done');
  });
});

describe('a rollback', () => {
  test('gives the machine back: power first, then the services as they were; copies stay', async () => {
    const s = stage(mainJob, params);
    const plan = await s.plan();
    await s.run(plan);
    const end = await s.rollBack(plan);
    expect(end).toEqual({ end: 'rolled-back', kept: ['note'] });
    expect(s.world.state.power).toBe('on');
    expect(s.world.state.services).toEqual(fakeState().services);
    expect(s.world.state.status).toBe('active');
    expect(Object.keys(s.world.state.copies)).toHaveLength(2);
    expect(execution(s).outcome).toBe('rolled-back');
  });
});

describe('a step that a new plan has done once more', () => {
  test('copies into a folder of its own, and its proof is of that copy', async () => {
    const s = stage(mainJob, params);
    const plan = await s.plan();
    s.answer = (q) => (q.ask === 'begin' && q.step.id === 'off' ? { answer: 'quit', why: 'quit' } : goOn(q));
    await s.run(plan);
    const fresh = await s.replan(plan, ['archive', 'proof']);
    s.answer = goOn;
    expect(await s.run(plan, { inForce: fresh })).toEqual({ end: 'done' });
    expect(Object.keys(s.world.state.copies)).toEqual([
      '/vault/web01/run1-archive',
      '/vault/web01/run1-mirror',
      '/vault/web01/run1.2-archive',
    ]);
    const proofs = execution(s).evidence.flatMap((e) => (e.kind === 'restore.proven' ? [e.copy] : []));
    expect(proofs).toEqual(['/vault/web01/run1-archive', '/vault/web01/run1.2-archive']);
  });

  test('and fails, proves nothing any more by what it found before: a copy that has rotted since is no copy, whoever skips it', async () => {
    const s = stage(mainJob.replace('        needs: [proof]\n', ''), params);
    const plan = await s.plan();
    s.answer = (q) => (q.ask === 'begin' && q.step.id === 'off' ? { answer: 'quit', why: 'quit' } : goOn(q));
    await s.run(plan);
    const fresh = await s.replan(plan, ['proof']);
    s.world.state.missing = ['srv/a'];
    s.answer = (q) => (q.ask === 'failed' ? { answer: 'skip', reason: 'it was equal on Monday' } : goOn(q));
    expect(await s.run(plan, { inForce: fresh })).toMatchObject({
      end: 'blocked',
      step: 'off',
      trouble: {
        code: 'evidence-missing',
        fix: 'restore.verify yields it. It was skipped; have it done with: decom replan run1 --redo proof',
      },
    });
    expect(s.world.state.power).toBe('on');
  });
});
