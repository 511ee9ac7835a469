import { describe, expect, test } from 'vitest';
import type { Audit, BlobAudit } from '../../../src/cli/audit-of.ts';
import { auditLines } from '../../../src/cli/view/audit-view.ts';
import { waitingLines } from '../../../src/cli/view/demo-view.ts';
import { doctorView, isGrave, nextStep } from '../../../src/cli/view/doctor-view.ts';
import { eventLines } from '../../../src/cli/view/event-line.ts';
import { runEndView, tally } from '../../../src/cli/view/run-end-view.ts';
import { runListLines, runStatusLines } from '../../../src/cli/view/status-view.ts';
import { type Line, plainLook, render } from '../../../src/cli/view/text.ts';
import { whyLines } from '../../../src/cli/view/why-view.ts';
import type { Event, Recorded } from '../../../src/core/event.ts';
import { foldAll } from '../../../src/core/fold.ts';
import { intentDigest } from '../../../src/core/plan.ts';
import type { RunFolder } from '../../../src/core/ports.ts';
import { trouble } from '../../../src/core/result.ts';
import type { RunEnd } from '../../../src/engine/drive.ts';
import type { RunRead } from '../../../src/engine/open-run.ts';
import { clearPlan } from './small-plan.ts';

const text = (lines: readonly Line[]): string => render(lines, plainLook);
const run = clearPlan.intent.id;
const forth = { direction: 'forth', attempt: 1 } as const;
const stop = clearPlan.intent.steps[2]?.operations?.[0];
if (stop === undefined) throw new Error('the fixture has a step that stops nginx');

const recorded = (events: readonly Event[]): readonly Recorded[] =>
  events.map((event, seq) => ({ v: 1, seq, ts: `2026-03-01T10:00:${String(seq).padStart(2, '0')}.000Z`, ...event }));

const opened: readonly Event[] = [
  { type: 'session.opened', operator: 'ada', control: 'laptop', pid: 7, tool: '0.1.0', unattended: false },
  {
    type: 'run.opened',
    run,
    rehearsal: false,
    host: 'web01',
    serial: '0012345',
    plan: run,
    intent: intentDigest(clearPlan),
    runbook: 'small',
    ticket: null,
    reason: null,
    responsible: null,
  },
  { type: 'step.started', step: 'identity', ...forth },
  {
    type: 'step.verified',
    step: 'identity',
    ...forth,
    already: false,
    output: {},
    evidence: [],
    said: 'three sources agree',
  },
  { type: 'step.skipped', step: 'told', direction: 'forth', by: 'person', who: 'ada', reason: 'no users' },
  { type: 'step.started', step: 'stop', ...forth },
  { type: 'operation.intended', step: 'stop', ...forth, n: 0, operation: stop },
];
const why = trouble(
  'still-running',
  'nginx.service is still active (running)',
  'See why with: systemctl status nginx.service',
);
const failed: readonly Event[] = [
  ...opened,
  { type: 'operation.done', step: 'stop', ...forth, n: 0, receipt: { exit: 0 } },
  { type: 'step.failed', step: 'stop', ...forth, trouble: why },
  { type: 'run.stopped', by: 'failure', who: null, reason: why.what },
];

const folder: RunFolder = {
  run,
  host: 'web01',
  rehearsal: false,
  path: '/state/runs/web01/3f9c1a7be204',
  firstPlan: () => ({ ok: true, value: clearPlan }),
  intents: () => new Set<string>(),
  plan: () => ({ ok: true, value: clearPlan }),
  amendPlan: () => ({ ok: true, value: undefined }),
  log: () => ({ ok: true, value: new Uint8Array() }),
  openJournal: () => ({ ok: false, error: why }),
  blobs: () => ({
    put: () => ({ sha256: '', bytes: 0 }),
    get: () => new Uint8Array(),
    check: () => 'whole',
    names: () => [],
  }),
  inbox: () => ({
    waiting: () => [],
    count: () => 0,
    drop: () => ({ ok: true, value: '' }),
    taken: () => {},
    refused: () => {},
  }),
  write: () => ({ ok: true, value: '' }),
};
const head = { size: 10, hash: 'ab'.repeat(32) };
const read = (events: readonly Event[], given: Partial<RunRead> = {}): RunRead => ({
  folder,
  plan: clearPlan,
  execution: foldAll(recorded(events)),
  head,
  torn: 0,
  ...given,
});

