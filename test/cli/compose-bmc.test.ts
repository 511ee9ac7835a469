import { chmod, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { composeHost, type HostWorld, newRedactor } from '../../src/cli/compose.ts';
import type { Host } from '../../src/core/host.ts';
import { startRedfishBmc } from '../../src/practice/redfish/redfish-bmc.ts';

const context = { signal: new AbortController().signal, progress: () => undefined };
let folder: string;
let closing: (() => Promise<void>)[];
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'compose-bmc-'));
  closing = [];
});
afterEach(async () => {
  for (const close of closing.reverse()) await close();
  await rm(folder, { recursive: true });
});

async function worldOf(bmc: NonNullable<Host['bmc']>): Promise<HostWorld> {
  const world = await composeHost(
    {
      host: { name: 'web01', addresses: ['127.0.0.1'], serial: 'S1', bmc },
      hostsFile: join(folder, 'hosts.yaml'),
      operator: 'op',
      run: 'r1',
      scratch: folder,
    },
    { redactor: newRedactor(), packageRoot: folder, environment: { ...process.env, POWER_TOKEN: 'correct-horse' } },
  );
  closing.push(() => world.close());
  return world;
}

test('a program beside the hosts file is asked with its secret, and tells of everything that a BMC tells', async () => {
  const program = join(folder, 'switch');
  await writeFile(
    program,
    `#!/bin/sh
read -r question
echo "$question $TOKEN" >> asked
case $question in
*power*) echo '{"power":"on"}' ;;
*indicator*) echo '{"indicator":"off"}' ;;
*locate*) echo '{"accepted":true}' ;;
esac
`,
  );
  await chmod(program, 0o755);
  const { engine, perform } = await worldOf({
    kind: 'command',
    argv: ['./switch'],
    environment: { TOKEN: { env: 'POWER_TOKEN' } },
  });
  expect(await engine.probe({ kind: 'power' })).toEqual({ known: true, value: 'on' });
  expect(await engine.probe({ kind: 'bmc.indicator' })).toEqual({ known: true, value: 'off' });
  expect(await engine.probe({ kind: 'bmc.weaknesses' })).toEqual({ known: true, value: [] });
  expect(await perform({ kind: 'bmc.locate', on: 'control', want: 'on' }, context)).toEqual({
    outcome: 'done',
    receipt: { want: 'on' },
  });
  expect((await readFile(join(folder, 'asked'), 'utf8')).split('\n')[0]).toBe(
    '{"format":1,"ask":"power","host":"web01"} correct-horse',
  );
});

test('a program whose secret cannot be had is not asked at all', async () => {
  const { engine } = await worldOf({ kind: 'command', argv: ['./gone'], environment: { TOKEN: { env: 'NOT_SET' } } });
  expect(await engine.probe({ kind: 'power' })).toMatchObject({
    known: false,
    trouble: { code: 'no-secret', what: expect.stringContaining('TOKEN for the program that switches web01') },
  });
});

test('a BMC with old TLS is spoken to where its entry says so, and the receipt notes it', async () => {
  let power: 'on' | 'off' = 'on';
  const service = await startRedfishBmc({
    serial: 'S1',
    uuid: 'a1b2c3d4-0506-4708-890a-0b0c0d0e0f10',
    user: 'admin',
    password: 'correct-horse',
    tls: 'old',
    power: {
      get: async () => power,
      set: async (want) => {
        power = want;
      },
    },
  });
  closing.push(() => service.close());
  const bmc = {
    kind: 'redfish' as const,
    address: '127.0.0.1',
    port: service.port,
    user: 'admin',
    password: { env: 'POWER_TOKEN' },
    tls_pin: service.pin,
  };
  const off = { kind: 'bmc.power', on: 'control', want: 'off', how: 'hard' } as const;
  const strict = await worldOf(bmc);
  expect(await strict.perform(off, context)).toMatchObject({ outcome: 'failed', trouble: { code: 'bmc-old-tls' } });
  const legacy = await worldOf({ ...bmc, legacy: true });
  expect(await legacy.perform(off, context)).toEqual({
    outcome: 'done',
    receipt: { want: 'off', how: 'hard', notes: ['TLSv1: this BMC is declared legacy'] },
  });
  expect(power).toBe('off');
});
