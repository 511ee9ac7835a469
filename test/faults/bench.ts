import { createHash } from 'node:crypto';
import {
  existsSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  realpathSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, relative } from 'node:path';
import type { Recorded } from '../../src/core/event.ts';
import { type Called, type CallOptions, call, type Ended } from './program.ts';

/** A workspace in a temp folder, and the built program called in it. */
export interface Bench {
  readonly folder: string;
  /** An empty folder for copies. */
  readonly vault: string;
  readonly state: string;
  write(file: string, content: string | Uint8Array): void;
  read(file: string): string;
  /** Replaces text in a file; throws if it is not there. */
  edit(file: string, was: string | RegExp, is: string): void;
  start(args: readonly string[], options?: Partial<CallOptions>): Called;
  decom(...args: string[]): Promise<Ended>;
  /** Folders of the real runs, oldest first. */
  runs(): readonly string[];
  /** The log of the newest real run; empty without one. */
  events(): readonly Recorded[];
  /** Every file of the workspace with a hash of its content. */
  files(): { readonly [path: string]: string };
  remove(): void;
}

export const settings = 'decom: 1\nstate: ./state\n';

export function bench(): Bench {
  const folder = realpathSync(mkdtempSync(join(tmpdir(), 'decom-faults-')));
  const vault = join(folder, 'vault');
  const state = join(folder, 'state');
  mkdirSync(vault);
  const at = (file: string): string => join(folder, file);
  const write = (file: string, content: string | Uint8Array): void => {
    mkdirSync(dirname(at(file)), { recursive: true });
    writeFileSync(at(file), content);
  };
  const read = (file: string): string => readFileSync(at(file), 'utf8');
  const start: Bench['start'] = (args, options = {}) => call(args, { cwd: folder, ...options });
  const runs = (): readonly string[] => {
    const root = join(state, 'runs');
    const folders = (path: string): readonly string[] =>
      existsSync(path) && lstatSync(path).isDirectory() ? readdirSync(path).map((name) => join(path, name)) : [];
    return folders(root)
      .flatMap(folders)
      .sort((a, b) => lstatSync(a).birthtimeMs - lstatSync(b).birthtimeMs);
  };
  write('decom.yaml', settings);
  return {
    folder,
    vault,
    state,
    write,
    read,
    edit: (file, was, is) => {
      const text = read(file);
      const edited = text.replace(was, is);
      if (edited === text) throw new Error(`${file} does not hold ${String(was)}`);
      write(file, edited);
    },
    start,
    decom: (...args) => start(args).ended,
    runs,
    events: () => {
      const log = join(runs().at(-1) ?? '', 'audit.jsonl');
      if (!existsSync(log)) return [];
      const lines = readFileSync(log, 'utf8').split('\n').slice(0, -1);
      return lines.map((line) => JSON.parse(line) as Recorded);
    },
    files: () => filesBelow(folder),
    remove: () => rmSync(folder, { recursive: true, force: true }),
  };
}

/** Files below a folder by their path in it: the SHA-256 of each, or what else it is. */
export function filesBelow(folder: string): { readonly [path: string]: string } {
  const found: { [path: string]: string } = {};
  for (const entry of readdirSync(folder, { recursive: true, withFileTypes: true })) {
    const path = join(entry.parentPath, entry.name);
    found[relative(folder, path)] = entry.isFile()
      ? createHash('sha256').update(readFileSync(path)).digest('hex')
      : 'no file';
  }
  return found;
}

/** What every runbook of a test that switches a machine off says of its root. */
export const notKept = 'not_kept: [{ path: /, why: the system is installed anew, by: ada }]';

/** A runbook of these steps (YAML, without indentation). */
export const runbook = (steps: string, params = ''): string =>
  [
    'decom: 1',
    'name: faults',
    'title: What goes wrong',
    params,
    'phases:',
    '  - phase: only',
    '    title: The only one',
    '    steps:',
    ...steps
      .trim()
      .split('\n')
      .map((line) => `      ${line}`),
    ...(steps.includes('power.off') ? [notKept] : []),
    '',
  ].join('\n');

/** How a call ended and what it said, with what differs from one call to the next replaced by its name. */
export function said({ code, signal, stdout, stderr }: Ended, b: Pick<Bench, 'folder'>, names: Names = {}): string {
  let text = [`exit ${code ?? signal}`, stdout === '' ? '' : `stdout: ${stdout.trimEnd()}`, stderr.trimEnd()]
    .filter((part) => part !== '')
    .join('\n');
  for (const [value, name] of Object.entries(names)) text = text.replaceAll(value, name);
  return text
    .replaceAll(b.folder, '<workspace>')
    .replace(/\b[0-9a-f]{64}\b/g, '<hash>')
    .replace(/\b[0-9a-f]{12}\b/g, '<run>')
    .replace(/\b\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z/g, '<time>');
}

export interface Names {
  readonly [value: string]: string;
}
