import { type AddressInfo, createServer as createPlainServer, type Socket } from 'node:net';
import { TLSSocket } from 'node:tls';
import { afterEach, describe, expect, it } from 'vitest';
import type { Bmc, Clock } from '../../../src/core/ports.ts';
import { secret } from '../../../src/core/secret.ts';
import { redfishBmc } from '../../../src/effects/bmc/redfish.ts';
import { selfSigned } from '../../../src/practice/redfish/certificate.ts';
import { testClock } from '../../fakes/test-clock.ts';
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

function client(of: RedfishWorld, options?: Parameters<RedfishWorld['bmc']>[0]): Bmc {
  const bmc = of.bmc(options);
  open.push({ stop: () => bmc.close() });
  return bmc;
}

function countingClock(): { readonly clock: Clock; readonly slept: number[] } {
  const slept: number[] = [];
  const sleep: Clock['sleep'] = (ms, signal) => {
    slept.push(ms);
    return testClock.sleep(ms, signal);
  };
  return { clock: { ...testClock, sleep }, slept };
}

describe('a locator light', () => {
  it.each(['system', 'chassis', 'led'] as const)(
    'is found and switched where the BMC tells of it: %s',
    async (light) => {
      const machine = await world({ light });
      const bmc = client(machine);
      expect(await bmc.indicator()).toEqual({ known: true, value: 'off' });
      expect(await bmc.setIndicator('on', never)).toEqual({ ok: true, value: undefined });
      expect(machine.service.light()).toBe('on');
      expect(await bmc.indicator()).toEqual({ known: true, value: 'on' });
      expect(await bmc.setIndicator('off', never)).toEqual({ ok: true, value: undefined });
      expect(machine.service.light()).toBe('off');
      expect(machine.service.sessions()).toBe(0);
    },
  );

  it('that is nowhere cannot be told, nor switched', async () => {
    const bmc = client(await world({ light: 'none' }));
    expect(await bmc.indicator()).toMatchObject({ known: false, trouble: { code: 'bmc-cannot-tell' } });
    expect(await bmc.setIndicator('on', never)).toMatchObject({ ok: false, error: { code: 'bmc-cannot-tell' } });
  });

  it('is asked for once more where somebody else changed the resource in between', async () => {
    const machine = await world({ changedMeanwhile: 1 });
    expect(await client(machine).setIndicator('on', never)).toEqual({ ok: true, value: undefined });
    expect(machine.service.light()).toBe('on');
  });

  it('is declined where the resource changes again and again', async () => {
    const machine = await world({ changedMeanwhile: 5 });
    expect(await client(machine).setIndicator('on', never)).toMatchObject({
      ok: false,
      error: { code: 'bmc-declined', detail: expect.stringContaining('412 The ETag supplied did not match') },
    });
    expect(machine.faults.changedMeanwhile).toBe(3);
    expect(machine.service.light()).toBe('off');
  });
});

describe('a BMC that is started anew', () => {
  it('is gone for a while, and then knows none of the old sessions', async () => {
    const machine = await world({ restartTakes: 600_000 });
    const bmc = client(machine);
    expect(await bmc.restart(never)).toEqual({ ok: true, value: undefined });
    expect(machine.service.restarts()).toBe(1);
    await expect.poll(async () => (await bmc.power()).known, { timeout: 240_000, interval: 10 }).toBe(false);
    machine.faults.restartTakes = 0;
    await expect.poll(async () => (await bmc.power()).known, { timeout: 240_000 }).toBe(true);
    expect(machine.service.sessions()).toBe(0);
    expect(await machine.power()).toBe('on');
  });
});

