import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { countingIn } from '../../src/cli/counting.ts';
import type { Event } from '../../src/core/event.ts';
import type { Plan } from '../../src/core/plan.ts';
import type { Clock } from '../../src/core/ports.ts';
import { runStore } from '../../src/effects/state/run-store.ts';
import { openRun } from '../../src/engine/open-run.ts';

let path: string;
beforeEach(() => {
  path = mkdtempSync(join(tmpdir(), 'decom-counting-'));
});
afterEach(() => rmSync(path, { recursive: true, force: true }));

const open = () => {
  const store = runStore({ path, operator: 'ada', redact: (text) => text });
  expect(store.prepare().ok).toBe(true);
  return store;
};
/** Time goes by only while somebody waits; `slept` is called each time. */
function clockOf(slept: (passed: number) => void): Clock {
  let passed = 0;
  return {
    now: () => new Date(passed),
    monotonic: () => passed,
    async sleep(ms) {
      passed += ms;
      slept(passed);
    },
  };
}

it('whoever counts waits until another has counted', async () => {
  const store = open();
  const held = store.lock('.counting');
  const order: string[] = [];
  const clock = clockOf((passed) => {
    if (passed !== 500 || !held.ok) return;
    order.push('the other one is done');
    held.value.release();
  });
  const counting = countingIn(store, 'web1', () => ({ ok: true, value: { decom: 1 } }), clock);
  const done = await counting.alone(() => order.push('this one counts'));
  expect([done.ok, order]).toEqual([true, ['the other one is done', 'this one counts']]);
  const again = store.lock('.counting');
  expect(again.ok).toBe(true);
});

it('whoever waits for a minute in vain counts nothing', async () => {
  const store = open();
  expect(store.lock('.counting').ok).toBe(true);
  const counting = countingIn(
    store,
    'web1',
    () => ({ ok: true, value: { decom: 1 } }),
    clockOf(() => {}),
  );
  const counted: string[] = [];
  const done = await counting.alone(() => counted.push('counted'));
  expect(done).toMatchObject({ ok: false, error: { code: 'caps-uncounted' } });
  expect(counted).toEqual([]);
});

it('the caps are those of decom.yaml, and for what it does not say the careful ones', () => {
  const store = open();
  const caps = (value: object) =>
    countingIn(
      store,
      'web1',
      () => ({ ok: true, value: { decom: 1, caps: value } }),
      clockOf(() => {}),
    ).caps();
  expect(caps({ per_hour: 40 })).toEqual({ ok: true, value: { hosts_at_once: 5, per_hour: 40 } });
});

it('a run whose files cannot be read counts both ways, a rehearsal and the host’s own run in none', () => {
  const store = open();
  const plan = (host: string) => ({ intent: { id: '0123456789ab', host: { name: host } } }) as never;
  for (const host of ['web1', 'web2']) expect(store.create(plan(host), '0123456789ab', false).ok).toBe(true);
  expect(store.create(plan('web3'), '0123456789ab-r1', true).ok).toBe(true);
  writeFileSync(join(path, 'runs', 'web2', '0123456789ab', 'plan.json'), 'no plan');
  const counting = countingIn(
    store,
    'web1',
    () => ({ ok: true, value: { decom: 1 } }),
    clockOf(() => {}),
  );
  for (const as of ['changed', 'ended'] as const)
    expect(counting.others(as)).toEqual([{ host: 'web2', run: '0123456789ab' }]);
});

it('a host counts from the first change to the end of its run, and from its first irreversible step for an hour', () => {
  const store = open();
  const minutes = (n: number): Clock => ({ ...clockOf(() => {}), now: () => new Date(n * 60_000) });
  const at = { step: 's', direction: 'forth' } as const;
  const count = (as: 'changed' | 'ended'): Event => ({ ...at, type: 'host.counted', as, others: 0, cap: 5 });
  const closed: Event = { type: 'run.closed', outcome: 'done', by: 'ada', reason: null };
  const begun = (kind: 'wait' | 'bmc.power'): Event => ({
    ...{ ...at, type: 'operation.intended', attempt: 1, n: 0 },
    operation:
      kind === 'wait'
        ? { kind, on: 'control', until: '2027-01-01T00:00:00Z', why: 'w' }
        : { kind, on: 'control', want: 'off', how: 'soft' },
  });
  const record = (host: string, minute: number, ...events: readonly Event[]): void => {
    const intent = {
      id: '0123456789ab',
      host: { name: host, serial: 'S' },
      runbook: { sources: [] },
      phases: [],
      steps: [],
    };
    const plan = { format: 1, intent, facts: { blockers: [] } } as unknown as Plan;
    const folder = store.create(plan, '0123456789ab', false);
    const opened = folder.ok ? openRun(folder.value, minutes(minute), () => {}) : folder;
    if (!opened.ok) throw new Error(opened.error.what);
    const first = {
      type: 'run.opened',
      run: '0123456789ab',
      rehearsal: false,
      host,
      serial: 'S',
      plan: '',
      intent: '',
    };
    const { journal } = opened.value;
    journal.record({ ...(first as Extract<Event, { type: 'run.opened' }>) });
    for (const event of events) journal.record(event);
    opened.value.store.close();
  };
  record('parked', 0, count('changed'), { ...at, type: 'run.parked', until: '2027-01-01T00:00:00Z', why: 'w' });
  record('done-long-ago', 30, count('changed'), count('ended'), closed);
  record('done-lately', 31, count('changed'), count('ended'), closed);
  record('only-looked-at', 80, begun('wait'));
  record('of-before-there-were-caps', 80, begun('bmc.power'));
  record('its-own', 85, count('changed'), count('ended'));
  const counting = countingIn(store, 'its-own', () => ({ ok: true, value: { decom: 1 } }), minutes(90));
  const hosts = (as: 'changed' | 'ended') =>
    counting
      .others(as)
      .map(({ host }) => host)
      .sort();
  expect(hosts('changed')).toEqual(['of-before-there-were-caps', 'parked']);
  expect(hosts('ended')).toEqual(['done-lately']);
});
