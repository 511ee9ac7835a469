import { createServer, type Server } from 'node:https';
import type { AddressInfo } from 'node:net';
import { afterEach, expect, it } from 'vitest';
import type { Bmc } from '../../../src/core/ports.ts';
import { secret } from '../../../src/core/secret.ts';
import { redfishBmc } from '../../../src/effects/bmc/redfish.ts';
import { selfSigned } from '../../../src/practice/redfish/certificate.ts';
import { testClock } from '../../fakes/test-clock.ts';

/** What a request is answered with; the body is sent as JSON, a string as it is. */
interface Canned {
  readonly status: number;
  readonly headers?: { readonly [name: string]: string };
  readonly body?: unknown;
}

interface Asked {
  readonly line: string;
  readonly headers: { readonly [name: string]: string | readonly string[] | undefined };
}

const system = {
  Id: '1',
  PowerState: 'On',
  UUID: 'A1B2C3D4-0506-4708-890A-0B0C0D0E0F10',
  SerialNumber: ' S1 ',
  '@odata.etag': 'W/"7"',
  Actions: { '#ComputerSystem.Reset': { target: '/reset' } },
};

/** The plain BMC that each test makes odd in one place. */
const plain: { readonly [line: string]: Canned } = {
  'GET /redfish/v1/': {
    status: 200,
    body: { Systems: { '@odata.id': '/systems' }, Links: { Sessions: { '@odata.id': '/sessions' } } },
  },
  'POST /sessions': { status: 201, headers: { Location: '/sessions/1', 'X-Auth-Token': 'T' }, body: {} },
  'DELETE /sessions/1': { status: 204 },
  'GET /systems': { status: 200, body: { Members: [{ '@odata.id': '/systems/1' }] } },
  'GET /systems/1': { status: 200, body: system },
  'POST /reset': { status: 204 },
};

const never = new AbortController().signal;
const open: { stop(): Promise<void> }[] = [];
afterEach(async () => {
  for (const one of open.splice(0).reverse()) await one.stop();
});

type Odd = { readonly [line: string]: Canned | ((asked: Asked) => Canned) };

