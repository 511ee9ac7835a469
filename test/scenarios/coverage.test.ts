import { describe, expect, test } from 'vitest';
import { actions } from '../../src/actions/index.ts';
import type { Event } from '../../src/core/event.ts';
import { intentDigest, type Plan } from '../../src/core/plan.ts';
import type { Question } from '../../src/core/ports.ts';
import { trouble, unseen } from '../../src/core/result.ts';
import { type Statement, statementFile, statementName } from '../../src/core/statement.ts';
import { destroy } from '../fakes/destroy.ts';
import { type FakeWorld, fakeFileSystem, fakeHost, fakeWorld } from '../fakes/fake-world.ts';
import { mainJob } from './main-job.ts';
import { goOn, type Stage, stage } from './stage.ts';

const params = { vault: '/vault' };
const db = fakeFileSystem('/srv/db', '/dev/sdc1', 2_000_000_000);
const data = fakeFileSystem('/data', '/dev/sdd1', 3_000_000_000);

/** Something is done to the world while the question before a step stands. */
const meanwhile = (s: Stage, step: string, change: (world: FakeWorld) => void): void => {
  s.answer = (question: Question) => {
    if (question.ask === 'begin' && question.step.id === step) change(s.world);
    return goOn(question);
  };
};
const mount = (fileSystem: typeof db) => (world: FakeWorld) => void world.state.fileSystems.push(fileSystem);
const of = <T extends Event['type']>(s: Stage, plan: Plan, type: T) =>
  s.events(plan).filter((event): event is Extract<Event, { type: T }> => event.type === type);

function waives(s: Stage, plan: Plan, step: string, gate: string, signed: string | null = null): void {
  const statement: Statement = {
    ...{ kind: 'waive', step, gate, id: '0123456789abcdef', run: 'run1', host: plan.intent.host.name },
    ...{ intent: intentDigest(plan), by: 'bob', at: s.world.state.now.toISOString(), text: 'a scratch disk' },
  };
  s.inbox.set(statementName(statement), statementFile({ statement, signed }));
}

