import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'vitest';
import type { Machine } from '../../src/core/ports.ts';
import type { Trouble } from '../../src/core/result.ts';
import { routedMachine } from '../../src/effects/ssh/routed-machine.ts';
import { routeTo } from '../../src/effects/ssh/settings.ts';
import { newShared } from '../../src/effects/ssh/shared.ts';
import type { Patience } from '../../src/effects/ssh/target.ts';
import { type ChosenTransport, chooseTransport } from '../../src/effects/ssh/transport.ts';
import { got, text } from '../contracts/machine.ts';
import type { Sshd } from './sshd.ts';

export interface Where {
  readonly address?: string;
  readonly hostKeys?: readonly string[];
  /** Keys that `~/.ssh` holds, by their name there. */
  readonly keys?: Readonly<Record<string, Uint8Array>>;
  readonly patience?: Partial<Patience>;
  readonly tell?: (line: string) => void;
}

/** A machine reached as the program does it: what the SSH configuration says chooses the transport, and the home holds no other key. */
export interface ByConfiguration {
  readonly machine: Machine;
  readonly chosen: ChosenTransport;
  close(): Promise<void>;
}

/** `lines` stand under `Host web01`. */
export async function byConfiguration(
  sshd: Sshd,
  lines: readonly string[],
  { address = sshd.address, hostKeys = sshd.hostKeys, keys = {}, patience = {}, tell }: Where = {},
): Promise<ByConfiguration> {
  const folder = mkdtempSync(join(tmpdir(), 'decom-configured-'));
  const config = join(folder, 'config');
  writeFileSync(config, ['Host web01', ...lines, ''].join('\n  '));
  const ssh = { config, host_keys: [...hostKeys], port: sshd.port, user: sshd.user };
  const host = { name: 'web01', addresses: [address] as [string], serial: 'S1', ssh };
  const home = join(folder, 'home');
  mkdirSync(join(home, '.ssh'), { recursive: true });
  for (const [name, key] of Object.entries(keys)) writeFileSync(join(home, '.ssh', name), key, { mode: 0o600 });
  const route = await routeTo(host, { hosts: [host], folder, home, user: 'root', environment: process.env });
  const chosen = chooseTransport('auto', route.needs);
  const machine = await routedMachine(route, chosen, {
    home,
    shared: newShared(),
    patience: { settle: 500, abort: 1000, ...patience },
    ...(tell === undefined ? {} : { tell }),
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

/** The same for all tests of a file, which ends with `close`. */
export function configured(sshd: () => Sshd): {
  reached(lines: readonly string[], where?: Where): Promise<ByConfiguration>;
  close(): Promise<void>;
} {
  const open: ByConfiguration[] = [];
  return {
    reached: async (lines, where) => {
      const way = await byConfiguration(sshd(), lines, where);
      open.push(way);
      return way;
    },
    close: async () => {
      for (const way of open.splice(0)) await way.close();
    },
  };
}

/** Why nothing runs there; undefined where it does. */
export async function troubleOf(machine: Machine): Promise<Trouble | undefined> {
  const result = await machine.exec({ argv: ['true'], root: false });
  return result.ok ? undefined : result.error;
}

/** Input, both outputs, exits and signals come as they are. */
export async function runsPrograms(machine: Machine): Promise<void> {
  const run = async (script: string) =>
    got(await machine.exec({ argv: ['sh', '-c', script], root: false }, { stdin: Buffer.from('in') }));
  const said = await run('cat; echo err >&2; exit 42');
  expect([text(said.stdout), text(said.stderr), said.ended]).toEqual(['in', 'err\n', { how: 'exit', code: 42 }]);
  expect((await run('exit 255')).ended).toEqual({ how: 'exit', code: 255 });
  expect((await run('kill -TERM $$')).ended).toEqual({ how: 'signal', signal: 'SIGTERM' });
}
