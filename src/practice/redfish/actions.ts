import type { JsonObject } from '../../core/json.ts';
import type { RedfishBmcOptions, RedfishFaults } from './options.ts';
import { type Reply, refusal } from './reply.ts';
import type { Resets, ResetType } from './resets.ts';
import { type Session, type Sessions, same } from './sessions.ts';

/** The service as its resources know it. */
export interface Inside extends RedfishBmcOptions {
  /** Path below which everything but the service root stands. */
  readonly base: string;
  readonly faults: RedfishFaults;
  readonly sessions: Sessions;
  readonly resets: Resets;
  /** Begins to start the BMC itself anew. */
  readonly restart: () => void;
}

/** The reset types that the service offers. */
export const allowable = (faults: RedfishFaults): readonly ResetType[] =>
  faults.onlyForceOff === true ? ['ForceOff'] : ['On', 'ForceOff', 'GracefulShutdown'];

export const describeSession = (path: string, session: Session): JsonObject => ({
  '@odata.id': path,
  '@odata.type': '#Session.v1_7_1.Session',
  Id: session.id,
  Name: 'User Session',
  UserName: session.user,
});

/** A new session, for the right name and password. */
export function login(inside: Inside, path: string, body: JsonObject): Reply {
  const wrong = strictly(body, ['UserName', 'Password']);
  if (wrong !== undefined) return wrong;
  const fits = same(String(body.UserName), inside.user) && same(String(body.Password), inside.password);
  if (!fits || inside.faults.refusePassword === true) {
    return refusal(401, 'ResourceAtUriUnauthorized', 'The login was denied: user name or password is wrong.');
  }
  const session = inside.sessions.open(inside.user);
  if (session === undefined) {
    return refusal(503, 'SessionLimitExceeded', 'The session establishment failed: too many sessions are open.', {
      headers: { 'Retry-After': '30' },
    });
  }
  const place = `${path}/${session.id}`;
  return {
    status: 201,
    headers: { Location: place, 'X-Auth-Token': session.token },
    body: describeSession(place, session),
  };
}

/** How the BMC itself can be started anew. */
export const managerResets = ['GracefulRestart', 'ForceRestart'] as const;

/** Starts the BMC anew, and answers before it is gone. */
export function resetManager(inside: Inside, body: JsonObject): Reply {
  const wrong = strictly(body, ['ResetType']);
  if (wrong !== undefined) return wrong;
  const asked = String(body.ResetType);
  if (!managerResets.some((each) => each === asked)) return notInList(asked);
  inside.restart();
  return { status: 204 };
}

/** Begins a reset of an allowed type. */
export function reset(inside: Inside, body: JsonObject): Reply {
  const wrong = strictly(body, ['ResetType']);
  if (wrong !== undefined) return wrong;
  const asked = String(body.ResetType);
  const type = allowable(inside.faults).find((each) => each === asked);
  return type === undefined ? notInList(asked) : inside.resets.begin(type);
}

const notInList = (asked: string): Reply =>
  refusal(
    400,
    'ActionParameterValueNotInList',
    `The value ${asked} for the parameter ResetType in the action Reset is not in the list of acceptable values.`,
    { args: [asked, 'ResetType', 'Reset'] },
  );

/** A body has exactly these properties, all of them strings. */
function strictly(body: JsonObject, names: readonly string[]): Reply | undefined {
  const unknown = Object.keys(body).find((key) => !names.includes(key));
  if (unknown !== undefined) {
    return refusal(400, 'PropertyUnknown', `The property ${unknown} is not in the list of valid properties.`, {
      args: [unknown],
    });
  }
  const missing = names.find((name) => typeof body[name] !== 'string');
  if (missing !== undefined) {
    return refusal(400, 'PropertyMissing', `The property ${missing} is a required property, and a string.`, {
      args: [missing],
    });
  }
  return undefined;
}