describe('a BMC that is busy', () => {
  it.each([429, 503] as const)(
    'is asked again when it says so (%s), for a question and for a change',
    async (busyWith) => {
      const { clock, slept } = countingClock();
      const machine = await world({ busyWith, busyFor: 2, retryAfter: '3' });
      const bmc = client(machine, { clock });
      expect(await bmc.power()).toEqual({ known: true, value: 'on' });
      expect(slept).toEqual([3000, 3000]);
      machine.faults.busyFor = 1;
      expect(await bmc.setPower('off', 'hard', never)).toEqual({ ok: true, value: undefined });
      expect(await machine.touched()).toBe(1);
    },
  );

  it('is waited for by its date as well', async () => {
    const { clock, slept } = countingClock();
    const machine = await world({ busyFor: 1, retryAfter: new Date(testClock.now().getTime() + 8000).toUTCString() });
    expect(await client(machine, { clock }).power()).toEqual({ known: true, value: 'on' });
    expect(slept[0]).toBeGreaterThan(500);
    expect(slept[0]).toBeLessThanOrEqual(8000);
  });

  it('is given up at once where it does not say when to come again', async () => {
    const { clock, slept } = countingClock();
    const machine = await world({ busyFor: 1 });
    const bmc = client(machine, { clock });
    expect(await bmc.power()).toMatchObject({
      known: false,
      trouble: { code: 'bmc-busy', what: expect.stringMatching(/is busy \(503\)$/) },
    });
    expect(slept).toEqual([]);
    expect(await bmc.power()).toEqual({ known: true, value: 'on' });
  });

  it('is given up when it stays so, or wants too long, and nothing was done', async () => {
    const machine = await world({ busyFor: 100, retryAfter: '2' });
    expect(await client(machine).power()).toEqual({
      known: false,
      trouble: {
        code: 'bmc-busy',
        what: `the BMC of web01 at 127.0.0.1:${machine.service.port} is busy (503) and wants to be asked again in 2 s`,
        fix: 'Nothing was done. Try again later; if it stays so, end open sessions at its web page, or restart it.',
        detail: 'The service is busy.',
      },
    });
    expect(machine.service.requests()).toBe(4);
    machine.faults.retryAfter = '3600';
    expect(await client(machine).setPower('off', 'hard', never)).toMatchObject({
      ok: false,
      error: { code: 'bmc-busy' },
    });
    expect(machine.service.requests()).toBe(5);
    expect(await machine.touched()).toBe(0);
  });
});

describe('a BMC that forgets the session', () => {
  it('is logged in to once more', async () => {
    const machine = await world({ forgetsSessions: 1 });
    expect(await client(machine).setPower('off', 'hard', never)).toEqual({ ok: true, value: undefined });
    expect(await machine.touched()).toBe(1);
    expect(machine.service.sessions()).toBe(0);
  });

  it('is not logged in to again and again', async () => {
    const machine = await world({ forgetsSessions: 50 });
    expect(await client(machine).setPower('off', 'hard', never)).toMatchObject({
      ok: false,
      error: { code: 'bmc-session-lost', what: expect.stringContaining('ended the session that it had opened') },
    });
    // The root, a login, one look and one logout, twice.
    expect(machine.service.requests()).toBe(8);
    expect(await machine.touched()).toBe(0);
  });
});

