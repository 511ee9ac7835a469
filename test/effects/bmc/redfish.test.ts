import type { AddressInfo } from 'node:net';
import { createServer, type Server } from 'node:net';
import { afterEach, expect, it } from 'vitest';
import { type RedfishWorld, redfishWorld } from './redfish-world.ts';

const never = new AbortController().signal;
const open: { stop(): Promise<void> }[] = [];
afterEach(async () => {
  for (const one of open.splice(0).reverse()) await one.stop();
});

async function world(options?: Parameters<typeof redfishWorld>[0]): Promise<RedfishWorld> {
  const made = await redfishWorld(options);
  open.push(made);
  return made;
}

function client(of: RedfishWorld, options?: Parameters<RedfishWorld['bmc']>[0]) {
  const bmc = of.bmc(options);
  open.push({ stop: () => bmc.close() });
  return bmc;
}

it('shows both fingerprints when the certificate is not the pinned one, and sends no password', async () => {
  const machine = await world();
  const pin = `sha256:${'0'.repeat(64)}`;
  const answer = await client(machine, { pin }).power();
  expect(answer).toEqual({
    known: false,
    trouble: {
      code: 'bmc-certificate',
      what: `the BMC of web01 at 127.0.0.1:${machine.service.port} shows the certificate ${machine.service.pin}, and ${pin} is pinned`,
      fix: 'If its certificate was renewed, compare the new fingerprint with what the BMC itself shows, then correct tls_pin in the hosts file. If not, something else answers in its place.',
    },
  });
  expect(machine.service.requests()).toBe(0);
});

it('takes no self-signed certificate without a pin, and says what to pin', async () => {
  const machine = await world();
  const answer = await client(machine, { pin: undefined }).setPower('off', 'hard', never);
  expect(answer).toMatchObject({ ok: false, error: { code: 'bmc-certificate' } });
  expect(JSON.stringify(answer)).toContain(machine.service.pin);
  expect(JSON.stringify(answer)).toContain('DEPTH_ZERO_SELF_SIGNED_CERT');
  expect(machine.service.requests()).toBe(0);
});

it('takes no self-signed certificate without a pin, even where the environment turns checks off for all', async () => {
  const before = process.env.NODE_TLS_REJECT_UNAUTHORIZED;
  process.env.NODE_TLS_REJECT_UNAUTHORIZED = '0';
  try {
    const answer = await client(await world(), { pin: undefined }).power();
    expect(answer).toMatchObject({ known: false, trouble: { code: 'bmc-certificate' } });
  } finally {
    if (before === undefined) delete process.env.NODE_TLS_REJECT_UNAUTHORIZED;
    else process.env.NODE_TLS_REJECT_UNAUTHORIZED = before;
  }
});

it('takes a pin written in capitals', async () => {
  const machine = await world();
  const pin = `sha256:${machine.service.pin.slice(7).toUpperCase()}`;
  expect(await client(machine, { pin }).power()).toEqual({ known: true, value: 'on' });
});

it('leaves no session behind, whether a call succeeds or fails', async () => {
  const machine = await world({ onlyForceOff: true });
  const bmc = client(machine);
  await bmc.power();
  await bmc.identity();
  await bmc.setPower('off', 'soft', never);
  await bmc.setPower('off', 'hard', never);
  expect(machine.service.sessions()).toBe(0);
});

it('names what is allowed when a soft power-off is not', async () => {
  for (const allowable of ['inline', 'action-info'] as const) {
    const machine = await world({ onlyForceOff: true, allowable });
    expect(await client(machine).setPower('off', 'soft', never)).toEqual({
      ok: false,
      error: {
        code: 'bmc-not-allowed',
        what: 'the BMC of web01 does not offer GracefulShutdown; it offers ForceOff',
        fix: 'Shut the operating system down over SSH, or let the runbook cut the power (hard).',
      },
    });
    expect(await machine.touched()).toBe(0);
  }
});

