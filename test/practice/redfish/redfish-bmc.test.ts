import { createHash, randomBytes } from 'node:crypto';
import { request } from 'node:https';
import type { TLSSocket } from 'node:tls';
import { afterEach, beforeEach, expect, it } from 'vitest';
import type { RedfishFaults } from '../../../src/practice/redfish/options.ts';
import { type RedfishBmc, startRedfishBmc } from '../../../src/practice/redfish/redfish-bmc.ts';

let bmc: RedfishBmc;
let power: 'on' | 'off';
const faults: RedfishFaults = {};

beforeEach(async () => {
  power = 'on';
  for (const key of Object.keys(faults)) Reflect.deleteProperty(faults, key);
  bmc = await startRedfishBmc({
    serial: '0012345',
    uuid: 'a1b2c3d4-0506-4708-890a-0b0c0d0e0f10',
    user: 'admin',
    password: 'correct-horse',
    faults,
    power: {
      get: async () => power,
      set: async (want) => {
        power = want;
      },
    },
  });
});
afterEach(() => bmc.close());

interface Told {
  readonly status: number;
  readonly headers: { readonly [name: string]: string | readonly string[] | undefined };
  readonly text: string;
  readonly fingerprint: string;
}

/** One request by Node's own client, which shares nothing with the adapter. */
function ask(
  method: string,
  path: string,
  headers: { readonly [name: string]: string } = {},
  body?: string,
): Promise<Told> {
  return new Promise((resolve, reject) => {
    const call = request(
      `${bmc.url}${path}`,
      { method, headers, rejectUnauthorized: false, agent: false },
      (response) => {
        const der = (response.socket as TLSSocket).getPeerCertificate().raw;
        const chunks: Buffer[] = [];
        response.on('data', (chunk: Buffer) => chunks.push(chunk));
        response.on('end', () =>
          resolve({
            status: response.statusCode ?? 0,
            headers: response.headers,
            text: Buffer.concat(chunks).toString('utf8'),
            fingerprint: `sha256:${createHash('sha256').update(der).digest('hex')}`,
          }),
        );
      },
    );
    call.on('error', reject);
    call.end(body);
  });
}

const json = { 'content-type': 'application/json' };
const at = (told: Told, ...keys: readonly string[]): string => {
  let value: unknown = JSON.parse(told.text);
  for (const key of keys) value = (value as { readonly [key: string]: unknown })[key];
  return String(value);
};

async function login(): Promise<{ readonly token: string; readonly session: string; readonly sessions: string }> {
  const sessions = at(await ask('GET', '/redfish/v1/'), 'Links', 'Sessions', '@odata.id');
  const told = await ask('POST', sessions, json, '{"UserName":"admin","Password":"correct-horse"}');
  return { token: String(told.headers['x-auth-token']), session: String(told.headers.location), sessions };
}

async function system(token: string): Promise<{ readonly path: string; readonly told: Told; readonly reset: string }> {
  const headers = { 'x-auth-token': token };
  const systems = at(await ask('GET', '/redfish/v1/'), 'Systems', '@odata.id');
  const path = at(await ask('GET', systems, headers), 'Members', '0', '@odata.id');
  const told = await ask('GET', path, headers);
  return { path, told, reset: at(told, 'Actions', '#ComputerSystem.Reset', 'target') };
}

it('gives the service root to all, and nothing else', async () => {
  const root = await ask('GET', '/redfish/v1/');
  expect(root).toMatchObject({ status: 200, headers: { 'odata-version': '4.0', allow: 'GET, HEAD' } });
  expect(at(await ask('GET', '/redfish'), 'v1')).toBe('/redfish/v1/');
  const systems = at(root, 'Systems', '@odata.id');
  for (const [method, path] of [
    ['GET', systems],
    ['HEAD', systems],
    ['GET', '/redfish/v1/Systems'],
    ['GET', at(root, 'Links', 'Sessions', '@odata.id')],
    ['DELETE', '/redfish/v1/'],
  ] as const) {
    expect(await ask(method, path), `${method} ${path}`).toMatchObject({ status: 401 });
  }
  expect(await ask('GET', systems, { 'x-auth-token': randomBytes(24).toString('base64url') })).toMatchObject({
    status: 401,
  });
});

it('shows the certificate whose pin it names', async () => {
  expect((await ask('GET', '/redfish/v1/')).fingerprint).toBe(bmc.pin);
});

it('opens a session for the right password, and ends it on DELETE', async () => {
  const { token, session, sessions } = await login();
  expect(bmc.sessions()).toBe(1);
  expect(await ask('GET', session, { 'x-auth-token': token })).toMatchObject({ status: 200 });
  expect(await ask('DELETE', session, { 'x-auth-token': token })).toMatchObject({ status: 204, text: '' });
  expect(bmc.sessions()).toBe(0);
  expect(await ask('GET', sessions, { 'x-auth-token': token })).toMatchObject({ status: 401 });
});

it('refuses a wrong password, and bodies that are not exactly a login', async () => {
  const { sessions, session, token } = await login();
  await ask('DELETE', session, { 'x-auth-token': token });
  for (const [status, body] of [
    [401, '{"UserName":"admin","Password":"wrong"}'],
    [401, '{"UserName":"root","Password":"correct-horse"}'],
    [400, '{"UserName":"admin"}'],
    [400, '{"UserName":"admin","Password":["correct-horse"]}'],
    [400, '{"UserName":"admin","Password":"correct-horse","Extra":1}'],
    [400, '{"UserName":"admin",'],
    [400, '[]'],
    [413, `{"UserName":"${'x'.repeat(70_000)}"}`],
  ] as const) {
    const told = await ask('POST', sessions, json, body);
    expect(told.status, body.slice(0, 60)).toBe(status);
    expect(told.text).toContain('@Message.ExtendedInfo');
  }
  expect(bmc.sessions()).toBe(0);
});