test('events are told as they happen: when, where, and what', () => {
  const told = recorded(failed).flatMap((event) => eventLines(event, (step) => `${step.length}/7`));
  expect(text(told)).toMatchInlineSnapshot(`
    "10:00:00Z ada on laptop
    10:00:01Z run 3f9c1a7be204 of small on web01
    10:00:03Z [8/7] identity ✓ verified: three sources agree
    10:00:04Z [4/7] told skipped: no users
    10:00:06Z [4/7] stop run on the host as root: systemctl stop -- nginx.service
    10:00:07Z [4/7] stop exit 0
    10:00:08Z [4/7] stop ✗ failed
              error nginx.service is still active (running) [still-running]
                See why with: systemctl status nginx.service
    10:00:09Z stopped (failure): nginx.service is still active (running)
    "
  `);
});

test('a rehearsed step ends as exactly one of the five words', () => {
  const previewed = (how: 'would-run' | 'would-ask' | 'already-so' | 'cannot-rehearse' | 'would-skip'): Event => ({
    type: 'step.previewed',
    step: 'stop',
    direction: 'forth',
    how,
    said: '1 operation',
    operations: how === 'would-run' ? [stop] : [],
    assumed: how === 'would-run' ? ['identity.confirmed'] : [],
  });
  const all = ['would-run', 'would-ask', 'already-so', 'cannot-rehearse', 'would-skip'] as const;
  expect(text(recorded(all.map(previewed)).flatMap((event) => eventLines(event, () => '3/7')))).toMatchInlineSnapshot(`
    "10:00:00Z [3/7] stop would run: 1 operation
        run on the host as root: systemctl stop -- nginx.service
        assumed: identity.confirmed (an earlier step would yield it)
    10:00:01Z [3/7] stop would ask: 1 operation
    10:00:02Z [3/7] stop already so: 1 operation
    10:00:03Z [3/7] stop cannot be rehearsed: 1 operation
    10:00:04Z [3/7] stop would be skipped: 1 operation
    "
  `);
});

test('a gate that was passed is told with what stood in the way, and no more with what to do about it', () => {
  const why = trouble('not-covered', '/srv/x y is in no proved copy', 'decom waive', 'connections: 192.0.2.4 came');
  const waived = { type: 'gate.waived', step: 'stop', direction: 'forth', gate: 'coverage:/srv/x\\040y' } as const;
  const events = recorded([{ ...waived, by: 'bob', reason: 'a cache', statement: 's1', trouble: why }]);
  expect(text(events.flatMap((event) => eventLines(event, () => '3/7')))).toBe(
    [
      '10:00:00Z [3/7] stop coverage:/srv/x y waived by bob: a cache',
      '          although /srv/x y is in no proved copy',
      '          connections: 192.0.2.4 came',
      '',
    ].join('\n'),
  );
});

test('who approved twice is told once', () => {
  const by = (statement: string) => ({ by: 'grace', role: null, statement });
  const wanted = { persons: 1, roles: [] };
  const events = recorded([
    { type: 'gate.approved', step: 'stop', direction: 'forth', wanted, approvals: [by('s1'), by('s2')] },
  ]);
  expect(text(events.flatMap((event) => eventLines(event, () => '3/7')))).toBe(
    '10:00:00Z [3/7] stop approved by grace\n',
  );
});

