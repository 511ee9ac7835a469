import type { Diagnostic } from '../core/diagnostic.ts';
import { type Host, HostsFile, WorkspaceFile } from '../core/host.ts';
import { fail, ok, type Result } from '../core/result.ts';
import { checkNode } from './check.ts';
import { freezeFaults } from './freezes.ts';
import { entryOf } from './node.ts';
import { parseSource } from './source.ts';

/** Reads `decom.yaml`; `quick` as in `parseSource`. */
export function parseWorkspace(
  bytes: Uint8Array,
  file: string,
  quick = false,
): Result<WorkspaceFile, readonly Diagnostic[]> {
  const source = parseSource(bytes, file, quick);
  if (!source.ok) return source;
  const { value, faults } = checkNode(source.value, WorkspaceFile);
  if (faults.length > 0) return fail(faults);
  const untimely = freezeFaults(value as WorkspaceFile, source.value);
  return untimely.length > 0 ? fail(untimely) : ok(value as WorkspaceFile);
}

/** Reads the hosts file, every entry judged on its own; serials stay as written. */
export function parseHosts(bytes: Uint8Array, file: string): Result<readonly Host[], readonly Diagnostic[]> {
  const source = parseSource(bytes, file);
  if (!source.ok) return source;
  const { value, faults } = checkNode(source.value, HostsFile);
  if (faults.length > 0) return fail(faults);
  const { hosts } = value as HostsFile;
  const twice = repeatedSerials(Object.entries(hosts).map(([name, { serial }]) => [name, serial]));
  if (twice.length > 0) {
    const entries = entryOf(source.value, 'hosts')?.value;
    return fail(
      twice.map(({ name, other, serial }) => {
        const place = entryOf(entryOf(entries, name)?.value, 'serial')?.value.place ?? source.value.place;
        const what = `host "${name}": the serial "${serial}" is also that of "${other}".`;
        return {
          code: 'duplicate-serial',
          ...place,
          what,
          fix: 'A serial belongs to one machine: correct one of them.',
        };
      }),
    );
  }
  return ok(Object.entries(hosts).map(([name, entry]) => ({ name, ...entry })));
}

/** A machine that tells its serial in other letters, or with blanks around it, is the same machine. */
const alike = (serial: string): string => serial.trim().toLowerCase();

function repeatedSerials(pairs: readonly (readonly [string, string])[]) {
  const first = new Map<string, string>();
  return pairs.flatMap(([name, serial]) => {
    const other = first.get(alike(serial));
    if (other === undefined) first.set(alike(serial), name);
    return other === undefined ? [] : [{ name, other, serial }];
  });
}
