import { describe, expect, test } from 'vitest';
import { chainLines } from '../../../src/cli/view/chain-lines.ts';
import { plainLook, render } from '../../../src/cli/view/text.ts';
import type { Coverage } from '../../../src/core/coverage.ts';
import type { Demand, Evidence } from '../../../src/core/evidence.ts';
import type { FileSystem } from '../../../src/core/probe.ts';
import { trouble } from '../../../src/core/result.ts';
import type { StatementOf } from '../../../src/core/statement.ts';
import type { ChainSeen, DemandSeen } from '../../../src/engine/evidence-chain.ts';

const now = new Date('2026-03-02T10:00:00.000Z');
const shown = (demands: readonly DemandSeen[], approvals?: ChainSeen['approvals']) =>
  render(chainLines({ demands, approvals }, 'r1', 'off', now), plainLook);

const stamp = { step: 'proof', at: '2026-03-02T09:00:00.000Z', host_serial: '1', boot: 'b' };
const proof: Evidence = {
  ...{ ...stamp, kind: 'restore.proven', copy: '/vault/web01/r1-copy', paths: ['/srv'], attributes: [] },
  ...{ level: 'restored', sampled: false, manifest_started: '2026-03-02T08:00:00.000Z' },
};
const demand: Demand = {
  ...{ kind: 'restore.proven', maxAge: 604_800_000, after: 'writers.stopped', covers: 'file-systems' },
  why: 'Without it, nobody knows.',
};
const identity: Demand = { kind: 'identity.confirmed', maxAge: 86_400_000, why: 'Without it, another machine.' };
const bob: StatementOf<'waive'> = {
  ...{ kind: 'waive', step: 'off', gate: '', id: '0', run: 'r1', host: 'web01', intent: '', by: 'bob', at: '' },
  text: 'a scratch disk',
};
const fs = (at: string, source: string): FileSystem => ({
  ...{ at, also: [], source, type: 'ext4', state: 'mounted', used: 2_000_000_000, id: `${source} /` },
});
const root: Coverage = { of: fs('/', '/dev/sda1'), covered: 'not-kept', by: 'ada', why: 'installed anew' };
const srv: Coverage = { of: fs('/srv', '/dev/sdb1'), covered: 'copied', steps: ['copy'], but: ['/srv/cache'] };
const db: Coverage = { of: fs('/srv/db', '/dev/sdc1'), covered: 'no', why: 'no copy of it is proved' };
const of = (
  ...rows: readonly (Coverage & { waiver?: StatementOf<'waive'> })[]
): NonNullable<DemandSeen['coverage']> => ({
  at: '2026-03-02T09:30:00.000Z',
  of: rows.map((row) => ({ waiver: undefined, ...row })),
});
const met = { demand, found: proof, missing: undefined, waiver: undefined, waivable: true } as const;