describe('the status', () => {
  test('of all runs is a line each', () => {
    expect(text(runListLines([read(failed), read(opened)]))).toMatchInlineSnapshot(`
      "3f9c1a7be204  web01  2026-03-01 10:00 UTC  stopped (failure) — 1 done, 1 skipped, 1 failed, 4 to come
      3f9c1a7be204  web01  2026-03-01 10:00 UTC  open — 1 done, 1 skipped, 1 begun, 4 to come
      "
    `);
    expect(text(runListLines([]))).toBe('There are no runs.\n');
  });

  test('of one run is a line a step, with what is wrong', () => {
    expect(text(runStatusLines(read(failed, { torn: 17 })))).toMatchInlineSnapshot(`
      "run        3f9c1a7be204
      host       web01 at 192.0.2.10, serial 0012345
      runbook    small — Retire it
      state      stopped (failure)
      by         ada
      opened     2026-03-01T10:00:01.000Z
      last line  2026-03-01T10:00:09.000Z
      log        10 lines, head abababababababababababababababababababababababababababababababab
      record     /state/runs/web01/3f9c1a7be204
      The last line of the log is torn (17 bytes); resume repairs it.

      1 done        identity  three sources agree
      2 skipped     told      no users
      3 failed      stop      Stop nginx
          error nginx.service is still active (running) [still-running]
            See why with: systemctl status nginx.service
      4 to come     copy      Copy it
      5 to come     tidy      Remove the account
      6 to come     gone      Already gone
      7 to come     off       Switch it off
      "
    `);
  });
});

test('the lines of a rollback say that the step is taken back', () => {
  const back = { step: 'stop', direction: 'back' } as const;
  const events = recorded([
    { type: 'operation.intended', ...back, attempt: 1, n: 0, operation: stop },
    { type: 'step.skipped', ...back, by: 'person', who: 'ada', reason: 'by hand' },
  ]);
  const lines = events.flatMap((event) => eventLines(event, () => '3/7'));
  expect(text(lines)).toBe(
    [
      '10:00:00Z [3/7] take back stop run on the host as root: systemctl stop -- nginx.service',
      '10:00:01Z [3/7] take back stop skipped: by hand',
      '',
    ].join('\n'),
  );
});

test.each([
  [false, 'The run stopped, and the practice machine still runs. In another terminal:'],
  [true, 'The run stopped, and the practice machine is off; its BMC still answers. In another terminal:'],
])('a demo that stopped says whether its machine runs (off: %s)', (off, said) => {
  const told = text(
    waitingLines(off, { workspace: '/w', program: '/bin/decom.js', host: 'practice', key: 'secrets/operator' }),
  );
  expect(told).toContain(said);
  // Its logs are signed, so that nothing goes on without the key.
  expect(told).toContain('  export DECOM_SIGNING_KEY=secrets/operator\n');
});

