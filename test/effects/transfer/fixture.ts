import {
  chmodSync,
  linkSync,
  mkdirSync,
  mkdtempSync,
  rmSync,
  symlinkSync,
  truncateSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import type { PerformContext } from '../../../src/core/action.ts';
import { unknownHelper } from '../../../src/core/helper.ts';
import type { Machine } from '../../../src/core/ports.ts';
import { fail } from '../../../src/core/result.ts';
import { memoryBlobs } from '../../../src/effects/state/blob-store.ts';
import type { TransferDeps } from '../../../src/effects/transfer/deps.ts';
import { fakeMachine } from '../../fakes/machine.ts';

/** A temporary folder; `remove` takes it away again. */
export function temporary(): { readonly path: string; readonly remove: () => void } {
  const path = mkdtempSync(join(tmpdir(), 'decom-transfer-'));
  return { path, remove: () => rmSync(path, { recursive: true, force: true }) };
}

export const realClock: TransferDeps['clock'] = {
  now: () => new Date(),
  monotonic: () => performance.now(),
  sleep: (ms) => new Promise((done) => setTimeout(done, ms)),
};

export const deps = (machine: Machine = fakeMachine({ name: 'web01' })): TransferDeps => ({
  machine,
  host: { name: 'web01', serial: 'S-1' },
  clock: realClock,
  blobs: memoryBlobs(),
  rsh: resolve(import.meta.dirname, '../../../bin/decom-rsh.js'),
  helper: async (name) => fail(unknownHelper(name, [])),
  address: { address: '127.0.0.1', port: 22, user: 'root', legacy: false, sudo: 'no' },
});

export const context = (signal = new AbortController().signal): PerformContext => ({
  signal,
  progress: () => undefined,
});

/** Names that trip programs that take names for text. */
export const nastyNames: readonly Buffer[] = [
  'plain',
  'a b',
  'new\nline',
  '\nleading newline',
  'имя файла',
  'e\u0301 and \u00e9',
  '-rf',
  '--checkpoint-action=exec=false',
  'back\\slash',
  'back\\nslash',
  '\\040',
  '#hash',
  'st*ar',
  'q?[x]',
  'eq=ual type=dir',
  'tab\there',
  "it's",
  '"double"',
  '$(id)',
  '`id`',
  '~',
  '..x',
  '!x',
  'comma,x',
  'cr\rx',
  'colon: Cannot open',
  '/set'.slice(1),
  'x'.repeat(200),
]
  .map((text) => Buffer.from(text))
  .concat([Buffer.from([0x62, 0xff, 0xfe]), Buffer.from([0x81, 0x82, 0x88]), Buffer.from([0x01, 0x7f])]);

/** A source with a bit of everything that needs no root. Returns the path of the folder to copy. */
export function nastySource(parent: string): string {
  const root = join(parent, 'srv');
  mkdirSync(root);
  const at = (name: Buffer | string) => Buffer.concat([Buffer.from(`${root}/`), Buffer.from(name)]);
  for (const [i, name] of nastyNames.entries()) writeFileSync(at(name), `content ${i}\n`);
  mkdirSync(at('folder'), { mode: 0o750 });
  mkdirSync(at('empty folder'));
  writeFileSync(at('folder/inner'), 'inner');
  writeFileSync(at('empty'), '');
  writeFileSync(at('z-first'), 'linked');
  linkSync(at('z-first'), at('folder/a hard link'));
  linkSync(at('z-first'), at('zz-last'));
  symlinkSync('nowhere \n*', at('dangling'));
  symlinkSync('folder/inner', at('link'));
  symlinkSync('folder', at('link to folder'));
  linkSync(at('link'), at('hard link of a symlink'));
  writeFileSync(at('sparse'), 'head');
  truncateSync(at('sparse'), 3 << 20);
  writeFileSync(at('setuid'), 'x');
  chmodSync(at('setuid'), 0o6755);
  writeFileSync(at('old'), 'x');
  utimesSync(at('old'), 1, 1.5);
  let deep = '';
  for (let i = 0; i < 12; i++) {
    deep += `${deep === '' ? '' : '/'}${'deep'.repeat(20)}`;
    mkdirSync(at(deep));
  }
  writeFileSync(at(`${deep}/bottom`), 'bottom');
  return root;
}
