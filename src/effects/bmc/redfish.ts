import type { JsonObject } from '../../core/json.ts';
import type { Bmc, Clock } from '../../core/ports.ts';
import { fail, ok, type Result, seen, trouble, unseen } from '../../core/result.ts';
import type { Secret } from '../../core/secret.ts';
import { foreignText } from './foreign-text.ts';
import { swapGuid } from './guid.ts';
import { linkIn, objectIn, type RedfishClient, redfishClient, textIn } from './redfish-client.ts';
import { resetSystem } from './redfish-reset.ts';
import { findSystem } from './redfish-system.ts';
import { oddAnswer, refused, stopped } from './trouble.ts';

export interface RedfishOptions {
  /** Name of the host it belongs to, for messages. */
  readonly name: string;
  readonly address: string;
  readonly port: number;
  readonly user: string;
  readonly password: Secret;
  /** `sha256:<hex>` of the DER certificate; undefined: it has to be vouched for by a certificate authority. */
  readonly pin: string | undefined;
  /** Id of the ComputerSystem, where there are several. */
  readonly system?: string;
  readonly clock: Clock;
  /** Milliseconds for one answer. Default 15,000. */
  readonly patience?: number;
}

type Get = (link: string) => Promise<Result<JsonObject>>;

/** A BMC over Redfish (DSP0266). Every call is one session, ended by DELETE whatever happens in it. */
export function redfishBmc(options: RedfishOptions): Bmc {
  const { name, user, password, pin, system, clock, patience = 15_000 } = options;
  const { address, port } = options;
  const client = redfishClient({ name, address, port, password, pin, patience });

  /** Service root → sessions → login → the one system → `work` → logout. */
  async function withSystem<T>(
    work: (session: { readonly token: string; readonly get: Get; readonly system: JsonObject }) => Promise<Result<T>>,
  ): Promise<Result<T>> {
    const root = await fetch(client, name, '/redfish/v1/', undefined);
    if (!root.ok) return root;
    const login = await openSession(client, name, user, password, root.value);
    if (!login.ok) return login;
    const { token, session } = login.value;
    try {
      const get: Get = (link) => fetch(client, name, link, token);
      const found = await findSystem(name, get, root.value, system);
      return found.ok ? await work({ token, get, system: found.value }) : found;
    } finally {
      // An answer is not needed: a session that stays ends by itself.
      if (session !== undefined) await client.send('DELETE', session, { token });
    }
  }

  return {
    name,

    async power() {
      const state = await withSystem(async ({ system: found }) => ok(textIn(found, 'PowerState')));
      if (!state.ok) return unseen(state.error);
      switch (state.value) {
        case 'Off':
          return seen('off');
        // On the way is not there yet: until it says Off, there is power.
        case 'On':
        case 'PoweringOn':
        case 'PoweringOff':
        case 'Paused':
          return seen('on');
        default:
          return unseen(oddAnswer(name, 'gave no power state', foreignText(state.value ?? '', [password])));
      }
    },

    async identity() {
      const found = await withSystem(async (session) => ok(session.system));
      if (!found.ok) return unseen(found.error);
      const uuid = textIn(found.value, 'UUID')?.toLowerCase();
      const serial = textIn(found.value, 'SerialNumber')?.trim();
      const fits = uuid !== undefined && /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/.test(uuid);
      const none = unseen(oddAnswer(name, 'names no UUID of its system', foreignText(uuid ?? '', [password])));
      return seen({
        guid: fits ? seen(uuid) : none,
        guid_swapped: fits ? seen(swapGuid(uuid)) : none,
        serial:
          serial === undefined || serial === ''
            ? unseen(oddAnswer(name, 'names no serial number of its system'))
            : seen(foreignText(serial, [password], 100)),
      });
    },

    async setPower(want, how, signal) {
      if (signal.aborted) return fail(stopped(name));
      return withSystem(async ({ token, get, system: found }) => {
        if (signal.aborted) return fail(stopped(name));
        const type = want === 'on' ? 'On' : how === 'soft' ? 'GracefulShutdown' : 'ForceOff';
        return resetSystem({ name, client, token, get, clock, signal }, found, type);
      });
    },

    close: () => client.close(),
  };
}

async function fetch(
  client: RedfishClient,
  name: string,
  link: string,
  token: string | undefined,
): Promise<Result<JsonObject>> {
  const answer = await client.send('GET', link, { token });
  if (!answer.ok) return answer;
  const { status, body, said } = answer.value;
  if (status === 200 && body !== undefined) return ok(body);
  const detail = foreignText(`${status} at ${link}: ${said}`, []);
  return fail(oddAnswer(name, 'did not give what it was asked for', detail));
}

async function openSession(
  client: RedfishClient,
  name: string,
  user: string,
  password: Secret,
  root: JsonObject,
): Promise<Result<{ readonly token: string; readonly session: string | undefined }>> {
  const sessions = linkIn(objectIn(root, 'Links'), 'Sessions');
  if (sessions === undefined) {
    return fail(
      trouble(
        'bmc-odd-answer',
        `what answers at ${client.where} as the BMC of ${name} is no Redfish service, or one without sessions`,
        'Check the address, and that Redfish is enabled at the BMC; where it has none, use IPMI (kind: ipmi).',
      ),
    );
  }
  const answer = await client.send('POST', sessions, { body: { UserName: user, Password: password.reveal() } });
  if (!answer.ok) return answer;
  const { status, headers, body, said } = answer.value;
  const token = headers['x-auth-token'];
  if (status === 400 || status === 401 || status === 403) return fail(refused(name, client.where, user, said));
  if (status >= 300 || token === undefined) {
    return fail(oddAnswer(name, 'opened no session', `${status} ${said}`));
  }
  return ok({ token, session: headers.location ?? textIn(body, '@odata.id') });
}
