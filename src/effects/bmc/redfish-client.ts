import { errors } from 'undici';
import type { Json, JsonObject } from '../../core/json.ts';
import { fail, ok, type Result, type Trouble, trouble } from '../../core/result.ts';
import type { Secret } from '../../core/secret.ts';
import { foreignText } from './foreign-text.ts';
import { CertificateRefused, pinnedAgent } from './pinned-agent.ts';
import { noAnswer, oddAnswer, unanswered } from './trouble.ts';

export interface RedfishTarget {
  readonly name: string;
  readonly address: string;
  readonly port: number;
  readonly password: Secret;
  /** `sha256:<hex>` of the DER certificate; undefined: check by the certificate authorities. */
  readonly pin: string | undefined;
  /** Milliseconds for one answer. */
  readonly patience: number;
}

export interface RedfishAnswer {
  readonly status: number;
  /** By lower-case name. */
  readonly headers: { readonly [name: string]: string };
  readonly body: JsonObject | undefined;
  /** The messages of an error body, in one line fit to be shown. */
  readonly said: string;
}

export interface RedfishClient {
  readonly where: string;
  /** `path` may be a link as the BMC gave it: only its path and query count, so that it never leads to another server. */
  send(
    method: 'GET' | 'POST' | 'DELETE',
    path: string,
    options?: {
      readonly token?: string | undefined;
      readonly body?: JsonObject;
      readonly headers?: { readonly [name: string]: string };
      /** What is asked of the machine, if this changes it: without an answer it is then in doubt. */
      readonly changes?: string;
    },
  ): Promise<Result<RedfishAnswer>>;
  close(): Promise<void>;
}

/** Greatest answer taken, in bytes: a ComputerSystem has some 10 KB. */
const largest = 1024 * 1024;

/** Speaks JSON over HTTPS to one BMC, which may be slow, broken or hostile. */
export function redfishClient(target: RedfishTarget): RedfishClient {
  const { name, password, pin, patience } = target;
  const host = target.address.includes(':') ? `[${target.address}]` : target.address;
  const base = `https://${host}:${target.port}`;
  const where = `${host}:${target.port}`;
  const agent = pinnedAgent(pin, { answer: patience, bytes: largest });

  return {
    where,

    async send(method, link, { token, body, headers, changes } = {}) {
      const url = URL.canParse(link, base) ? new URL(link, base) : undefined;
      if (url === undefined) return fail(oddAnswer(name, 'gave a link that is none', foreignText(link, [password])));
      try {
        const response = await agent.request({
          origin: base,
          method,
          path: `${url.pathname}${url.search}`,
          // The time for one part of an answer is the agent's; this one ends an answer that drips.
          signal: AbortSignal.timeout(patience * 2),
          headers: {
            accept: 'application/json',
            'odata-version': '4.0',
            ...(token === undefined ? {} : { 'x-auth-token': token }),
            ...(body === undefined ? {} : { 'content-type': 'application/json' }),
            ...headers,
          },
          ...(body === undefined ? {} : { body: JSON.stringify(body) }),
        });
        const text = await response.body.text();
        const parsed = parse(text);
        return ok({
          status: response.statusCode,
          headers: Object.fromEntries(
            Object.entries(response.headers).map(([key, value]) => [
              key,
              Array.isArray(value) ? (value[0] ?? '') : (value ?? ''),
            ]),
          ),
          body: parsed,
          said: foreignText(messages(parsed) ?? text, [password]),
        });
      } catch (error) {
        return fail(explained(error, changes));
      }
    },

    close: () => agent.destroy(),
  };

  function explained(error: unknown, changes: string | undefined): Trouble {
    const cause = innermost(error);
    if (cause instanceof CertificateRefused) return certificate(cause);
    const detail = foreignText(cause instanceof Error ? `${codeOf(cause)} ${cause.message}` : String(cause), [
      password,
    ]);
    const unsent = cause instanceof errors.ConnectTimeoutError || unconnected.has(codeOf(cause));
    if (changes !== undefined && !unsent) return unanswered(name, changes, detail);
    if (cause instanceof errors.ResponseExceededMaxSizeError) {
      return oddAnswer(name, `sent more than ${largest} bytes from ${where}`, detail);
    }
    if (notTls.test(codeOf(cause))) return oddAnswer(name, `does not speak HTTPS at ${where}`, detail);
    return noAnswer(name, where, detail);
  }

  function certificate({ shown, message }: CertificateRefused): Trouble {
    if (pin === undefined) {
      return trouble(
        'bmc-certificate',
        `the certificate of ${name}'s BMC at ${where} cannot be verified (${foreignText(message, [])}); it is ${shown}`,
        `Compare that fingerprint with what the BMC itself shows; if they are equal, put tls_pin: "${shown}" in the host's "bmc" in the hosts file, or give "host add" --bmc-tls-pin ${shown}.`,
      );
    }
    return trouble(
      'bmc-certificate',
      `the BMC of ${name} at ${where} shows the certificate ${shown}, and ${pin} is pinned`,
      'If its certificate was renewed, compare the new fingerprint with what the BMC itself shows, then correct tls_pin in the hosts file. If not, something else answers in its place.',
    );
  }
}

/** Codes of a connection that never came about: nothing was sent. */
const unconnected = new Set([
  ...['ECONNREFUSED', 'EHOSTUNREACH', 'ENETUNREACH', 'EHOSTDOWN', 'EADDRNOTAVAIL'],
  ...['ENOTFOUND', 'EAI_AGAIN'],
]);

/** Codes of a handshake that could not be. */
const notTls = /^(EPROTO|ERR_SSL_.*|ERR_TLS_.*)$/;

const codeOf = (error: unknown): string =>
  error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : '';

function innermost(error: unknown): unknown {
  let inner = error;
  for (let depth = 0; depth < 5 && inner instanceof Error && inner.cause !== undefined; depth++) inner = inner.cause;
  if (inner instanceof AggregateError) return inner.errors[0] ?? inner;
  return inner;
}

function parse(text: string): JsonObject | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return isObject(value) ? value : undefined;
  } catch {
    return undefined;
  }
}

/** The texts of `@Message.ExtendedInfo`, or else the error's own. */
function messages(body: JsonObject | undefined): string | undefined {
  const error = objectIn(body, 'error') ?? body;
  const infos = error?.['@Message.ExtendedInfo'];
  const texts = (Array.isArray(infos) ? infos : []).map((info: Json) =>
    textIn(isObject(info) ? info : undefined, 'Message'),
  );
  const all = texts.filter((text) => text !== undefined);
  return all.length > 0 ? all.join(' ') : textIn(error, 'message');
}

export const isObject = (value: unknown): value is JsonObject =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** A member of an object that is an object itself. */
export function objectIn(body: JsonObject | undefined, key: string): JsonObject | undefined {
  const value = body?.[key];
  return isObject(value) ? value : undefined;
}

/** A member that is a text and not empty. */
export function textIn(body: JsonObject | undefined, key: string): string | undefined {
  const value = body?.[key];
  return typeof value === 'string' && value !== '' ? value : undefined;
}

/** The link in `{ "@odata.id": … }` under a key. */
export const linkIn = (body: JsonObject | undefined, key: string): string | undefined =>
  textIn(objectIn(body, key), '@odata.id');

/** The members of a list that are objects. */
export function objectsIn(body: JsonObject | undefined, key: string): readonly JsonObject[] {
  const value = body?.[key];
  return Array.isArray(value) ? value.filter(isObject) : [];
}
