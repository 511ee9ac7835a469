import { errors } from 'undici';
import type { Json, JsonObject } from '../../core/json.ts';
import type { Clock } from '../../core/ports.ts';
import { fail, ok, type Result, type Trouble, trouble } from '../../core/result.ts';
import type { Secret } from '../../core/secret.ts';
import { foreignText } from './foreign-text.ts';
import { isObject, objectIn, textIn } from './json-in.ts';
import { CertificateRefused, pinnedAgent } from './pinned-agent.ts';
import { busy, noAnswer, oddAnswer, onlyOldTls, sessionLost, unanswered } from './trouble.ts';

export interface RedfishTarget {
  readonly name: string;
  readonly address: string;
  readonly port: number;
  readonly password: Secret;
  /** `sha256:<hex>` of the DER certificate; undefined: check by the certificate authorities. */
  readonly pin: string | undefined;
  /** TLS 1.0 and weak ciphers are allowed; then only a pin vouches for the BMC. */
  readonly legacy: boolean;
  /** Milliseconds for one answer. */
  readonly patience: number;
  readonly clock: Clock;
}

export interface RedfishAnswer {
  readonly status: number;
  /** By lower-case name. */
  readonly headers: { readonly [name: string]: string };
  readonly body: JsonObject | undefined;
  /** Why there is no body, where something was sent that is none. */
  readonly flaw: string | undefined;
  /** The messages of an error body, in one line fit to be shown. */
  readonly said: string;
}

export interface RedfishClient {
  readonly where: string;
  /** The version of TLS that was agreed on; undefined before the first connection. */
  tls(): string | undefined;
  /**
   * `path` may be a link as the BMC gave it: only its path and query count, so that it never leads to another server; a redirection is
   * not followed. A BMC that says when to come again (429, 503) is asked again then, if that is soon: it has done nothing.
   */
  send(
    method: 'GET' | 'POST' | 'PATCH' | 'DELETE',
    path: string,
    options?: {
      readonly token?: string | undefined;
      readonly body?: JsonObject;
      readonly headers?: { readonly [name: string]: string };
      /** What is asked of the machine, if this changes it: without an answer it is then in doubt. */
      readonly changes?: string;
      /** Ends the waiting for a BMC that is busy. */
      readonly signal?: AbortSignal;
    },
  ): Promise<Result<RedfishAnswer>>;
  close(): Promise<void>;
}

/** Greatest answer taken, in bytes: a ComputerSystem has some 10 KB. */
const largest = 1024 * 1024;
/** How long in all a busy BMC is waited for, in milliseconds, and how often it is asked again. */
const longestRest = 30_000;
const mostRests = 3;

