import type { Acts } from '../../src/core/act.ts';
import type { OperationHandlers, Perform, Probe, ProbeHandlers } from '../../src/core/action.ts';
import type { DatabasesSeen } from '../../src/core/databases.ts';
import { type Keep, keptFrom } from '../../src/core/keep.ts';
import type { BegunOutcome, Operation, Outcome, Receipt } from '../../src/core/operation.ts';
import { type Precondition, refused } from '../../src/core/precondition.ts';
import type { CopyDescription, FileSystem, NetworkSeen, ServiceState } from '../../src/core/probe.ts';
import { ok, seen, type Trouble, trouble, unseen } from '../../src/core/result.ts';
import type { Survey } from '../../src/core/survey.ts';
import type { WatchedRow } from '../../src/core/use.ts';
import { isWithin } from '../../src/core/within.ts';
import { smallSurvey } from './small-survey.ts';

/** A host, its BMC, a vault and an inventory in memory. Every act is counted, so that tests can see what was done twice. */
export interface FakeWorld {
  readonly state: WorldState;
  readonly probe: Probe;
  perform: Perform;
  /** With `remembers`: the host keeps what may be done only once, as a real one does. */
  readonly keeps?: Acts;
  /** Every operation that took effect, in order. */
  readonly acts: readonly Operation[];
  /** Called before and after each effect; a test throws from here to die. */
  onEffect: (when: 'before' | 'after', operation: Operation) => void;
}

export interface WorldState {
  services: Record<string, { active: boolean; enabled: boolean }>;
  power: 'on' | 'off';
  indicator: 'on' | 'off';
  reachable: boolean;
  /** Whether nobody can be asked on the way to it: then it is silent while it is off. */
  proxied: boolean;
  serial: string;
  uuid: string;
  machineId: string;
  bootId: string;
  hostKey: string;
  bmcGuid: string;
  paths: Record<string, { kind: 'directory' | 'file'; bytes: number }>;
  copies: Record<string, CopyDescription>;
  scratch: Record<string, string>;
  status: 'active' | 'decommissioning' | 'retired';
  network: { state: NetworkSeen['state']; run: string | null; since: string | null; ended: NetworkSeen['ended'] };
  files: Record<string, string>;
  fileSystems: FileSystem[];
  /** Serials of its disks. */
  disks: string[];
  /** Who uses it: connections that a watch meets, and what the survey says besides. */
  use: { connections: readonly WatchedRow[]; survey: Partial<Survey>; lost: boolean };
  now: Date;
  databases: DatabasesSeen;
  /** What the tree compared with a manifest lacks. */
  missing: string[];
}

/** A mounted file system of a fake host. */
export const fakeFileSystem = (at: string, source: string, used: number | null): FileSystem => ({
  ...{ at, also: [], source, type: 'ext4', state: 'mounted', used, id: `${source} /` },
});

export const fakeState = (): WorldState => ({
  services: { 'nginx.service': { active: true, enabled: true }, 'app.service': { active: true, enabled: true } },
  power: 'on',
  indicator: 'off',
  reachable: true,
  proxied: false,
  serial: 'SN-0012345',
  uuid: 'a1234567-89ab-4def-8123-456789abcdef',
  machineId: '0f2c0f2c0f2c0f2c0f2c0f2c0f2c0f2c',
  bootId: '5f6f0cf4-3a6c-4f0e-9a3c-1d2e3f405060',
  hostKey: 'ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIFakeFakeFakeFakeFakeFakeFakeFakeFakeFakeFake',
  bmcGuid: 'a1234567-89ab-4def-8123-456789abcdef',
  paths: { '/srv': { kind: 'directory', bytes: 4096 }, '/etc': { kind: 'directory', bytes: 1024 } },
  copies: {},
  scratch: {},
  status: 'active',
  network: { state: 'open', run: null, since: null, ended: 'never' },
  files: {},
  fileSystems: [fakeFileSystem('/', '/dev/sda1', 500_000_000), fakeFileSystem('/srv', '/dev/sdb1', 4096)],
  disks: ['D-1', 'D-2'],
  use: { connections: [], survey: {}, lost: false },
  now: new Date('2026-01-02T03:04:05.000Z'),
  databases: {
    ...{ product: 'PostgreSQL', version: '15.18', tool: '15.18', sessions: 0 },
    ...{ directory: '/var/lib/postgresql/15/main', databases: [{ name: 'app', bytes: 4096 }] },
  },
  missing: [],
});