describe('why', () => {
  test('a plan that no longer holds names replan, as a resume would be refused', () => {
    const stale = trouble('plan-stale', 'the plan is stale', 'Agree to the difference.', 'host.address: was changed');
    expect(text(whyLines(read(opened), stale))).toMatchInlineSnapshot(`
      "3f9c1a7be204 on web01: open
      error the plan is stale [plan-stale]
        host.address: was changed
        Agree to the difference.
      [3/7] stop — Stop nginx
        1 operation begun, with no end on record:
          2026-03-01T10:00:06.000Z run on the host as root: systemctl stop -- nginx.service
        It may be repeated, and will be.
      Next: decom replan 3f9c1a7be204
      "
    `);
    expect(text(whyLines(read(failed), stale))).toContain('Next: decom replan 3f9c1a7be204\n');
  });

  test('a run that failed says what failed, and what clears it', () => {
    expect(text(whyLines(read(failed)))).toMatchInlineSnapshot(`
      "3f9c1a7be204 on web01: stopped (failure)
      [3/7] stop — Stop nginx
        error nginx.service is still active (running) [still-running]
          See why with: systemctl status nginx.service
      Next: clear that, then: decom resume 3f9c1a7be204
      "
    `);
  });

  test('a run that was killed says which operation has no end on record', () => {
    expect(text(whyLines(read(opened)))).toMatchInlineSnapshot(`
      "3f9c1a7be204 on web01: open
      [3/7] stop — Stop nginx
        1 operation begun, with no end on record:
          2026-03-01T10:00:06.000Z run on the host as root: systemctl stop -- nginx.service
        It may be repeated, and will be.
      Next: decom resume 3f9c1a7be204
      "
    `);
  });

  test('an act that may be done once says what settles the doubt: the host, its probe, then a person', () => {
    const step = clearPlan.intent.steps.find(({ id }) => id === 'stop');
    if (step === undefined) throw new Error('the plan has the step');
    const once = { ...step, uses: 'command.run', once: true, with: { probe: { argv: ['test', '-e', '/marker'] } } };
    const steps = clearPlan.intent.steps.map((one) => (one.id === 'stop' ? once : one));
    const plan = { ...clearPlan, intent: { ...clearPlan.intent, steps } };
    expect(text(whyLines({ ...read(opened), plan }))).toMatchInlineSnapshot(`
      "3f9c1a7be204 on web01: open
      [3/7] stop — Stop nginx
        1 operation begun, with no end on record:
          2026-03-01T10:00:06.000Z run on the host as root: systemctl stop -- nginx.service
        It is never repeated by itself. What became of it is settled, in this order, by:
          the host, which keeps it until it is asked;
          its own probe: test -e /marker;
          you, with a reason that stays on record, when it is resumed at a terminal.
      Next: decom resume 3f9c1a7be204
      "
    `);
  });

  test('a parked run says until when', () => {
    const parked: readonly Event[] = [
      ...opened.slice(0, 5),
      { type: 'run.parked', step: 'stop', direction: 'forth', until: '2026-04-01T00:00:00Z', why: 'the scream test' },
    ];
    expect(text(whyLines(read(parked)))).toMatchInlineSnapshot(`
      "3f9c1a7be204 on web01: parked until 2026-04-01T00:00:00Z
      [3/7] stop — Stop nginx
        It waits until 2026-04-01T00:00:00Z: the scream test
      Next: decom resume 3f9c1a7be204
      "
    `);
  });

  test('a run that a person stopped says so, and a step whose needs were skipped names them', () => {
    const stopped: readonly Event[] = [
      ...opened.slice(0, 6),
      { type: 'run.stopped', by: 'person', who: 'ada', reason: 'stopped at step "stop" (interrupted)' },
    ];
    const needing = { ...read(stopped) };
    const plan = {
      ...needing.plan,
      intent: {
        ...needing.plan.intent,
        steps: needing.plan.intent.steps.map((s) => (s.id === 'stop' ? { ...s, needs: ['identity', 'told'] } : s)),
      },
    };
    expect(text(whyLines({ ...needing, plan }))).toMatchInlineSnapshot(`
      "3f9c1a7be204 on web01: stopped (person)
      stopped at step "stop" (interrupted)
      [3/7] stop — Stop nginx
        It needs what is not done: told.
      Next: decom resume 3f9c1a7be204
      "
    `);
  });

  test('a run that drifted names replan', () => {
    const drift = trouble('drift', 'step "stop" would now do what the plan does not hold', 'See the difference.');
    const drifted: readonly Event[] = [
      ...opened.slice(0, 6),
      { type: 'gate.blocked', step: 'stop', direction: 'forth', gate: 'drift', trouble: drift },
      { type: 'run.stopped', by: 'drift', who: null, reason: drift.what },
    ];
    expect(
      text(whyLines(read(drifted)))
        .trimEnd()
        .split('\n')
        .at(-1),
    ).toBe(`Next: decom replan ${run}`);
  });

  test('a run that has ended has nothing left to clear', () => {
    const closed: readonly Event[] = [
      ...opened.slice(0, 4),
      { type: 'run.closed', outcome: 'abandoned', by: 'ada', reason: 'stays' },
    ];
    expect(text(whyLines(read(closed)))).toBe(
      `${run} on web01: abandoned\nIt has ended; nothing is left to clear.\nNext: decom report ${run}\n`,
    );
  });
});