describe('an answer', () => {
  const where = async (answer: (socket: Socket) => void, patience = 60_000): Promise<Bmc> => {
    const { cert, key, pin } = await selfSigned('127.0.0.1');
    const sockets = new Set<Socket>();
    const server = createPlainServer((raw) => {
      sockets.add(raw);
      raw.on('error', () => undefined);
      const socket = new TLSSocket(raw, { isServer: true, cert, key });
      socket.on('error', () => undefined);
      socket.once('data', () => answer(socket));
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
      patience,
    });
    open.push({
      stop: async () => {
        await bmc.close();
        for (const socket of sockets) socket.destroy();
        await new Promise((resolve) => server.close(resolve));
      },
    });
    return bmc;
  };
  const head = 'HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n';
  const what = async (bmc: Bmc): Promise<string> => {
    const answer = await bmc.power();
    if (answer.known) throw new Error('it was taken for an answer');
    expect(answer.trouble.code).toBe('bmc-odd-answer');
    expect(answer.trouble.fix).not.toBe('');
    return answer.trouble.what.replace(/127\.0\.0\.1:\d+/, 'it');
  };

  it('whose connection ends in the middle is told so', async () => {
    const bmc = await where((socket) => socket.end(`${head}Content-Length: 500\r\n\r\n{"Systems":`));
    expect(await what(bmc)).toBe('the BMC of web01 at it stopped in the middle of its answer');
  });

  it('whose JSON is cut off is told so', async () => {
    const bmc = await where((socket) => socket.end(`${head}Content-Length: 11\r\n\r\n{"Systems":`));
    expect(await what(bmc)).toBe('the BMC of web01 sent something that is no JSON object, or one that is cut off');
  });

  it('that is a web page is told so', async () => {
    const bmc = await where((socket) =>
      socket.end('HTTP/1.1 200 OK\r\nContent-Type: text/html; charset=utf-8\r\nContent-Length: 2\r\n\r\n{}'),
    );
    expect(await what(bmc)).toBe('the BMC of web01 sent text/html instead of JSON');
  });

  it('that is too long is not read to its end', async () => {
    const bmc = await where((socket) => {
      socket.write(`${head}\r\n`);
      const pour = () => {
        while (!socket.destroyed && socket.write(' '.repeat(65_536)));
      };
      socket.on('drain', pour);
      pour();
    });
    expect(await what(bmc)).toBe('the BMC of web01 sent more than 1048576 bytes from it');
  });

  it('that drips is not waited for without end', async () => {
    const bmc = await where((socket) => {
      socket.write(`${head}Content-Length: 100000\r\n\r\n`);
      const drip = setInterval(() => (socket.destroyed ? clearInterval(drip) : socket.write(' ')), 50);
      drip.unref();
    }, 4000);
    expect(await what(bmc)).toBe('the BMC of web01 at it sends its answer too slowly: it was not whole after 8 s');
  });

  it('that leads elsewhere is not followed', async () => {
    const bmc = await where((socket) =>
      socket.end('HTTP/1.1 302 Found\r\nLocation: https://198.51.100.7/redfish/v1/\r\nContent-Length: 0\r\n\r\n'),
    );
    expect(await bmc.power()).toMatchObject({
      known: false,
      trouble: { code: 'bmc-redirect', what: expect.stringContaining('302 to https://198.51.100.7/redfish/v1/') },
    });
  });
});

describe('a BMC that knows old TLS only', () => {
  it('is refused, and what to declare is said', async () => {
    const machine = await world({ tls: 'old' });
    expect(await client(machine).power()).toMatchObject({
      known: false,
      trouble: { code: 'bmc-old-tls', fix: expect.stringContaining('"legacy: true" and "tls_pin"') },
    });
    expect(machine.service.requests()).toBe(0);
  });

  it('is spoken to where that is declared and it is pinned, and a note says so', async () => {
    const machine = await world({ tls: 'old' });
    const bmc = client(machine, { legacy: true });
    expect(bmc.notes()).toEqual([]);
    expect(await bmc.setPower('off', 'hard', never)).toEqual({ ok: true, value: undefined });
    expect(bmc.notes()).toEqual(['TLSv1: this BMC is declared legacy']);
    expect(await machine.power()).toBe('off');
  });

  it('is refused with another certificate than the pinned one, and without a pin, before anything is sent', async () => {
    const machine = await world({ tls: 'old' });
    for (const pin of [`sha256:${'0'.repeat(64)}`, undefined]) {
      const answer = await client(machine, { legacy: true, pin }).power();
      expect(answer).toMatchObject({ known: false, trouble: { code: 'bmc-certificate' } });
      expect(JSON.stringify(answer)).toContain(machine.service.pin);
    }
    expect(machine.service.requests()).toBe(0);
  });

  it('costs a new one nothing: with legacy declared the newest TLS is still taken', async () => {
    const bmc = client(await world(), { legacy: true });
    expect(await bmc.power()).toEqual({ known: true, value: 'on' });
    expect(bmc.notes()).toEqual(['TLSv1.3: this BMC is declared legacy']);
  });

  it('is not taken over a certificate that authorities vouch for either, without a pin', async () => {
    // With old TLS a signature can be forged; that it would be valid elsewhere says nothing.
    const machine = await world();
    const answer = await client(machine, { legacy: true, pin: undefined }).power();
    expect(JSON.stringify(answer)).toContain('with old TLS only a pin counts');
  });
});
