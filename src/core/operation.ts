import type { DatabaseAccess, DatabaseQuestion } from './databases.ts';
import type { Technique } from './disk.ts';
import type { ReadBack } from './disk-samples.ts';
import type { Json } from './json.ts';
import type { Keep } from './keep.ts';
import type { Place } from './place.ts';
import type { Trouble } from './result.ts';
import type { SecretRef } from './secret.ts';

/** Where an operation runs: on the host to be retired, here, or on the helper of that name. */
export type Where = 'host' | Place['on'];

/** One thing a person is asked to tick or answer. */
export interface FormItem {
  readonly id: string;
  readonly text: string;
}

/**
 * One act upon the world, as data. The union is closed: what is not here cannot be done, so a plan can always be read in full.
 * Paths are absolute; `root` asks for `sudo -n` (or a root login) on the host.
 */
export type Operation =
  /** Runs an argument vector on the host. */
  | {
      readonly kind: 'exec';
      readonly on: 'host';
      readonly argv: readonly string[];
      readonly root: boolean;
      readonly directory?: string;
      readonly environment?: { readonly [name: string]: string | SecretRef };
    }
  /**
   * Streams `tar` of `from` into the copy folder `to`, here or on a helper, and takes the manifest at the source. To a helper the data
   * goes straight, unless `relay` sends it by way of this machine.
   */
  | {
      readonly kind: 'copy.archive';
      readonly on: Place['on'];
      readonly from: readonly string[];
      readonly exclude: readonly string[];
      readonly to: string;
      readonly keep?: Keep;
      readonly root: boolean;
      readonly relay?: true;
    }
  /** Mirrors `from` into the copy folder `to` here by rsync; unchanged files are hard links into the earlier copy `basis`. */
  | {
      readonly kind: 'copy.rsync';
      readonly on: 'control';
      readonly from: readonly string[];
      readonly exclude: readonly string[];
      readonly to: string;
      readonly basis: string | null;
      readonly keep?: Keep;
      readonly root: boolean;
    }
  /**
   * Dumps databases of a server on the host into the copy folder `to`, each with the rows of its tables and the answers to `ask` as of the
   * very moment of its dump; and its logins and their rights.
   */
  | {
      readonly kind: 'copy.databases';
      readonly on: 'control';
      readonly access: DatabaseAccess;
      readonly databases: readonly string[];
      readonly ask: readonly DatabaseQuestion[];
      readonly to: string;
      readonly keep?: Keep;
      readonly root: boolean;
    }
  /** Restores the copy folder `copy` into the empty folder `scratch`, where the copy is. */
  | { readonly kind: 'copy.restore'; readonly on: Place['on']; readonly copy: string; readonly scratch: string }
  /** Removes a scratch folder that `copy.restore` made. */
  | { readonly kind: 'scratch.remove'; readonly on: Place['on']; readonly scratch: string }
  /**
   * Switches the power by the BMC. `soft` asks the operating system (ACPI); `hard` cuts. `after`: only if the power has not changed
   * that many milliseconds after the operation before it; the action waits, the BMC is not told.
   */
  | {
      readonly kind: 'bmc.power';
      readonly on: 'control';
      readonly want: 'on' | 'off';
      readonly how: 'soft' | 'hard';
      readonly after?: number;
    }
  /** Switches the locator light by the BMC. */
  | { readonly kind: 'bmc.locate'; readonly on: 'control'; readonly want: 'on' | 'off' }
  /** Has the BMC itself start anew. */
  | { readonly kind: 'bmc.reset'; readonly on: 'control' }
  /** Writes the new status of a host into the inventory. */
  | {
      readonly kind: 'inventory.set';
      readonly on: 'control';
      readonly host: string;
      readonly status: 'active' | 'decommissioning' | 'retired';
    }
  /**
   * Cuts the host off the network by its own firewall, but for the SSH connection that decom comes by and for the networks in `keep` (CIDR).
   * Only from a guard on the host itself, which opens it again `reopen_after` milliseconds later unless `network.confirm` comes first.
   */
  | {
      readonly kind: 'network.cut';
      readonly on: 'host';
      readonly run: string;
      readonly keep: readonly string[];
      readonly reopen_after: number;
    }
  /** Comes back on a new connection, and tells the host's guard so: from then on the cut stays. */
  | { readonly kind: 'network.confirm'; readonly on: 'host'; readonly run: string }
  /** Takes away what `network.cut` added, and nothing else. */
  | { readonly kind: 'network.reopen'; readonly on: 'host' }
  /**
   * Takes away what stands on disks of the host before they are erased: mounts, swap, encryption, volume groups, arrays, and their labels. Nothing of it where part of that lies on another
   * disk, a program uses it, or the system runs from it.
   */
  | {
      readonly kind: 'disk.free';
      readonly on: 'host';
      readonly disks: readonly { readonly serial: string; readonly wwn: string; readonly size: number }[];
    }
  /**
   * Erases one disk of the host, told by its serial, where WWN, size (bytes) and sectors are these and nothing stands on it. A canary that only `seed`
   * tells is written before, so that an erase which does nothing is found out.
   */
  | {
      readonly kind: 'disk.erase';
      readonly on: 'host';
      readonly serial: string;
      /** As the kernel writes it; empty where it tells none. */
      readonly wwn: string;
      readonly size: number;
      readonly sector: number;
      readonly technique: Technique;
      readonly seed: string;
      /** How it will be read back. */
      readonly verify: ReadBack;
    }
  /** Asks a person: `confirm` is one question, `checklist` several items with notes. */
  | {
      readonly kind: 'ask';
      readonly on: 'control';
      readonly form: 'confirm' | 'checklist';
      readonly title: string;
      readonly items: readonly FormItem[];
    }
  /** Parks the run until an instant (RFC 3339). */
  | { readonly kind: 'wait'; readonly on: 'control'; readonly until: string; readonly why: string };