const at = { step: 'stop' } as const;
const ends: readonly RunEnd[] = [
  { end: 'done' },
  { end: 'rehearsed', blocked: [] },
  { end: 'rehearsed', blocked: [{ ...at, trouble: why }] },
  { end: 'rolled-back', kept: ['tidy'] },
  { end: 'blocked', ...at, trouble: why },
  { end: 'drift', ...at, trouble: why },
  { end: 'doubt', ...at, trouble: why },
  { end: 'parked', ...at, until: '2026-04-01T00:00:00Z', why: 'the scream test' },
  { end: 'quit', ...at, why: 'interrupted' },
  { end: 'signal', ...at },
  { end: 'missing', ...at, what: 'step "stop" asks: really?', fix: 'Answer it.' },
  { end: 'journal', trouble: trouble('disk-full', 'no space is left', 'Make room.'), afterIntent: true },
];

test('the end of a run says how it ended, where its record is, its head, and the next command', () => {
  const { execution } = read(failed);
  const shown = (end: RunEnd) => text(runEndView(end, { plan: clearPlan, execution, head, folder: folder.path }));
  expect(shown({ end: 'failed', ...at, trouble: why })).toMatchInlineSnapshot(`
    "
    ✗ failed at stop. Nothing later has run.
    error nginx.service is still active (running) [still-running]
      See why with: systemctl status nginx.service
    steps   1 done, 1 skipped, 1 failed, 4 to come
    record  /state/runs/web01/3f9c1a7be204
    log     10 lines, head abababababababababababababababababababababababababababababababab
    Next: decom why 3f9c1a7be204, then: decom resume 3f9c1a7be204
    "
  `);
  // The rows in the middle are the same for all.
  const rest = (end: RunEnd) =>
    shown(end)
      .split('\n')
      .filter((line) => !/^(steps|record|log) /.test(line))
      .join('\n');
  expect(ends.map(rest).join('')).toMatchInlineSnapshot(`
    "
    ✓ done: every step of the run on web01 is done or was skipped on record
    Next: decom report 3f9c1a7be204, and: decom audit verify 3f9c1a7be204

    ✓ rehearsed: every gate holds, and nothing on web01 was changed
    Next: decom run web01

    ✗ rehearsed: 1 step blocked; nothing on web01 was changed
      stop
      error nginx.service is still active (running) [still-running]
        See why with: systemctl status nginx.service
    Next: clear what blocks, then: decom run web01 --dry-run

    ✓ rolled back: what could be taken back on web01 is as it was
    not taken back: tidy (no way back)
    Next: decom report 3f9c1a7be204, and: decom audit verify 3f9c1a7be204

    ✗ blocked at stop. Nothing later has run.
    error nginx.service is still active (running) [still-running]
      See why with: systemctl status nginx.service
    Next: decom why 3f9c1a7be204, then: decom resume 3f9c1a7be204

    ✗ drifted from the plan at stop. Nothing later has run.
    error nginx.service is still active (running) [still-running]
      See why with: systemctl status nginx.service
    Next: decom replan 3f9c1a7be204

    ✗ in doubt at stop. Nothing later has run.
    error nginx.service is still active (running) [still-running]
      See why with: systemctl status nginx.service
    Next: decom why 3f9c1a7be204, then: decom resume 3f9c1a7be204

    parked at stop until 2026-04-01T00:00:00Z: the scream test
    Next, when its time has come: decom resume 3f9c1a7be204

    stopped at stop (interrupted). Everything is kept.
    Next: decom resume 3f9c1a7be204

    stopped at stop by a signal. Everything is kept.
    Next: decom resume 3f9c1a7be204

    an answer is missing at stop: step "stop" asks: really?
      Answer it.
    Next: give the answer, then: decom resume 3f9c1a7be204

    ✗ the log could not be written. The run has ended there.
    An operation was under way; what became of it is not recorded.
    error no space is left [disk-full]
      Make room.
    Once there is room and the disk is sound: decom resume 3f9c1a7be204
    "
  `);
});