/** Speaks JSON over HTTPS to one BMC, which may be slow, broken or hostile. */
export function redfishClient(target: RedfishTarget): RedfishClient {
  const { name, password, pin, legacy, patience, clock } = target;
  const host = target.address.includes(':') ? `[${target.address}]` : target.address;
  const base = `https://${host}:${target.port}`;
  const where = `${host}:${target.port}`;
  let agreed: string | undefined;
  const agent = pinnedAgent({
    pin,
    legacy,
    limits: { answer: patience, bytes: largest },
    told: (version) => {
      agreed = version;
    },
  });
  const closing = new AbortController();
  type Options = NonNullable<Parameters<RedfishClient['send']>[2]>;
  type Method = Parameters<RedfishClient['send']>[0];

  return {
    where,
    tls: () => agreed,

    async send(method, link, options = {}) {
      const url = URL.canParse(link, base) ? new URL(link, base) : undefined;
      if (url === undefined) return fail(oddAnswer(name, 'gave a link that is none', foreignText(link, [password])));
      const signal = options.signal === undefined ? closing.signal : AbortSignal.any([options.signal, closing.signal]);
      let rested = 0;
      for (let rests = 0; ; rests++) {
        const answer = await once(method, url, options);
        if (!answer.ok) return answer;
        const { status, headers, said } = answer.value;
        if (status >= 300 && status < 400 && status !== 304) return fail(redirected(status, headers.location));
        if (status === 401 && options.token !== undefined) return fail(sessionLost(name, where, said));
        const rest = status === 429 || status === 503 ? retryAfter(headers['retry-after'], clock) : undefined;
        if (rest === undefined) return answer;
        rested += rest;
        if (rests === mostRests || rested > longestRest) return fail(busy(name, where, status, rest, said));
        await clock.sleep(rest, signal).catch(() => undefined);
        if (signal.aborted) return fail(busy(name, where, status, rest, said));
      }
    },

    close: async () => {
      closing.abort();
      await agent.destroy();
    },
  };

  async function once(
    method: Method,
    url: URL,
    { token, body, headers, changes }: Options,
  ): Promise<Result<RedfishAnswer>> {
    let begun = false;
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
      begun = true;
      const text = await response.body.text();
      const parsed = parse(text);
      const type = response.headers['content-type'];
      const flaw = flawOf(text, parsed, typeof type === 'string' ? type : undefined);
      return ok({
        status: response.statusCode,
        headers: Object.fromEntries(
          Object.entries(response.headers).map(([key, value]) => [
            key,
            Array.isArray(value) ? (value[0] ?? '') : (value ?? ''),
          ]),
        ),
        body: flaw === undefined ? parsed : undefined,
        flaw: flaw === undefined ? undefined : foreignText(flaw, [password], 200),
        said: foreignText(messages(parsed) ?? text, [password]),
      });
    } catch (error) {
      return fail(explained(error, changes, begun));
    }
  }

  function redirected(status: number, location: string | undefined): Trouble {
    const to = foreignText(location ?? 'nowhere', [password], 200);
    return trouble(
      'bmc-redirect',
      `the BMC of ${name} at ${where} sends us elsewhere: ${status} to ${to}`,
      'Redirections are not followed, as they could lead anywhere. If that is the BMC’s own address, put its host and port in the host’s "bmc" in the hosts file.',
    );
  }

  function explained(error: unknown, changes: string | undefined, begun: boolean): Trouble {
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
    if (begun) {
      const slow = cause instanceof Error && cause.name === 'TimeoutError';
      const how = slow
        ? `sends its answer too slowly: it was not whole after ${(patience * 2) / 1000} s`
        : 'stopped in the middle of its answer';
      return oddAnswer(name, `at ${where} ${how}`, detail);
    }
    if (!legacy && oldTls.test(`${codeOf(cause)} ${detail}`)) return onlyOldTls(name, where, detail);
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

/** Codes of a handshake that failed because the BMC knows nothing newer. */
const oldTls =
  /UNSUPPORTED_PROTOCOL|TLSV1_ALERT_PROTOCOL_VERSION|PROTOCOL_VERSION|DH_KEY_TOO_SMALL|EE_KEY_TOO_SMALL|CA_MD_TOO_WEAK|WRONG_SIGNATURE_TYPE|NO_PROTOCOLS_AVAILABLE|HANDSHAKE_FAILURE|LEGACY_SIGALG|UNSAFE_LEGACY_RENEGOTIATION/i;

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

/** Why a text that was sent is not the JSON object that it should be. */
function flawOf(text: string, parsed: JsonObject | undefined, type: string | undefined): string | undefined {
  if (text.trim() === '') return undefined;
  if (type !== undefined && !/json/i.test(type)) return `${type.split(';')[0]} instead of JSON`;
  return parsed === undefined ? 'something that is no JSON object, or one that is cut off' : undefined;
}

/** Milliseconds of a Retry-After header (seconds or a date); undefined without one that can be read. */
export function retryAfter(text: string | undefined, clock: Clock): number | undefined {
  if (text === undefined || text.trim() === '') return undefined;
  const seconds = Number(text);
  const ms = Number.isFinite(seconds) ? seconds * 1000 : Date.parse(text) - clock.now().getTime();
  return Number.isFinite(ms) ? Math.max(500, ms) : undefined;
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
