import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Machine } from '../../src/core/ports.ts';
import { routedMachine } from '../../src/effects/ssh/routed-machine.ts';
import { routeTo } from '../../src/effects/ssh/settings.ts';
import { newShared } from '../../src/effects/ssh/shared.ts';
import { type ChosenTransport, chooseTransport } from '../../src/effects/ssh/transport.ts';
import type { Sshd } from './sshd.ts';

export interface Where {
  readonly address?: string;
  readonly hostKeys?: readonly string[];
}

/** A machine reached as the program does it: what the SSH configuration says chooses the transport, and the home holds no key. */
export interface ByConfiguration {
  readonly machine: Machine;
  readonly chosen: ChosenTransport;
  close(): Promise<void>;
}

/** `lines` stand under `Host web01`. */
export async function byConfiguration(
  sshd: Sshd,
  lines: readonly string[],
  { address = sshd.address, hostKeys = sshd.hostKeys }: Where = {},
): Promise<ByConfiguration> {
  const folder = mkdtempSync(join(tmpdir(), 'decom-configured-'));
  const config = join(folder, 'config');
  writeFileSync(config, ['Host web01', ...lines, ''].join('\n  '));
  const ssh = { config, host_keys: [...hostKeys], port: sshd.port, user: sshd.user };
  const host = { name: 'web01', addresses: [address] as [string], serial: 'S1', ssh };
  const home = join(folder, 'home');
  const route = await routeTo(host, { hosts: [host], folder, home, user: 'root', environment: process.env });
  const chosen = chooseTransport('auto', route.needs);
  const machine = await routedMachine(route, chosen, {
    home,
    shared: newShared(),
    patience: { settle: 500, abort: 1000 },
  });
  return {
    machine,
    chosen,
    close: async () => {
      await machine.close();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}
