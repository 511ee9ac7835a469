import type { JsonObject } from '../../core/json.ts';
import type { Clock } from '../../core/ports.ts';
import { fail, ok, type Result, trouble } from '../../core/result.ts';
import type { Secret } from '../../core/secret.ts';
import { foreignText } from './foreign-text.ts';
import { linkIn, objectIn, textIn } from './json-in.ts';
import type { RedfishClient } from './redfish-client.ts';
import { busy, oddAnswer, refused } from './trouble.ts';

/** A resource as it was read: where it is, what it says, and the mark that a change of it has to name. */
export interface Looked {
  readonly link: string;
  readonly body: JsonObject;
  readonly etag: string | undefined;
}

export type Look = (link: string) => Promise<Result<Looked>>;

/** An open session with a BMC. */
export interface InSession {
  readonly name: string;
  readonly client: RedfishClient;
  readonly token: string;
  readonly root: JsonObject;
  readonly look: Look;
  readonly clock: Clock;
  readonly signal: AbortSignal;
}

export interface Login {
  readonly name: string;
  readonly user: string;
  readonly password: Secret;
  readonly client: RedfishClient;
  readonly clock: Clock;
  readonly signal: AbortSignal;
}

/**
 * Service root → sessions → login → `work` → logout, whatever happened. Where the BMC forgot the session on the way it has done nothing
 * of what it was asked last, and all of it is begun once more.
 */
export async function inSession<T>(login: Login, work: (session: InSession) => Promise<Result<T>>): Promise<Result<T>> {
  const first = await oneSession(login, work);
  return !first.ok && first.error.code === 'bmc-session-lost' ? oneSession(login, work) : first;
}

async function oneSession<T>(login: Login, work: (session: InSession) => Promise<Result<T>>): Promise<Result<T>> {
  const { name, client, clock, signal } = login;
  const root = await lookAt(client, name, '/redfish/v1/', undefined);
  if (!root.ok) return root;
  const opened = await openSession(login, root.value.body);
  if (!opened.ok) return opened;
  const { token, session } = opened.value;
  try {
    const look: Look = (link) => lookAt(client, name, link, token);
    return await work({ name, client, token, root: root.value.body, look, clock, signal });
  } finally {
    // An answer is not needed: a session that stays ends by itself.
    if (session !== undefined) await client.send('DELETE', session, { token });
  }
}

async function lookAt(
  client: RedfishClient,
  name: string,
  link: string,
  token: string | undefined,
): Promise<Result<Looked>> {
  const answer = await client.send('GET', link, { token });
  if (!answer.ok) return answer;
  const { status, headers, body, flaw, said } = answer.value;
  if (status === 200 && body !== undefined) {
    return ok({ link, body, etag: headers.etag ?? textIn(body, '@odata.etag') });
  }
  if (status === 429 || status === 503) return fail(busy(name, client.where, status, undefined, said));
  const detail = foreignText(`${status} at ${link}: ${said}`, []);
  if (status === 200 && flaw !== undefined) return fail(oddAnswer(name, `sent ${flaw}`, detail));
  return fail(oddAnswer(name, 'did not give what it was asked for', detail));
}

async function openSession(
  { name, user, password, client, signal }: Login,
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
  const body = { UserName: user, Password: password.reveal() };
  const answer = await client.send('POST', sessions, { body, signal });
  if (!answer.ok) return answer;
  const { status, headers, body: session, said } = answer.value;
  const token = headers['x-auth-token'];
  if (status === 400 || status === 401 || status === 403) return fail(refused(name, client.where, user, said));
  if (status === 429 || status === 503) return fail(busy(name, client.where, status, undefined, said));
  if (status >= 300 || token === undefined) return fail(oddAnswer(name, 'opened no session', `${status} ${said}`));
  return ok({ token, session: headers.location ?? textIn(session, '@odata.id') });
}