test('a rehearsal counts what would run, would ask and cannot be rehearsed apart', () => {
  const ids = clearPlan.intent.steps.map((step) => step.id);
  const hows = ['already-so', 'would-ask', 'would-run', 'would-run', 'cannot-rehearse', 'would-skip'] as const;
  const previewed = hows.map(
    (how, i): Event => ({
      type: 'step.previewed',
      step: ids[i] ?? '',
      direction: 'forth',
      how,
      said: '',
      operations: [],
      assumed: [],
    }),
  );
  expect(tally(clearPlan, foldAll(recorded(previewed)))).toBe(
    '1 already so, 2 would run, 1 would ask, 1 cannot be rehearsed, 1 would be skipped, 1 to come',
  );
});

test('after a rehearsal the next command is the one that was rehearsed', () => {
  const { execution } = read(failed);
  const last = (end: RunEnd, plan = clearPlan, again?: string) =>
    text(runEndView(end, { plan, execution, head, folder: folder.path, ...(again === undefined ? {} : { again }) }))
      .trimEnd()
      .split('\n')
      .at(-1);
  const clear: RunEnd = { end: 'rehearsed', blocked: [] };
  expect(last(clear, clearPlan, '--plan plan.json')).toBe('Next: decom run --plan plan.json');
  expect(last({ end: 'rehearsed', blocked: [{ ...at, trouble: why }] }, clearPlan, 'web01 -r web')).toBe(
    'Next: clear what blocks, then: decom run web01 -r web --dry-run',
  );
  expect(last(clear, { ...clearPlan, facts: { ...clearPlan.facts, borrowed: true } })).toBe(
    'Rehearsed on saved facts, which can never be run. Next, where the host can be asked: decom plan web01',
  );
});

test('the verdict on a log is never more than it is', () => {
  const whole: BlobAudit = { referred: 3, lost: [], stray: [] };
  const audit = (given: Partial<Audit>, blobs: Partial<BlobAudit> = {}): string =>
    text(
      auditLines(
        {
          folder,
          plan: clearPlan,
          verdict: 'broken',
          head,
          torn: 0,
          breach: undefined,
          signatures: { sessions: [], lacks: [], statements: [] },
          kept: [],
          execution: { ...foldAll([]), run },
          ...given,
        },
        { ...whole, ...blobs },
      ),
    );
  expect(
    [
      audit({ breach: { line: 4, what: 'the line before this one was changed (line 3)' } }),
      audit({}, { lost: [{ line: 5, what: 'it refers to out/00ff, and that file is missing' }] }),
      audit({ verdict: 'intact but open', torn: 12 }),
      audit({ verdict: 'intact but open', torn: 12, head: { ...head, size: 0 }, execution: foldAll([]) }),
      audit({ verdict: 'intact but unsigned' }, { stray: ['00ff'] }),
    ].join('\n'),
  ).toMatchInlineSnapshot(`
    "broken
    run    3f9c1a7be204 on web01
    log    /state/runs/web01/3f9c1a7be204/audit.jsonl
    lines  10 good from the start
    head   abababababababababababababababababababababababababababababababab
    files  3 of 3 in out/ are as the lines say
    Line 4: the line before this one was changed (line 3).
    Nothing can go on from this log. Keep the folder as it is, and compare with a head that was kept elsewhere.

    broken
    run    3f9c1a7be204 on web01
    log    /state/runs/web01/3f9c1a7be204/audit.jsonl
    lines  10
    head   abababababababababababababababababababababababababababababababab
    files  2 of 3 in out/ are as the lines say
    Line 5: it refers to out/00ff, and that file is missing.
    The lines are whole, and what they refer to is not. Restore the files from a backup of the state folder, or find out who changed them.

    intact but open
    run    3f9c1a7be204 on web01
    log    /state/runs/web01/3f9c1a7be204/audit.jsonl
    lines  10
    head   abababababababababababababababababababababababababababababababab
    files  3 of 3 in out/ are as the lines say
    The last line is torn (12 bytes), as a crash leaves it; resume repairs it.
    The run has not ended, so that lines were cut off its end could not be seen.
    Next: decom why 3f9c1a7be204

    intact but open
    run    3f9c1a7be204 on web01
    log    /state/runs/web01/3f9c1a7be204/audit.jsonl
    lines  0
    head   abababababababababababababababababababababababababababababababab
    files  3 of 3 in out/ are as the lines say
    The last line is torn (12 bytes), as a crash leaves it; resume repairs it.
    The run was ended before its first lines were written: it has begun nothing.
    Next: decom resume 3f9c1a7be204, which begins it

    intact but unsigned
    run    3f9c1a7be204 on web01
    log    /state/runs/web01/3f9c1a7be204/audit.jsonl
    lines  10
    head   abababababababababababababababababababababababababababababababab
    files  3 of 3 in out/ are as the lines say
    1 file in out/ that no line refers to, as a crash leaves it: 00ff. Nothing rests on it.
    A chain alone cannot tell a log that was cut or rebuilt as a whole: compare the head with one that was kept elsewhere.
    Next: decom report 3f9c1a7be204
    "
  `);
});