describe('what a step needs before it begins', () => {
  test('is not told where it needs nothing', () => {
    expect(shown([])).toBe('');
  });

  test('that is met: what was needed and what was found', () => {
    expect(shown([{ ...met, coverage: of(root, srv) }])).toMatchInlineSnapshot(`
      "Before it begins it needs:
        met     restore.proven, at most 7 d old, of a time after the last writers.stopped
                found: by step "proof", of 2026-03-02T08:00:00.000Z, 2 h ago, of /vault/web01/r1-copy
        met     every file system with data in a proved copy, or not kept on purpose
                as of 2026-03-02T09:30:00.000Z
                found: / (ext4 on /dev/sda1, 1.9 GiB): not kept: installed anew (ada)
                found: /srv (ext4 on /dev/sdb1, 1.9 GiB): in the copy of step "copy", but for /srv/cache
      "
    `);
  });

  test('that is missing: how to get it, or who may answer for it', () => {
    const lacks = trouble('evidence-old', 'it is 8 d old; the limit is 7 d', 'Have it made anew: decom replan r1');
    const none = trouble('evidence-missing', 'no evidence in this run', 'identity.check yields it.');
    expect(
      shown([
        { demand: identity, found: undefined, missing: none, waiver: undefined, waivable: false },
        { ...met, missing: lacks, coverage: null },
      ]),
    ).toMatchInlineSnapshot(`
      "Before it begins it needs:
        missing identity.confirmed, at most 24 h old
                missing: no evidence in this run
                to get it: identity.check yields it.
                nobody can answer for it
        missing restore.proven, at most 7 d old, of a time after the last writers.stopped
                found: by step "proof", of 2026-03-02T08:00:00.000Z, 2 h ago, of /vault/web01/r1-copy
                missing: it is 8 d old; the limit is 7 d
                to get it: Have it made anew: decom replan r1
                or somebody answers for it by name: decom waive r1 off/restore.proven --reason TEXT
        missing every file system with data in a proved copy, or not kept on purpose
                missing: the host was not asked yet which ones it has
                to get it: decom resume r1
      "
    `);
  });

  test('of each file system that is lost says why, and what to do', () => {
    expect(shown([{ ...met, coverage: of(root, srv, db) }])).toMatchInlineSnapshot(`
      "Before it begins it needs:
        met     restore.proven, at most 7 d old, of a time after the last writers.stopped
                found: by step "proof", of 2026-03-02T08:00:00.000Z, 2 h ago, of /vault/web01/r1-copy
        missing every file system with data in a proved copy, or not kept on purpose
                as of 2026-03-02T09:30:00.000Z
                found: / (ext4 on /dev/sda1, 1.9 GiB): not kept: installed anew (ada)
                found: /srv (ext4 on /dev/sdb1, 1.9 GiB): in the copy of step "copy", but for /srv/cache
                missing: /srv/db (ext4 on /dev/sdc1, 1.9 GiB): no copy of it is proved
                to get it: copy it with a step of the runbook and prove that copy, or name it there under not_kept; then: decom replan r1
                or somebody answers for it by name: decom waive r1 off:/srv/db --reason TEXT
      "
    `);
  });

  test('that somebody answers for: who, and why', () => {
    const lacks = trouble('evidence-old', 'it is 8 d old; the limit is 7 d', 'Have it made anew: decom replan r1');
    expect(
      shown([{ ...met, missing: lacks, waiver: bob, coverage: of(root, { ...db, waiver: bob }) }]),
    ).toMatchInlineSnapshot(`
      "Before it begins it needs:
        waived  restore.proven, at most 7 d old, of a time after the last writers.stopped
                found: by step "proof", of 2026-03-02T08:00:00.000Z, 2 h ago, of /vault/web01/r1-copy
                missing: it is 8 d old; the limit is 7 d
                bob answers for it: a scratch disk
        waived  every file system with data in a proved copy, or not kept on purpose
                as of 2026-03-02T09:30:00.000Z
                found: / (ext4 on /dev/sda1, 1.9 GiB): not kept: installed anew (ada)
                missing: /srv/db (ext4 on /dev/sdc1, 1.9 GiB): no copy of it is proved
                bob answers for it: a scratch disk
      "
    `);
  });

  test('of persons: who has approved, whose approval does not count, and who is missing', () => {
    const wanted = { persons: 2, roles: ['manager'] };
    const approval = { by: 'grace', role: null, expires: '2026-03-05T10:00:00.000Z' };
    expect(
      shown([], {
        wanted,
        counted: [approval],
        discounted: [{ approval: { ...approval, by: 'ada' }, why: 'ada drives the run' }],
        persons: 1,
        roles: ['manager'],
      } as never),
    ).toMatchInlineSnapshot(`
      "Before it begins it needs:
        missing approval by 2 persons, as manager
                found: grace, until 2026-03-05T10:00:00.000Z
                that of ada does not count: ada drives the run
                missing: 1 more person, somebody as manager
                to get it: decom approve r1 --role manager
      "
    `);
  });
});