it('lets a session end that nobody uses', async () => {
  faults.sessionLasts = 0;
  const { token, sessions } = await login();
  expect(await ask('GET', sessions, { 'x-auth-token': token })).toMatchObject({ status: 401 });
});

it('opens eight sessions at most', async () => {
  for (let n = 0; n < 8; n++) await login();
  const sessions = at(await ask('GET', '/redfish/v1/'), 'Links', 'Sessions', '@odata.id');
  const told = await ask('POST', sessions, json, '{"UserName":"admin","Password":"correct-horse"}');
  expect(told).toMatchObject({ status: 503, headers: { 'retry-after': '30' } });
  expect(told.text).toContain('SessionLimitExceeded');
});

it('draws its URIs anew each time, so that nobody can guess them', async () => {
  const first = at(await ask('GET', '/redfish/v1/'), 'Systems', '@odata.id');
  await bmc.close();
  bmc = await startRedfishBmc({
    serial: '1',
    uuid: 'a1b2c3d4-0506-4708-890a-0b0c0d0e0f10',
    user: 'u',
    password: 'p',
    power: { get: async () => 'on', set: async () => undefined },
  });
  expect(at(await ask('GET', '/redfish/v1/'), 'Systems', '@odata.id')).not.toBe(first);
});

it('wants JSON, and gives nothing but JSON', async () => {
  const { token } = await login();
  const { reset, path } = await system(token);
  const mine = { 'x-auth-token': token };
  const body = '{"ResetType":"ForceOff"}';
  expect(await ask('POST', reset, mine, body)).toMatchObject({ status: 415 });
  expect(await ask('POST', reset, { ...mine, 'content-type': 'text/plain' }, body)).toMatchObject({ status: 415 });
  expect(await ask('GET', path, { ...mine, accept: 'text/html' })).toMatchObject({ status: 406 });
  expect(await ask('GET', path, { ...mine, 'odata-version': '3.0' })).toMatchObject({ status: 412 });
  expect(await ask('GET', `${path}?$select=Id`, mine)).toMatchObject({ status: 501 });
  expect(power).toBe('on');
});

it('answers other methods with what is allowed, and unknown URIs with 404', async () => {
  const { token } = await login();
  const { reset, path } = await system(token);
  const mine = { 'x-auth-token': token };
  expect(await ask('DELETE', path, mine)).toMatchObject({ status: 405, headers: { allow: 'GET, HEAD, PATCH' } });
  expect(await ask('GET', reset, mine)).toMatchObject({ status: 405, headers: { allow: 'POST' } });
  expect(await ask('GET', `${path}/nothing`, mine)).toMatchObject({ status: 404 });
  const head = await ask('HEAD', path, mine);
  expect(head).toMatchObject({ status: 200, text: '' });
  expect(head.headers.etag).toBe((await ask('GET', path, mine)).headers.etag);
});

it('takes a PATCH only for the resource as it is now', async () => {
  const { token } = await login();
  const { path, told } = await system(token);
  const mine = { ...json, 'x-auth-token': token };
  const tag = String(told.headers.etag);
  expect(at(told, '@odata.etag')).toBe(tag);
  expect(await ask('GET', path, { ...mine, 'if-none-match': tag })).toMatchObject({ status: 304, text: '' });
  const body = '{"AssetTag":"A-1"}';
  expect(await ask('PATCH', path, mine, body)).toMatchObject({ status: 428 });
  expect(await ask('PATCH', path, { ...mine, 'if-match': '"other"' }, body)).toMatchObject({ status: 412 });
  expect(await ask('PATCH', path, { ...mine, 'if-match': tag }, '{"SerialNumber":"1"}')).toMatchObject({ status: 400 });
  const changed = await ask('PATCH', path, { ...mine, 'if-match': tag }, body);
  expect(changed).toMatchObject({ status: 200 });
  expect(at(changed, 'AssetTag')).toBe('A-1');
  expect(await ask('PATCH', path, { ...mine, 'if-match': tag }, body)).toMatchObject({ status: 412 });
});

it('accepts a reset with 202 and a monitor that tells the end once', async () => {
  const { token } = await login();
  const { reset } = await system(token);
  const mine = { ...json, 'x-auth-token': token };
  const told = await ask('POST', reset, mine, '{"ResetType":"GracefulShutdown"}');
  expect(told).toMatchObject({ status: 202, headers: { 'retry-after': '1' } });
  const monitor = String(told.headers.location);
  expect(await ask('GET', monitor)).toMatchObject({ status: 401 });
  expect(await ask('GET', monitor, mine)).toMatchObject({ status: 204 });
  expect(await ask('GET', monitor, mine)).toMatchObject({ status: 404 });
  expect(at(await ask('GET', at(told, '@odata.id'), mine), 'TaskState')).toBe('Completed');
  expect(power).toBe('off');
});

it('declines reset types that it does not allow, and says why', async () => {
  faults.onlyForceOff = true;
  const { token } = await login();
  const { reset, told: before } = await system(token);
  expect(before.text).toContain('"ResetType@Redfish.AllowableValues":["ForceOff"]');
  const mine = { ...json, 'x-auth-token': token };
  for (const type of ['GracefulShutdown', 'forceoff', 'Nmi', '']) {
    const told = await ask('POST', reset, mine, JSON.stringify({ ResetType: type }));
    expect(told.status).toBe(400);
    expect(told.text).toContain('Base.1.18.ActionParameterValueNotInList');
  }
  expect(await ask('POST', reset, mine, '{}')).toMatchObject({ status: 400 });
  expect(power).toBe('on');
});
