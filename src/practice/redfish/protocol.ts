import { createHash } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { JsonObject } from '../../core/json.ts';
import { type Reply, refusal } from './reply.ts';

/** What a URI holds. A method that is absent is answered with 405. */
export interface Resource {
  /** May be read or posted to without a session. */
  readonly open?: 'get' | 'post';
  readonly get?: () => Promise<Reply>;
  /** The properties that a PATCH may set; If-Match is required. */
  readonly patch?: (changes: JsonObject) => Promise<Reply>;
  /** Somebody else's change, just before a PATCH of ours arrives. */
  readonly meanwhile?: () => void;
  readonly post?: (body: JsonObject) => Promise<Reply>;
  readonly delete?: () => Promise<Reply>;
}

const largestBody = 64 * 1024;

/**
 * Answers one request by the rules of DSP0266: session first, then URI, method, headers, body; `find` gives the resource of a path,
 * `authorised` tells whether a token is good.
 */
export async function answer(
  request: IncomingMessage,
  find: (path: string) => Resource | undefined,
  authorised: (token: string | undefined) => boolean,
): Promise<Reply> {
  const method = request.method ?? '';
  const url = new URL(request.url ?? '/', 'https://bmc.invalid');
  const resource = find(url.pathname);
  const token = request.headers['x-auth-token'];
  const open = resource?.open !== undefined && (method.toLowerCase() === resource.open || method === 'HEAD');
  if (!open && !authorised(typeof token === 'string' ? token : undefined)) {
    return refusal(401, 'NoValidSession', 'There is no valid session established with the implementation.', {
      resolution: 'Establish a session before attempting any operations.',
    });
  }
  if (resource === undefined) {
    return refusal(404, 'ResourceMissingAtURI', `The resource at the URI ${url.pathname} was not found.`);
  }
  const version = request.headers['odata-version'];
  if (version !== undefined && version !== '4.0') {
    return refusal(412, 'PreconditionFailed', `The OData-Version ${String(version)} is not supported.`);
  }
  if ([...url.searchParams.keys()].some((name) => name.startsWith('$'))) {
    return refusal(501, 'QueryNotSupported', 'Querying is not supported by the implementation.');
  }
  if (!/(^|[\s,])(\*\/\*|application\/(\*|json))/.test(request.headers.accept ?? '*/*')) {
    return refusal(406, 'NotAcceptable', 'Only application/json is given.');
  }
  const dressed = async (reply: Promise<Reply>): Promise<Reply> => {
    const { headers, ...rest } = await reply;
    return { ...rest, headers: { ...headers, Allow: allowed(resource) } };
  };
  if ((method === 'GET' || method === 'HEAD') && resource.get !== undefined) {
    return dressed(conditional(request, resource.get()));
  }
  if (method === 'POST' && resource.post !== undefined) {
    const body = await readBody(request);
    return 'status' in body ? body : dressed(resource.post(body.value));
  }
  if (method === 'PATCH' && resource.patch !== undefined && resource.get !== undefined) {
    const body = await readBody(request);
    if ('status' in body) return body;
    const match = request.headers['if-match'];
    if (match === undefined) {
      return refusal(428, 'PreconditionRequired', 'A precondition header or annotation is required.', {
        resolution: 'Send the ETag of the resource in If-Match.',
      });
    }
    resource.meanwhile?.();
    const current = await resource.get();
    if (match !== '*' && match !== etag(current.body)) {
      return refusal(412, 'PreconditionFailed', 'The ETag supplied did not match the ETag of the current resource.');
    }
    return dressed(conditional(request, resource.patch(body.value)));
  }
  if (method === 'DELETE' && resource.delete !== undefined) return dressed(resource.delete());
  return refusal(405, 'OperationNotAllowed', `The HTTP method ${method} is not allowed on this resource.`, {
    headers: { Allow: allowed(resource) },
  });
}

/** Writes a reply; HEAD gets the headers alone. */
export function send(response: ServerResponse, method: string | undefined, { status, headers, body }: Reply): void {
  const text = body === undefined ? undefined : JSON.stringify(body);
  response.writeHead(status, {
    'OData-Version': '4.0',
    'Cache-Control': 'no-cache',
    ...headers,
    ...(text === undefined
      ? { 'Content-Length': '0' }
      : { 'Content-Type': 'application/json;charset=utf-8', 'Content-Length': String(Buffer.byteLength(text)) }),
  });
  response.end(method === 'HEAD' ? undefined : text);
}

const allowed = (resource: Resource): string =>
  [
    ...(resource.get === undefined ? [] : ['GET', 'HEAD']),
    ...(resource.patch === undefined ? [] : ['PATCH']),
    ...(resource.post === undefined ? [] : ['POST']),
    ...(resource.delete === undefined ? [] : ['DELETE']),
  ].join(', ');

const etag = (body: JsonObject | undefined): string =>
  `"${createHash('sha256')
    .update(JSON.stringify(body ?? null))
    .digest('hex')
    .slice(0, 20)}"`;

/** Stamps a resource with its ETag; one that the client has already is not sent again. */
async function conditional(request: IncomingMessage, asked: Promise<Reply>): Promise<Reply> {
  const reply = await asked;
  if (reply.status !== 200) return reply;
  const tag = etag(reply.body);
  const headers = { ...reply.headers, ETag: tag };
  if (request.headers['if-none-match'] === tag) return { status: 304, headers };
  return { ...reply, headers, body: { ...reply.body, '@odata.etag': tag } };
}

async function readBody(request: IncomingMessage): Promise<{ readonly value: JsonObject } | Reply> {
  if (!/^application\/json\s*(;\s*charset=utf-8\s*)?$/i.test(request.headers['content-type'] ?? '')) {
    return refusal(415, 'UnsupportedMediaType', 'The Content-Type has to be application/json.');
  }
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    size += chunk.length;
    if (size > largestBody) return refusal(413, 'PayloadTooLarge', 'The supplied payload is too large.');
    chunks.push(chunk);
  }
  try {
    const value: unknown = JSON.parse(Buffer.concat(chunks).toString('utf8'));
    if (isObject(value)) return { value };
  } catch {
    // Said below, with all that is not an object.
  }
  return refusal(400, 'MalformedJSON', 'The request body submitted was malformed JSON and could not be parsed.');
}

const isObject = (value: unknown): value is JsonObject =>
  typeof value === 'object' && value !== null && !Array.isArray(value);