async function oddBmc(odd: Odd): Promise<{ readonly bmc: Bmc; readonly asked: readonly Asked[] }> {
  const { cert, key, pin } = await selfSigned('127.0.0.1');
  const asked: Asked[] = [];
  const server: Server = createServer({ cert, key }, (request, response) => {
    const one = { line: `${request.method} ${request.url}`, headers: request.headers };
    asked.push(one);
    const found = odd[one.line] ?? plain[one.line] ?? { status: 404 };
    const { status, headers, body } = typeof found === 'function' ? found(one) : found;
    response.writeHead(status, headers);
    response.end(body === undefined ? undefined : typeof body === 'string' ? body : JSON.stringify(body));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const bmc = redfishBmc({
    name: 'web01',
    address: '127.0.0.1',
    port: (server.address() as AddressInfo).port,
    user: 'admin',
    password: secret('correct-horse'),
    pin,
    clock: testClock,
    patience: 60_000,
  });
  open.push({
    stop: async () => {
      await bmc.close();
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  });
  return { bmc, asked };
}

const lines = (asked: readonly Asked[]) => asked.map((each) => each.line);

it('reads a UUID in capitals and a serial between spaces', async () => {
  const { bmc } = await oddBmc({});
  expect(await bmc.identity()).toMatchObject({
    value: {
      guid: { value: 'a1b2c3d4-0506-4708-890a-0b0c0d0e0f10' },
      guid_swapped: { value: 'd4c3b2a1-0605-0847-890a-0b0c0d0e0f10' },
      serial: { value: 'S1' },
    },
  });
});

it('never follows a link to another server', async () => {
  const { bmc, asked } = await oddBmc({
    'POST /sessions': {
      status: 201,
      headers: { Location: 'https://192.0.2.1/sessions/1', 'X-Auth-Token': 'T' },
      body: {},
    },
    'GET /systems': { status: 200, body: { Members: [{ '@odata.id': '//192.0.2.1/systems/1' }] } },
  });
  expect(await bmc.power()).toEqual({ known: true, value: 'on' });
  expect(lines(asked).slice(-2)).toEqual(['GET /systems/1', 'DELETE /sessions/1']);
});

it('repeats a reset with If-Match when the BMC answers 428, and only then', async () => {
  const { bmc, asked } = await oddBmc({
    'POST /reset': ({ headers }) => ({ status: headers['if-match'] === 'W/"7"' ? 204 : 428 }),
  });
  expect(await bmc.setPower('off', 'hard', never)).toEqual({ ok: true, value: undefined });
  const resets = asked.filter((each) => each.line === 'POST /reset');
  expect(resets.map((each) => each.headers['if-match'])).toEqual([undefined, 'W/"7"']);
});

it('takes an answer that is too long for doubt, if it is the answer to a reset', async () => {
  const { bmc } = await oddBmc({ 'POST /reset': { status: 200, body: ' '.repeat(2_000_000) } });
  expect(await bmc.setPower('off', 'hard', never)).toMatchObject({ error: { code: 'bmc-unanswered' } });
});

it('takes a server error after a reset for doubt, and a service that is unavailable for a refusal', async () => {
  const doubt = await oddBmc({ 'POST /reset': { status: 500, body: 'oops' } });
  expect(await doubt.bmc.setPower('off', 'hard', never)).toMatchObject({ error: { code: 'bmc-unanswered' } });
  const refusal = await oddBmc({ 'POST /reset': { status: 503 } });
  expect(await refusal.bmc.setPower('off', 'hard', never)).toMatchObject({ error: { code: 'bmc-declined' } });
});

it('follows a task by its own resource where there is no monitor, and waits as long as it is told', async () => {
  let looks = 0;
  const { bmc, asked } = await oddBmc({
    'POST /reset': { status: 202, body: { '@odata.id': '/tasks/1', TaskState: 'New' } },
    'GET /tasks/1': () => ({
      status: 200,
      headers: { 'Retry-After': '3' },
      body: { TaskState: ++looks < 3 ? 'Running' : 'Completed' },
    }),
  });
  const began = testClock.monotonic();
  expect(await bmc.setPower('off', 'soft', never)).toEqual({ ok: true, value: undefined });
  expect(testClock.monotonic() - began).toBeGreaterThanOrEqual(7000);
  expect(lines(asked).filter((line) => line === 'GET /tasks/1')).toHaveLength(3);
});

it('holds a reset that was accepted for accepted, even if its task cannot be asked or never ends', async () => {
  const lost = await oddBmc({ 'POST /reset': { status: 202, headers: { Location: '/tasks/gone' } } });
  expect(await lost.bmc.setPower('off', 'soft', never)).toEqual({ ok: true, value: undefined });
  const endless = await oddBmc({
    'POST /reset': { status: 202, headers: { Location: '/tasks/1' } },
    'GET /tasks/1': { status: 202, headers: { 'Retry-After': 'never mind' } },
  });
  expect(await endless.bmc.setPower('off', 'soft', never)).toEqual({ ok: true, value: undefined });
});

it('looks through all pages of systems before it says that there is one', async () => {
  const { bmc } = await oddBmc({
    'GET /systems': {
      status: 200,
      body: { Members: [{ '@odata.id': '/systems/1' }], 'Members@odata.nextLink': '/systems?page=2' },
    },
    'GET /systems?page=2': { status: 200, body: { Members: [{ '@odata.id': '/systems/2' }] } },
    'GET /systems/2': { status: 200, body: { ...system, Id: '2' } },
  });
  expect(await bmc.power()).toMatchObject({
    trouble: { code: 'bmc-several-systems', what: 'the BMC of web01 manages 2 systems: 1, 2' },
  });
});

it('comes to an end with pages that go round in a circle', async () => {
  const { bmc } = await oddBmc({
    'GET /systems': { status: 200, body: { Members: [], 'Members@odata.nextLink': '/systems' } },
  });
  expect(await bmc.power()).toMatchObject({ known: false, trouble: { code: 'bmc-odd-answer' } });
});

it('knows no power state from a system that names none, or one that nobody knows', async () => {
  for (const PowerState of [undefined, null, '', 'off', 'Unplugged', 0]) {
    const { bmc } = await oddBmc({ 'GET /systems/1': { status: 200, body: { ...system, PowerState } } });
    expect(await bmc.power()).toMatchObject({ known: false, trouble: { code: 'bmc-odd-answer' } });
  }
});

it('makes sense of no answer that is not an object', async () => {
  for (const body of ['', 'null', '[]', '<html>', '"x"', '['.repeat(200_000)]) {
    const { bmc } = await oddBmc({ 'GET /systems/1': { status: 200, body } });
    expect(await bmc.power()).toMatchObject({ known: false, trouble: { code: 'bmc-odd-answer' } });
  }
});

it('does not repeat the password that an error body holds, and writes its control characters out', async () => {
  const { bmc } = await oddBmc({
    'POST /sessions': {
      status: 401,
      body: {
        error: {
          '@Message.ExtendedInfo': [{ Message: 'no: admin/correct-horse\u001b[2J' }, { Message: 'Try again.' }],
        },
      },
    },
  });
  const answer = await bmc.power();
  expect(answer).toMatchObject({ trouble: { code: 'bmc-refused', detail: 'no: admin/[redacted]\\x1b[2J Try again.' } });
});

it('says that what answers is no Redfish service', async () => {
  const { bmc } = await oddBmc({ 'GET /redfish/v1/': { status: 200, body: { hello: 'world' } } });
  expect(await bmc.power()).toMatchObject({
    trouble: { code: 'bmc-odd-answer', what: expect.stringContaining('is no Redfish service') },
  });
});

it('ends its session when the system could not be read', async () => {
  const { bmc, asked } = await oddBmc({ 'GET /systems/1': { status: 500 } });
  expect(await bmc.power()).toMatchObject({ known: false });
  expect(lines(asked).at(-1)).toBe('DELETE /sessions/1');
});
