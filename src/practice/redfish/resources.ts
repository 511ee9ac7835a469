import { createHash } from 'node:crypto';
import type { Json, JsonObject } from '../../core/json.ts';
import { allowable, describeSession, type Inside, login, managerResets, reset, resetManager } from './actions.ts';
import type { Light } from './light.ts';
import type { Resource } from './protocol.ts';
import type { Reply } from './reply.ts';

const ok = (body: JsonObject): Reply => ({ status: 200, body });
const link = (path: string): JsonObject => ({ '@odata.id': path });

/** The resources of the service, by path. */
export function resources(inside: Inside, light: Light): (path: string) => Resource | undefined {
  const { base, sessions, resets } = inside;
  // Drawn from the random base, so each is steady for this service and means nothing.
  const named = (what: string): string =>
    `${base}/${createHash('sha256').update(`${base} ${what}`).digest('hex').slice(0, 10)}`;
  const at = {
    root: '/redfish/v1/',
    sessionService: named('session service'),
    sessions: named('sessions'),
    systems: named('systems'),
    reset: named('reset'),
    resetInfo: named('reset info'),
    chassis: named('chassis'),
    managers: named('managers'),
    manager: named('manager'),
    managerReset: named('manager reset'),
  };

  const fixed = new Map<string, Resource>([
    ['/redfish', { open: 'get', get: async () => ok({ v1: at.root }) }],
    [
      '/redfish/v1',
      {
        open: 'get',
        get: async () =>
          ok({
            '@odata.id': at.root,
            '@odata.type': '#ServiceRoot.v1_16_1.ServiceRoot',
            Id: 'RootService',
            Name: 'Practice BMC',
            RedfishVersion: '1.20.0',
            UUID: inside.uuid,
            Systems: link(at.systems),
            Managers: link(at.managers),
            SessionService: link(at.sessionService),
            Links: { Sessions: link(at.sessions) },
          }),
      },
    ],
    [
      at.sessionService,
      {
        get: async () =>
          ok({
            '@odata.id': at.sessionService,
            '@odata.type': '#SessionService.v1_1_9.SessionService',
            Id: 'SessionService',
            Name: 'Session Service',
            SessionTimeout: Math.ceil((inside.faults.sessionLasts ?? 300_000) / 1000),
            Sessions: link(at.sessions),
          }),
      },
    ],
    [
      at.sessions,
      {
        open: 'post',
        get: async () =>
          ok(
            collection(
              at.sessions,
              'Session',
              sessions.all().map((session) => `${at.sessions}/${session.id}`),
            ),
          ),
        post: async (body) => login(inside, at.sessions, body),
      },
    ],
    [
      at.systems,
      {
        get: async () =>
          ok(
            collection(
              at.systems,
              'ComputerSystem',
              systems().map((each) => each.path),
            ),
          ),
      },
    ],
    [
      at.resetInfo,
      {
        get: async () =>
          ok({
            '@odata.id': at.resetInfo,
            '@odata.type': '#ActionInfo.v1_4_2.ActionInfo',
            Id: 'ResetActionInfo',
            Name: 'Reset Action Info',
            Parameters: [
              { Name: 'ResetType', Required: true, DataType: 'String', AllowableValues: allowable(inside.faults) },
            ],
          }),
      },
    ],
    [at.reset, { post: async (body) => reset(inside, body) }],
    [at.managers, { get: async () => ok(collection(at.managers, 'Manager', [at.manager])) }],
    [
      at.manager,
      {
        get: async () =>
          ok({
            '@odata.id': at.manager,
            '@odata.type': '#Manager.v1_19_0.Manager',
            Id: 'BMC',
            Name: 'Manager',
            ManagerType: 'BMC',
            Actions: {
              '#Manager.Reset': { target: at.managerReset, 'ResetType@Redfish.AllowableValues': managerResets },
            },
          }),
      },
    ],
    [at.managerReset, { post: async (body) => resetManager(inside, body) }],
  ]);

  const describeChassis = (): JsonObject => ({
    '@odata.id': at.chassis,
    '@odata.type': '#Chassis.v1_25_0.Chassis',
    Id: 'Chassis',
    Name: 'Chassis',
    ChassisType: 'RackMount',
    ...light.told('chassis'),
  });
  fixed.set(at.chassis, {
    get: async () => ok(describeChassis()),
    meanwhile: light.meanwhile,
    patch: async (changes) => light.patch(changes, 'chassis') ?? ok(describeChassis()),
  });

  let assetTag: Json = null;
  const systems = () =>
    Array.from({ length: inside.faults.systems ?? 1 }, (_, n) => ({ n, path: named(`system ${n}`) }));

  const describeSystem = async (n: number, path: string): Promise<JsonObject> => {
    const { allowable: place = 'inline' } = inside.faults;
    const state = n === 0 ? await inside.power.get() : 'off';
    const want = n === 0 ? resets.pending() : undefined;
    const moving = want !== undefined && want !== state;
    return {
      '@odata.id': path,
      '@odata.type': '#ComputerSystem.v1_22_1.ComputerSystem',
      Id: n === 0 ? 'Self' : `Node${n + 1}`,
      Name: 'Computer System',
      SystemType: 'Physical',
      Manufacturer: 'Practice',
      SerialNumber: n === 0 ? inside.serial : `${inside.serial}-${n + 1}`,
      UUID: n === 0 ? (inside.faults.uuid ?? inside.uuid) : `00000000-0000-4000-8000-${String(n).padStart(12, '0')}`,
      AssetTag: n === 0 ? assetTag : null,
      Links: { Chassis: [link(at.chassis)], ManagedBy: [link(at.manager)] },
      ...(n === 0 ? light.told('system') : {}),
      Status: { State: state === 'on' ? 'Enabled' : 'StandbyOffline', Health: 'OK' },
      Boot: { BootSourceOverrideEnabled: 'Disabled', BootSourceOverrideTarget: 'None' },
      PowerState: moving ? (want === 'on' ? 'PoweringOn' : 'PoweringOff') : state === 'on' ? 'On' : 'Off',
      Actions: {
        '#ComputerSystem.Reset': {
          target: n === 0 ? at.reset : `${path}/${named(`reset ${n}`).slice(-10)}`,
          ...(place === 'inline' ? { 'ResetType@Redfish.AllowableValues': allowable(inside.faults) } : {}),
          ...(place === 'action-info' ? { '@Redfish.ActionInfo': at.resetInfo } : {}),
        },
      },
    };
  };

  return (path) => {
    const plain = path.length > 1 ? path.replace(/\/$/, '') : path;
    const system = systems().find((each) => each.path === plain);
    if (system !== undefined) {
      const get = async () => ok(await describeSystem(system.n, system.path));
      return {
        get,
        meanwhile: light.meanwhile,
        patch: async ({ AssetTag, ...changes }) => {
          const wrong = Object.keys(changes).length === 0 ? undefined : light.patch(changes, 'system');
          if (wrong !== undefined) return wrong;
          if (AssetTag !== undefined) assetTag = AssetTag;
          return get();
        },
      };
    }
    const session = plain.startsWith(`${at.sessions}/`) ? sessions.get(plain.slice(at.sessions.length + 1)) : undefined;
    if (session !== undefined) {
      return {
        get: async () => ok(describeSession(plain, session)),
        delete: async () => {
          sessions.end(session.id);
          return { status: 204 };
        },
      };
    }
    return fixed.get(plain) ?? resets.find(plain);
  };
}

function collection(path: string, of: string, members: readonly string[]): JsonObject {
  return {
    '@odata.id': path,
    '@odata.type': `#${of}Collection.${of}Collection`,
    Name: `${of} Collection`,
    'Members@odata.count': members.length,
    Members: members.map(link),
  };
}