/** What runs on the host as a program of its own, begun in one command with what has to hold of that host. */
export const isProgram = (operation: Operation): operation is OperationOf<'exec' | 'disk.free' | 'disk.erase'> =>
  operation.kind === 'exec' || operation.kind === 'disk.free' || operation.kind === 'disk.erase';

/** Whether it makes a copy. */
export const makesCopy = (
  operation: Operation,
): operation is OperationOf<'copy.archive' | 'copy.rsync' | 'copy.databases'> =>
  operation.kind === 'copy.archive' || operation.kind === 'copy.rsync' || operation.kind === 'copy.databases';

/** Whether a helper is let in to the host for it; a process that was killed meanwhile may have left that open. */
export const letsIn = (operation: Operation): operation is OperationOf<'copy.archive'> =>
  operation.kind === 'copy.archive' && operation.relay !== true && operation.on !== 'control';

export type OperationKind = Operation['kind'];
export type OperationOf<K extends OperationKind> = Extract<Operation, { kind: K }>;

/** What is left of a performed operation: small facts about it (≤ 32 KiB as JSON), e.g. bytes copied, exit code. */
export type Receipt = { readonly [key: string]: Json };

/**
 * How an operation ended. `unknown` puts it in doubt: it was begun, and nobody saw the end. `refused`: nothing was begun, as the host is not
 * what it must be.
 */
export type Outcome = BegunOutcome | { readonly outcome: 'refused'; readonly trouble: Trouble };

export type BegunOutcome =
  | { readonly outcome: 'done'; readonly receipt: Receipt }
  | { readonly outcome: 'failed'; readonly trouble: Trouble; readonly receipt?: Receipt }
  | { readonly outcome: 'unknown'; readonly trouble: Trouble };

/** How far a long operation is. Shown, never journaled. Totals are absent where they are not known. */
export interface Progress {
  readonly what: string;
  readonly bytes?: number;
  readonly totalBytes?: number;
  readonly files?: number;
  readonly totalFiles?: number;
  /** Milliseconds that have passed of those that it takes. */
  readonly time?: number;
  readonly totalTime?: number;
}

/** Stands for a value that an earlier step has not produced yet: `(known after files)`. */
export const knownAfter = (step: string): string => `(known after ${step})`;
const knownAfterPattern = /\(known after ([a-z0-9][a-z0-9-]*)\)/g;

/** The steps whose outcome a planned value still waits for. */
export function unknownSources(value: Json | undefined): readonly string[] {
  const found = new Set<string>();
  const walk = (v: Json | undefined): void => {
    if (typeof v === 'string') for (const m of v.matchAll(knownAfterPattern)) found.add(m[1] ?? '');
    else if (Array.isArray(v)) v.forEach(walk);
    else if (v !== null && typeof v === 'object') Object.values(v).forEach(walk);
  };
  walk(value);
  return [...found];
}

/** Whether a fresh value is what was planned; a planned `(known after …)` stands for any text in its place. */
export function matchesPlanned(planned: Json | undefined, fresh: Json | undefined): boolean {
  if (typeof planned === 'string' && typeof fresh === 'string') {
    if (planned === fresh) return true;
    const pieces = planned.split(knownAfterPattern).filter((_, i) => i % 2 === 0);
    if (pieces.length === 1) return false;
    return new RegExp(`^${pieces.map(escapeRegExp).join('[^]+')}$`).test(fresh);
  }
  if (Array.isArray(planned) && Array.isArray(fresh)) {
    return planned.length === fresh.length && planned.every((item, i) => matchesPlanned(item, fresh[i]));
  }
  if (isObject(planned) && isObject(fresh)) {
    const keys = new Set([...Object.keys(planned), ...Object.keys(fresh)]);
    return [...keys].every((key) => matchesPlanned(planned[key], fresh[key]));
  }
  return planned === fresh;
}

const isObject = (v: Json | undefined): v is { readonly [key: string]: Json } =>
  typeof v === 'object' && v !== null && !Array.isArray(v);
const escapeRegExp = (text: string): string => text.replace(/[.*+?^${}()|[\]\\]/g, '\\$&');