describe('a plan', () => {
  test('tells of each file system how it would be kept', async () => {
    const s = stage(mainJob, params);
    s.world.state.fileSystems.push({ ...fakeFileSystem('/mnt', 'filer:/home', null), state: 'elsewhere' });
    const { facts, intent } = await s.plan();
    expect(facts.coverage).toMatchObject({
      known: true,
      value: [
        { of: { at: '/' }, covered: 'not-kept', why: 'the system is installed anew', by: 'ada' },
        { of: { at: '/srv' }, covered: 'copied', steps: ['archive'], but: [] },
        { of: { at: '/mnt' }, covered: 'elsewhere' },
      ],
    });
    expect(facts.blockers).toEqual([]);
    expect(intent.not_kept).toEqual([{ path: '/', why: 'the system is installed anew', by: 'ada' }]);
  });

  test('is blocked by one that no step copies, and says what to do', async () => {
    const s = stage(mainJob, params);
    s.world.state.fileSystems.push(data);
    const { blockers } = (await s.plan()).facts;
    expect(blockers.map(({ step, trouble: { code, what, fix } }) => [step, code, what, fix])).toEqual([
      [
        'off',
        'not-covered',
        'a file system with data is in no proved copy: /data (ext4 on /dev/sdd1, 2.8 GiB): no copy of it is proved',
        'Copy it with a step of the runbook, after what stops the writers, and prove that copy; or name it under not_kept with who decided so and why.',
      ],
    ]);
  });

  test('counts no file system as kept by a dump of its databases', async () => {
    const dumped = mainJob.replace(/ {6}- id: mirror.*? {6}- id: proof/s, () =>
      [
        '      - id: dump',
        '        uses: backup.postgres',
        '        with: { to: "${{ params.vault }}" }',
        '      - id: dump-proof',
        '        uses: restore.verify',
        '        with: { backup: "${{ steps.dump.backup }}" }',
        '      - id: proof',
      ].join('\n'),
    );
    const s = stage(dumped, params);
    s.world.state.fileSystems.push(fakeFileSystem('/var/lib/postgresql', '/dev/sde1', 4096));
    const { blockers } = (await s.plan()).facts;
    expect(blockers.map(({ step, trouble: { code, what } }) => [step, code, what])).toEqual([
      [
        'off',
        'not-covered',
        'a file system with data is in no proved copy: /var/lib/postgresql (ext4 on /dev/sde1, 4.0 KiB): no copy of it is proved',
      ],
    ]);
  });

  test('is blocked where all that is proved is a dump, too', async () => {
    const only = mainJob.replace(
      / {6}- id: archive.*? {6}- id: proof/s,
      () =>
        '      - id: archive\n        uses: backup.postgres\n        with: { to: "${{ params.vault }}" }\n      - id: proof',
    );
    const { blockers } = (await stage(only, params).plan()).facts;
    expect(blockers.map(({ step, trouble: { code } }) => [step, code])).toEqual([['off', 'not-covered']]);
  });

  test('is blocked where the host does not tell them', async () => {
    const world = fakeWorld();
    const s = stage(mainJob, params, {
      ...world,
      probe: async (question, context) =>
        question.kind === 'host.storage'
          ? (unseen(trouble('survey-cut', '"lsblk" hung', 'See why.')) as never)
          : world.probe(question, context),
    });
    const plan = await s.plan();
    expect(plan.facts.coverage).toMatchObject({ known: false });
    expect(plan.facts.blockers).toMatchObject([
      { step: 'off', trouble: { what: 'whether every file system with data is kept is not known: "lsblk" hung' } },
    ]);
    expect(await s.run(plan)).toMatchObject({ end: 'blocked', step: 'off', trouble: { code: 'survey-cut' } });
    expect(s.world.state.power).toBe('on');
  });

  test('counts a copy from before the writers were stopped for nothing', async () => {
    const early = mainJob.replace(
      '      - id: services\n',
      '      - { id: early, uses: backup.archive, with: { from: [/data], to: /early } }\n      - { id: early-proof, uses: restore.verify, with: { backup: "${{ steps.early.backup }}" } }\n      - id: services\n',
    );
    const s = stage(early, params);
    s.world.state.paths['/data'] = { kind: 'directory', bytes: 1 };
    s.world.state.fileSystems.push(data);
    const { blockers } = (await s.plan()).facts;
    expect(blockers.map(({ trouble }) => trouble.code)).toEqual(['not-covered']);
  });

  test('binds what is not kept', async () => {
    const digest = async (text: string): Promise<string> => intentDigest(await stage(text, params).plan());
    const other = mainJob.replace('installed anew', 'of no value');
    expect(await digest(other)).not.toBe(await digest(mainJob));
  });

  test('is rehearsed against what the host has now', async () => {
    const s = stage(mainJob, params);
    const plan = await s.plan();
    mount(data)(s.world);
    expect(await s.run(plan, { rehearsal: true })).toMatchObject({
      blocked: [{ step: 'off', trouble: { code: 'not-covered' } }],
    });
  });
});

describe('the power is not switched off', () => {
  test.each([
    [
      'while a file system is there that was mounted after the plan',
      'told',
      mount(data),
      '/data (ext4 on /dev/sdd1, 2.8 GiB): no copy of it is proved',
    ],
    [
      'while one is there that was mounted within what is copied, once it was',
      'proof',
      mount(db),
      '/srv/db (ext4 on /dev/sdc1, 1.9 GiB): it was not mounted at /srv/db all the time while the copy of step "archive" was made',
    ],
    [
      'while another one is mounted where one was copied',
      'proof',
      (world: FakeWorld) => {
        world.state.fileSystems = [fakeFileSystem('/srv', '/dev/sdx1', 1)];
      },
      '/srv (ext4 on /dev/sdx1, 1 B): it was not mounted at /srv all the time while the copy of step "archive" was made',
    ],
    [
      'while there is a device with data that nobody has mounted',
      'off',
      mount({ ...fakeFileSystem('/dev/sde', '/dev/sde', null), type: 'LVM2_member', state: 'not-mounted' }),
      '/dev/sde (LVM2_member, how much is in it is unknown): it is not mounted, so no copy of files can hold it',
    ],
  ])('%s', async (_name, step, change, said) => {
    const s = stage(mainJob, params);
    const plan = await s.plan();
    expect(plan.facts.blockers).toEqual([]);
    meanwhile(s, step, (world) => {
      s.pass(60_000);
      change(world);
    });
    expect(await s.run(plan)).toMatchObject({
      end: 'blocked',
      step: 'off',
      trouble: { code: 'not-covered', what: `a file system with data is in no proved copy: ${said}` },
    });
    expect(of(s, plan, 'storage.seen').at(-1)?.file_systems).toEqual(s.world.state.fileSystems);
    expect(s.world.acts.filter(({ kind }) => kind === 'bmc.power')).toEqual([]);
  });

  test('until somebody answers for each file system that is lost, by its path', async () => {
    const s = stage(mainJob, params);
    const plan = await s.plan();
    meanwhile(s, 'proof', (world) => {
      mount(db)(world);
      mount(data)(world);
    });
    await s.run(plan);
    waives(s, plan, 'off', 'coverage:/srv/db');
    expect(await s.run(plan)).toMatchObject({
      trouble: {
        what: 'a file system with data is in no proved copy: /data (ext4 on /dev/sdd1, 2.8 GiB): no copy of it is proved',
        fix: expect.stringContaining('decom waive run1 off:/data --reason TEXT'),
      },
    });
    expect(of(s, plan, 'gate.waived').map(({ gate, by, reason }) => [gate, by, reason])).toEqual([
      ['coverage:/srv/db', 'bob', 'a scratch disk'],
    ]);
  });
});

