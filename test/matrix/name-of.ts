import { basename } from 'node:path';
import type { Recorded } from '../../src/core/event.ts';
import type { Stage } from './stage.ts';
import { bytesIn, type Call, pathsIn } from './trace.ts';

/**
 * The name of a place in a run, as an operator would say it: what was about to be done, to what. `calls` are those before it: a sync is
 * named after the line that it makes safe.
 */
export function nameOf(call: Call, calls: readonly Call[], stage: Stage): string {
  const { name, on, args } = call;
  switch (name) {
    case 'write':
    case 'writev':
    case 'pwrite64':
    case 'pwritev':
      if (on === stage.log) return `line written: ${lineName(call)}`;
      return `write: ${thing(on, stage)}`;
    case 'fdatasync':
    case 'fsync': {
      const at = calls.indexOf(call);
      const line = calls.slice(0, at === -1 ? undefined : at).findLast((c) => c.name === 'write' && c.on === stage.log);
      if (on === stage.log && line !== undefined) return `line synced: ${lineName(line)}`;
      return `sync: ${thing(on, stage)}`;
    }
    case 'connect':
      return `connect: ${port(args, stage)}`;
    default:
      return `${name}: ${thing(pathsIn(args).at(-1) ?? on, stage)}`;
  }
}

/** The type of a log's line, and the step it is of. */
export function lineName(call: Call): string {
  const text = call.injected ? (JSON.parse(call.args) as string) : bytesIn(call.args).toString();
  const event = JSON.parse(text) as Recorded;
  return 'step' in event ? `${event.type} (${event.step})` : event.type;
}

function thing(on: string, stage: Stage): string {
  if (on.startsWith('TCP')) return port(on, stage);
  if (on.startsWith('UNIX') || on.startsWith('pipe') || on === '') return 'screen or pipe';
  if (on.startsWith('anon_inode')) return 'its own threads';
  const { state, vault, folder } = stage.bench;
  const run = basename(stage.run);
  const plain = (path: string): string =>
    path
      .replaceAll(run, 'RUN')
      .replace(/\b[0-9a-f]{64}\b/, 'HASH')
      .replace(/(?<=[./])\d+(?=\.(tmp|new))/, 'PID')
      .replace(/\.[0-9a-f]{12}\.stale$/, '.HASH.stale')
      .replace(/^\/tmp\/decom-(compare|sign|verify)-\w+/, 'TMP')
      .replace(/\d{4}-\d\d-\d\dT[\d-]+\.\d{3}Z-[0-9a-f]+(?=\.json)/, 'STATEMENT');
  if (on === state || on.startsWith(`${state}/`)) return `state${plain(on.slice(state.length))}`;
  if (on.startsWith(`${vault}/`)) return `vault${plain(on.slice(vault.length))}`;
  if (on === folder || on.startsWith(`${folder}/`)) return `workspace${plain(on.slice(folder.length))}`;
  return plain(on);
}

function port(text: string, { machine }: Stage): string {
  if (new RegExp(`(:|htons\\()${machine.ssh.port}\\b`).test(text)) return 'to the host';
  if (new RegExp(`(:|htons\\()${machine.bmc.port}\\b`).test(text)) return 'to the BMC';
  return 'a socket';
}