it('shows what the BMC says when it declines a reset whose allowed types it did not name', async () => {
  const answer = await client(await world({ onlyForceOff: true, allowable: 'none' })).setPower('off', 'soft', never);
  expect(answer).toMatchObject({ ok: false, error: { code: 'bmc-declined' } });
  expect(JSON.stringify(answer)).toContain('is not in the list of acceptable values');
});

it('switches off by an ActionInfo that allows it', async () => {
  const machine = await world({ allowable: 'action-info' });
  expect(await client(machine).setPower('off', 'soft', never)).toEqual({ ok: true, value: undefined });
  expect(await machine.power()).toBe('off');
});

it('does not choose among several systems, and lists them', async () => {
  const answer = await client(await world({ systems: 3 })).power();
  expect(answer).toEqual({
    known: false,
    trouble: {
      code: 'bmc-several-systems',
      what: 'the BMC of web01 manages 3 systems: Self, Node2, Node3',
      fix: 'Say which one is this host: "system" in the host’s "bmc" in the hosts file.',
    },
  });
});

it('finds the system that is named among several', async () => {
  const machine = await world({ systems: 3 });
  expect(await client(machine, { system: 'Self' }).power()).toEqual({ known: true, value: 'on' });
  expect(await client(machine, { system: 'Node2' }).power()).toEqual({ known: true, value: 'off' });
});

it('takes no other system for the one that is named, even if it is the only one', async () => {
  const answer = await client(await world(), { system: 'Node2' }).power();
  expect(answer).toMatchObject({
    known: false,
    trouble: { code: 'bmc-no-system', what: 'the BMC of web01 manages no system "Node2"; it has: Self' },
  });
});

it('is in doubt when a reset was sent and the connection ended before the answer', async () => {
  const machine = await world({ dropAfterAccept: true });
  const answer = await client(machine).setPower('off', 'hard', never);
  expect(answer).toMatchObject({
    ok: false,
    error: { code: 'bmc-unanswered', what: 'the BMC of web01 was asked for ForceOff, and its answer never came' },
  });
  expect(await machine.power()).toBe('off');
});

it('says that the task of an accepted reset failed, and how', async () => {
  const answer = await client(await world({ taskFails: true })).setPower('off', 'hard', never);
  expect(answer).toMatchObject({ ok: false, error: { code: 'bmc-declined' } });
  expect(JSON.stringify(answer)).toContain('the power supply does not obey');
});

it('waits no longer than its patience for a BMC that hangs', async () => {
  const began = performance.now();
  const answer = await client(await world({ hang: true }), { patience: 300 }).power();
  expect(answer).toMatchObject({ known: false, trouble: { code: 'bmc-no-answer' } });
  expect(performance.now() - began).toBeLessThan(14_000);
});

it('has patience with a BMC that is slow', async () => {
  const machine = await world({ slow: 50 });
  expect(await client(machine).power()).toEqual({ known: true, value: 'on' });
});

it('reads no answer without end', async () => {
  const answer = await client(await world({ endless: true })).power();
  expect(answer).toMatchObject({ known: false, trouble: { code: 'bmc-odd-answer' } });
});

it('says so when something else listens there', async () => {
  const server: Server = createServer((socket) => socket.resume().end('220 mail.example.net ESMTP\r\n'));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  open.push({ stop: () => new Promise((resolve) => server.close(() => resolve())) });
  const answer = await client(await world(), { port: (server.address() as AddressInfo).port }).power();
  expect(answer).toMatchObject({ known: false, trouble: { code: 'bmc-odd-answer' } });
  expect(JSON.stringify(answer)).toContain('the BMC of web01 does not speak HTTPS at 127.0.0.1:');
});

it('is refused by a BMC that locked the user out, although the password is right', async () => {
  const answer = await client(await world({ refusePassword: true })).setPower('off', 'hard', never);
  expect(answer).toMatchObject({ ok: false, error: { code: 'bmc-refused' } });
});

it('takes a machine that is powering off for one that still has power', async () => {
  const machine = await world({ neverEnds: true });
  const bmc = client(machine);
  expect(await bmc.setPower('off', 'soft', never)).toEqual({ ok: true, value: undefined });
  expect(await bmc.power()).toEqual({ known: true, value: 'on' });
});