test('the power is switched off while other machines hold what is mounted, and once everything else is kept', async () => {
  const s = stage(mainJob, params);
  const plan = await s.plan();
  meanwhile(s, 'archive', (world) => {
    mount(db)(world);
    mount({ ...fakeFileSystem('/mnt', 'filer:/home', null), state: 'elsewhere' })(world);
  });
  expect(await s.run(plan)).toEqual({ end: 'done' });
});

describe('what destroys', () => {
  const job = (disks: string): string =>
    mainJob.replace(/ {6}- id: "off"[\s\S]*$/, `      - { id: wipe, uses: test.destroy, with: { disks: ${disks} } }\n`);
  const kinds = [...actions, destroy];
  /** The host's entry lists its disks, as far as `listed` goes. */
  function set(disks: string, world = fakeWorld()): Stage {
    return stage(job(disks), params, world, kinds, { ...fakeHost(), disks: [{ serial: 'D-1' }, { serial: 'D-9' }] });
  }
  const destroyed = (s: Stage): boolean => '/destroyed' in s.world.state.files;

  test('does so to a disk that the inventory lists and the machine has, once every file system is kept', async () => {
    const s = set('[D-1]');
    expect(await s.run(await s.plan())).toEqual({ end: 'done' });
    expect(destroyed(s)).toBe(true);
  });

  test.each([
    ['that is in the inventory alone', '[D-9]', 'no disk of the inventory with the serial D-9 was seen in the machine'],
    [
      'that is in the machine alone',
      '[D-1, D-2]',
      'no disk of the inventory with the serial D-2 was seen in the machine',
    ],
    ['where none is named', '[]', 'no disk is named, and that is never all of them'],
  ])('leaves a disk alone %s', async (_name, disks, what) => {
    const s = set(disks);
    expect(await s.run(await s.plan())).toMatchObject({
      end: 'blocked',
      step: 'wipe',
      trouble: { code: 'disk-unseen', what },
    });
    expect(destroyed(s)).toBe(false);
  });

  test('does nothing while a file system is kept nowhere; only a signed word answers for it', async () => {
    const s = set('[D-1]');
    const plan = await s.plan();
    meanwhile(s, 'proof', mount(db));
    expect(await s.run(plan)).toMatchObject({ end: 'blocked', step: 'wipe', trouble: { code: 'not-covered' } });
    waives(s, plan, 'wipe', 'coverage:/srv/db');
    expect(await s.run(plan)).toMatchObject({ end: 'blocked', step: 'wipe' });
    expect(of(s, plan, 'statement.refused').map(({ trouble }) => trouble.what)).toEqual([
      'what bob said (waive) was not taken: before a step that destroys, only what is signed counts, and this is not',
    ]);
    expect(destroyed(s)).toBe(false);
    waives(s, plan, 'wipe', 'coverage:/srv/db', 'A'.repeat(64));
    expect(await s.run(plan)).toEqual({ end: 'done' });
    expect(destroyed(s)).toBe(true);
  });

  test('is passed by no word about the whole proof, signed or not', async () => {
    const s = set('[D-1]');
    const plan = await s.plan();
    meanwhile(s, 'proof', mount(db));
    await s.run(plan);
    waives(s, plan, 'wipe', 'restore.proven', 'A'.repeat(64));
    expect(await s.run(plan)).toMatchObject({ end: 'blocked', step: 'wipe', trouble: { code: 'not-covered' } });
    expect(of(s, plan, 'statement.refused')).toHaveLength(1);
  });
});