/** The inventory's entry that agrees with `fakeState`. */
export const fakeHost = () => {
  const s = fakeState();
  return {
    name: 'web01',
    addresses: ['192.0.2.10'],
    serial: s.serial,
    uuid: s.uuid,
    machine_id: s.machineId,
    ssh: { user: 'decom', host_keys: [s.hostKey], sudo: true },
    bmc: {
      kind: 'ipmi' as const,
      address: '192.0.2.110',
      user: 'admin',
      password: { env: 'BMC_PASSWORD' },
      guid: s.bmcGuid,
    },
  };
};

const sources = ['machine_id', 'boot', 'uuid', 'serial'] as const;

export function fakeWorld(
  state: WorldState = fakeState(),
  { remembers = false }: { readonly remembers?: boolean } = {},
): FakeWorld {
  const acts: Operation[] = [];
  const kept = new Map<string, BegunOutcome | { readonly outcome: 'never' }>();
  const keeps: Acts = {
    prepare: async (operation, { run, step }) =>
      ok(operation.kind === 'exec' ? { boot: state.bootId, folder: `/run/decom/${run}/${step}` } : null),
    recall: async (_operation, { folder, name }) => {
      const key = `${folder}/${name}`;
      const found = kept.get(key) ?? { outcome: 'never' as const };
      kept.set(key, found);
      return found;
    },
    forget: async () => kept.clear(),
  };
  const world: FakeWorld = {
    state,
    acts,
    ...(remembers ? { keeps } : {}),
    onEffect: () => {},
    probe: (question) => {
      const handler = probes[question.kind] as (q: typeof question) => ReturnType<Probe>;
      return handler(question) as never;
    },
    perform: async (operation, context) => {
      if (operation.kind === 'ask' || operation.kind === 'wait') throw new Error('the engine does these itself');
      if (context.signal.aborted) return { outcome: 'failed', trouble: trouble('aborted', 'it was stopped', 'Again.') };
      const key = context.act === undefined ? '' : `${context.act.folder}/${context.act.name}`;
      if (kept.has(key)) return { outcome: 'failed', trouble: trouble('never-began', 'it came too late', 'Again.') };
      const isNot = context.precondition === undefined ? undefined : unmet(context.precondition);
      if (isNot !== undefined) return { outcome: 'refused', trouble: isNot };
      world.onEffect('before', operation);
      const handler = operations[operation.kind] as (o: Operation, c: typeof context) => Promise<Outcome>;
      const outcome = await handler(operation, context);
      acts.push(operation);
      if (key !== '' && outcome.outcome !== 'refused') kept.set(key, outcome);
      world.onEffect('after', operation);
      return outcome;
    },
  };
  const unmet = (must: Precondition): Trouble | undefined => {
    const is = { serial: state.serial, uuid: state.uuid, machine_id: state.machineId, boot: state.bootId };
    const wrong = sources.find((source) => must[source] !== undefined && must[source] !== is[source]);
    return wrong === undefined ? undefined : refused('web01', wrong, must, is[wrong]);
  };
  const down = () => unseen(trouble('timeout', 'web01 does not answer', 'Try again.'));
  const up = () => state.power === 'on' && state.reachable;
  const done = (receipt: Receipt = {}): Outcome => ({ outcome: 'done', receipt });
  const failed = (what: string): Outcome => ({ outcome: 'failed', trouble: trouble('exit', what, 'See the host.') });
  const service = (unit: string): ServiceState => {
    const s = state.services[unit];
    return {
      unit,
      load: s === undefined ? 'not-found' : 'loaded',
      active: s?.active ? 'active' : 'inactive',
      sub: s?.active ? 'running' : 'dead',
      enabled: s === undefined ? '' : s.enabled ? 'enabled' : 'disabled',
      triggers: [],
    };
  };

  const probes: ProbeHandlers = {
    'host.identity': async () =>
      up()
        ? seen({
            serial: seen(state.serial),
            uuid: seen(state.uuid),
            machine_id: seen(state.machineId),
            boot_id: seen(state.bootId),
            host_key: seen(state.hostKey),
          })
        : down(),
    'host.storage': async () => (up() ? seen({ file_systems: state.fileSystems, disks: state.disks }) : down()),
    // A fake world has no disk that could be erased: see test/lab/disks.test.ts.
    'host.disks': async () => (up() ? seen({ disks: [], others: [] }) : down()),
    'disk.samples': async () => down(),
    'host.use': async () => (up() ? seen({ ...smallSurvey(state), ...state.use.survey }) : down()),
    'host.survey': async () => (up() ? seen({ ...smallSurvey(state), ...state.use.survey }) : down()),
    'host.connections': async (question, context) => {
      if (!up()) return down();
      context?.watched?.(question.for, state.use.connections);
      if (state.use.lost) return unseen(trouble('watch-lost', 'the connection to web01 was lost', 'Again.'));
      const { connections: rows } = state.use;
      return seen({ watched: question.for, samples: 900, gap: 1000, connections: { rows, total: rows.length } });
    },
    'host.reachable': async () => seen(up() ? 'yes' : state.proxied ? 'silent' : 'no'),
    'host.tools': async ({ names }) => (up() ? seen(Object.fromEntries(names.map((n) => [n, true]))) : down()),
    'host.paths': async ({ paths }) =>
      up()
        ? seen(
            paths.map((path) => ({
              path,
              kind: state.paths[path]?.kind ?? ('missing' as const),
              bytes: seen(state.paths[path]?.bytes ?? 0),
            })),
          )
        : down(),
    service: async ({ unit }) => (up() ? seen(service(unit)) : down()),
    command: async ({ argv }) => {
      if (!up()) return down();
      const file = argv.at(-1) ?? '';
      return seen({ exit: file in state.files ? 0 : 1, signal: null, stdout: state.files[file] ?? '', stderr: '' });
    },
    network: async () =>
      up()
        ? seen({
            ...{ ...state.network, boot: state.bootId, dropped: state.network.state === 'open' ? null : 0 },
            ...{ way: 'nft', lack: null, from: '192.0.2.1', relies: [] },
          })
        : down(),
    'bmc.identity': async () =>
      seen({
        guid: seen(state.bmcGuid),
        guid_swapped: seen('00000000-0000-0000-0000-000000000001'),
        serial: seen(state.serial),
      }),
    power: async () => seen(state.power),
    'bmc.indicator': async () => seen(state.indicator),
    'bmc.weaknesses': async () => seen([]),
    place: async () => seen({ exists: true, empty: true, writable: true, free: 1_000_000_000 }),
    copies: async ({ folder, method }) =>
      seen(
        Object.entries(state.copies)
          .flatMap(([path, d]) => (path.startsWith(folder) && d.method === method ? [path] : []))
          .reverse(),
      ),
    copy: async ({ copy }) =>
      seen({
        state: copy in state.copies ? ('complete' as const) : ('missing' as const),
        description: state.copies[copy] ?? null,
      }),
    'tree.compare': async ({ copy }) => {
      const d = state.copies[copy];
      if (d === undefined) return unseen(trouble('copy-missing', `${copy} is missing`, 'Copy again.'));
      const attributes = (['type', 'size', 'hash', 'mode', 'owner', 'links', 'time'] as const).map((attribute) => ({
        attribute,
        proven: true,
      }));
      return seen({
        equal: state.missing.length === 0,
        entries: 3,
        files: 2,
        bytes: d.bytes,
        attributes,
        missing: state.missing,
        extra: [],
        different: [],
        counts: { missing: state.missing.length, extra: 0, different: 0 },
        report: null,
      });
    },
    databases: async () => (up() ? seen(state.databases) : down()),
    'databases.here': async () =>
      seen({
        servers: [{ product: 'PostgreSQL', version: '15.18', folder: '/usr/lib/postgresql/15/bin' }],
        lack: null,
      }),
    'databases.compare': async ({ copy }) => {
      const d = state.copies[copy];
      if (d === undefined) return unseen(trouble('copy-missing', `${copy} is missing`, 'Copy again.'));
      const names = d.databases?.each.map(({ name }) => name) ?? [];
      return seen({
        ...{ manifest: d.manifest.sha256, databases: names, tables: names.length, rows: 7, answers: 0 },
        ...{ differences: state.missing, count: state.missing.length, server: 'PostgreSQL 15.18' },
      });
    },
    'helper.way': async () => seen({ lacks: [] }),
    inventory: async () => seen({ status: state.status }),
    clock: async () => seen(state.now.toISOString()),
  };

  const copyTo = (
    operation: {
      readonly from: readonly string[];
      readonly exclude: readonly string[];
      readonly to: string;
      readonly keep?: Keep;
    },
    method: 'archive' | 'rsync',
  ) => {
    state.copies[operation.to] = {
      format: 1,
      method,
      host: 'web01',
      serial: state.serial,
      from: operation.from,
      exclude: operation.exclude,
      manifest_started: state.now.toISOString(),
      manifest_taken: state.now.toISOString(),
      manifest: { sha256: 'ab'.repeat(32), bytes: 100 },
      files: 2,
      entries: 3,
      bytes: 5120,
      archive: method === 'archive' ? { sha256: 'cd'.repeat(32), bytes: 10_240 } : null,
      ...(operation.keep === undefined ? {} : { kept: keptFrom(operation.keep, state.now) }),
      unread: [],
      file_systems: state.fileSystems
        .filter(({ at, state: how }) => how === 'mounted' && operation.from.some((path) => isWithin(at, path)))
        .map(({ at, id }) => ({ at, id })),
    };
    return done({ bytes: 5120 });
  };

  const operations: OperationHandlers = {
    'disk.free': async () => ({
      outcome: 'failed',
      trouble: trouble('disk-absent', 'web01 has no such disk', 'Look.'),
    }),
    'disk.erase': async () => ({
      outcome: 'failed',
      trouble: trouble('disk-absent', 'web01 has no such disk', 'Look.'),
    }),
    exec: async ({ argv }) => {
      if (!up()) return { outcome: 'failed', trouble: trouble('timeout', 'web01 does not answer', 'Try again.') };
      if (argv[0] === 'systemctl') {
        const verb = argv.find((word) => ['stop', 'start', 'enable', 'disable'].includes(word));
        for (const unit of argv.filter((word) => word.endsWith('.service'))) {
          const s = state.services[unit];
          if (s === undefined) return failed(`no unit ${unit}`);
          if (verb === 'stop') s.active = false;
          if (verb === 'start') s.active = true;
          if (verb === 'disable') s.enabled = false;
          if (verb === 'enable') s.enabled = true;
        }
        return done({ exit: 0 });
      }
      if (argv[0] === 'append') {
        const file = argv.at(-1) ?? '';
        state.files[file] = `${state.files[file] ?? ''}x`;
        return done({ exit: 0 });
      }
      return failed(`${argv[0]} ended with exit code 1`);
    },
    'copy.archive': async (o) => copyTo(o, 'archive'),
    'copy.rsync': async (o) => copyTo(o, 'rsync'),
    'copy.databases': async ({ access, databases, to, ask }) => {
      const times = { manifest_started: state.now.toISOString(), manifest_taken: state.now.toISOString() };
      state.copies[to] = {
        ...{ format: 1, method: access.server, host: 'web01', serial: state.serial, from: [], exclude: [], ...times },
        ...{
          manifest: { sha256: 'ef'.repeat(32), bytes: 100 },
          files: 2,
          entries: 2,
          bytes: 2048,
          archive: null,
          unread: [],
        },
        databases: {
          ...{ product: state.databases.product, version: state.databases.version, asked: ask.length },
          each: databases.map((name) => ({ name, bytes: 1024, on_disk: 4096, tables: 1, rows: 7 })),
          sessions: { before: 0, after: 0 },
        },
      };
      return done({ bytes: 2048 });
    },
    'network.cut': async ({ run }) => {
      if (state.network.state !== 'open') return failed('the host is cut off already');
      state.network = { state: 'pending', run, since: state.now.toISOString(), ended: 'never' };
      return done({ since: state.now.toISOString(), from: '192.0.2.1' });
    },
    'network.confirm': async ({ run }) => {
      if (state.network.state !== 'pending' || state.network.run !== run) return failed('there is nothing to confirm');
      state.network = { ...state.network, state: 'isolated' };
      return done({ since: state.network.since, by: '192.0.2.1 2 192.0.2.10 22' });
    },
    'network.reopen': async () => {
      state.network = { ...state.network, state: 'open', ended: 'reopened' };
      return done({});
    },
    'copy.restore': async ({ copy, scratch }) => {
      state.scratch[scratch] = copy;
      return done({});
    },
    'scratch.remove': async ({ scratch }) => {
      delete state.scratch[scratch];
      return done({});
    },
    'bmc.power': async ({ want }) => {
      state.power = want;
      return done({});
    },
    'bmc.locate': async ({ want }) => {
      state.indicator = want;
      return done({});
    },
    'bmc.reset': async () => done({}),
    'inventory.set': async ({ status }) => {
      state.status = status;
      return done({});
    },
  };
  return world;
}