test('the doctor tells what is here, what is missing, and how to get it', () => {
  const findings = [
    { about: 'Node', state: 'here', needed: true, says: 'version 20.20.2', fix: '' },
    {
      about: 'ipmitool',
      state: 'missing',
      needed: true,
      says: 'switches hosts',
      fix: 'Install it: sudo apt-get install -y ipmitool',
    },
    {
      about: 'mtree',
      state: 'missing',
      needed: false,
      says: 'checks manifests',
      fix: 'Install it: sudo apt-get install -y mtree-netbsd',
    },
  ] as const;
  expect(findings.map(isGrave)).toEqual([false, true, false]);
  expect(text(doctorView(findings))).toMatchInlineSnapshot(`
    "✓ here    Node — version 20.20.2
    ✗ missing ipmitool — switches hosts
              Install it: sudo apt-get install -y ipmitool
    - missing mtree — checks manifests
              Install it: sudo apt-get install -y mtree-netbsd

    1 needed thing missing.
    "
  `);
  expect(text(doctorView(findings.slice(0, 1)))).toBe(
    '✓ here    Node — version 20.20.2\n\nNothing that is needed is missing.\n',
  );
  expect(nextStep(findings, true)).toBe(
    'for ipmitool, install it: sudo apt-get install -y ipmitool, then: decom doctor',
  );
  const missing = { state: 'missing', needed: true, says: '', fix: 'Get it.' } as const;
  expect(nextStep([{ ...missing, about: 'tar' }, ...findings], true)).toBe(
    'for tar, get it, then the other marked ✗, then: decom doctor',
  );
  const [here] = findings;
  expect([nextStep([here, findings[2]], true), nextStep([here], false)]).toEqual(['decom validate', 'decom init']);
});

test('a question that a person left by Ctrl-D is no failed operation', () => {
  const left: Event = {
    type: 'operation.failed',
    step: 'told',
    ...forth,
    n: 0,
    trouble: trouble(
      'not-answered',
      'step "told" was not answered: it was stopped by a person',
      'Take it up again with: decom resume',
    ),
    receipt: {},
  };
  const [only] = recorded([left]);
  if (only === undefined) throw new Error('one event was recorded');
  const shown = text(eventLines(only, () => '2/3'));
  expect(shown).toContain('stopped: step "told" was not answered: it was stopped by a person');
  expect(shown).not.toContain('failed');
});
