import type { ExamineContext, Planned, Probe, Setting, Verdict } from '../../core/action.ts';
import { bytesText } from '../../core/bytes-text.ts';
import {
  compareReleases,
  type DatabaseAccess,
  type DatabasesSeen,
  releaseOf,
  type ServersHere,
} from '../../core/databases.ts';
import type { CopyDescription, CopySeen, PlaceSeen } from '../../core/probe.ts';
import { type Seen, type Trouble, trouble } from '../../core/result.ts';
import { noFolder, noRoom, roomFor } from './before-copy.ts';
import { copyFolder, keptOf } from './copies.ts';
import type { DatabaseInput } from './database-input.ts';
import { noServerHere } from './database-server.ts';

export interface DatabaseFacts {
  readonly databases: Seen<DatabasesSeen>;
  readonly here: Seen<ServersHere>;
  readonly place: Seen<PlaceSeen>;
  readonly copy: Seen<CopySeen>;
}

export async function inspectDatabases(
  input: DatabaseInput,
  access: DatabaseAccess,
  probe: Probe,
  setting: Setting,
): Promise<DatabaseFacts> {
  const copy = await probe({ kind: 'copy', copy: copyFolder(input, setting) });
  const [databases, here, place] = await Promise.all([
    // A copy that is made stays true when its server is stopped.
    copy.known && copy.value.state === 'complete'
      ? ({ known: false, trouble: notAsked } as const)
      : probe({ kind: 'databases', access, root: setting.host.sudo }),
    probe({ kind: 'databases.here', server: access.server }),
    probe({ kind: 'place', path: input.to }),
  ]);
  return { databases, here, place, copy };
}

const notAsked = trouble('not-asked', 'the server was not asked, as its copy is complete', 'Nothing is to be done.');

export function planDatabases(
  input: DatabaseInput,
  access: DatabaseAccess,
  facts: DatabaseFacts,
  setting: Setting,
): Planned {
  const { databases, here, place, copy } = facts;
  if (!copy.known) return { blocked: copy.trouble };
  const to = copyFolder(input, setting);
  if (copy.value.state === 'complete') {
    const wrong = notThisCopy(to, input, setting, access, copy.value.description);
    return wrong === undefined ? [] : { blocked: wrong };
  }
  if (!databases.known) return { blocked: databases.trouble };
  if (!place.known) return { blocked: place.trouble };
  const { product, version, databases: there } = databases.value;
  const names = input.databases ?? there.map(({ name }) => name);
  const wanted = there.filter(({ name }) => names.includes(name));
  const bytes = wanted.reduce((sum, one) => sum + one.bytes, 0);
  const blocked =
    strangeNames(input, names, databases.value) ??
    oldTool(databases.value) ??
    noServerHere(here, product, version) ??
    noFolder(input.to, place.value) ??
    noRoom(input.to, [], place.value, null) ??
    roomFor(input.to, bytes, place.value.free);
  if (blocked !== undefined) return { blocked };
  const { ask = [], keep } = input;
  const term = keep === undefined ? {} : { keep };
  return [
    { kind: 'copy.databases', on: 'control', access, databases: names, ask, to, root: setting.host.sudo, ...term },
  ];
}

function strangeNames(
  { ask = [] }: DatabaseInput,
  names: readonly string[],
  { product, databases }: DatabasesSeen,
): Trouble | undefined {
  const known = databases.map(({ name }) => name);
  if (names.length === 0) {
    return trouble(
      'nothing-to-copy',
      `${product} on the host has no database to copy`,
      'Take the step off the runbook, or correct "port" or "socket": another server may be meant.',
    );
  }
  const strangers = names.filter((name) => !known.includes(name));
  if (strangers.length > 0) {
    return trouble(
      'no-such-database',
      `${product} on the host has no database ${strangers.join(', ')}; it has ${known.join(', ') || 'none'}`,
      'Correct "databases", or "port" or "socket": another server may be meant.',
    );
  }
  const asked = ask.find(({ database }) => !names.includes(database));
  return asked === undefined
    ? undefined
    : trouble(
        'no-such-database',
        `"ask" asks "${asked.database}", which is not copied`,
        'Correct "ask" or "databases".',
      );
}

function oldTool({ product, version, tool }: DatabasesSeen): Trouble | undefined {
  const release = releaseOf(version);
  if (tool !== null && compareReleases(releaseOf(tool), release) >= 0) return undefined;
  return trouble(
    'tool-too-old',
    `the host has ${product} ${version}, and the program there that dumps is ${tool === null ? 'of an unknown version' : `of ${tool}`}`,
    `Install the client programs of ${product} ${release} there.`,
  );
}

/** Others that are connected: a copy is the last one only if none of them writes any more. */
export function remarksOnDatabases({ databases }: DatabaseFacts): readonly string[] {
  if (!databases.known || databases.value.sessions === 0) return [];
  const { product, sessions } = databases.value;
  return [
    `${sessions === 1 ? 'One other session is' : `${sessions} other sessions are`} connected to ${product}: what they write after the dump is in no copy. Stop what they belong to before it.`,
  ];
}

function notThisCopy(
  to: string,
  { databases }: DatabaseInput,
  { host }: Setting,
  { server }: DatabaseAccess,
  about: CopyDescription | null,
): Trouble | undefined {
  const names = about?.databases?.each.map(({ name }) => name) ?? [];
  const set = (list: readonly string[]) => JSON.stringify([...list].sort());
  const wrong =
    about === null
      ? 'has no description'
      : about.serial !== host.serial
        ? `is of the machine with serial "${about.serial}", not "${host.serial}"`
        : about.method !== server
          ? `was made by ${about.method}, not ${server}`
          : databases !== undefined && set(databases) !== set(names)
            ? `holds ${names.join(', ')}, not ${databases.join(', ')}`
            : undefined;
  return wrong === undefined
    ? undefined
    : trouble('copy-of-other', `the copy ${to} ${wrong}`, 'Move that folder away, or give another "to".');
}

export interface DatabaseAfter {
  readonly copy: Seen<CopySeen>;
}

export const examineDatabases = async (
  input: DatabaseInput,
  context: ExamineContext,
  setting: Setting,
): Promise<DatabaseAfter> => ({ copy: await context.probe({ kind: 'copy', copy: copyFolder(input, setting) }) });

export function verifyDatabases(
  input: DatabaseInput,
  access: DatabaseAccess,
  { copy }: DatabaseAfter,
  setting: Setting,
): Verdict {
  const to = copyFolder(input, setting);
  if (!copy.known) return { ok: false, trouble: copy.trouble };
  const about = copy.value.description;
  const made = about?.databases;
  if (copy.value.state !== 'complete' || about === null || made === undefined) {
    const why = trouble(
      'copy-not-complete',
      `the copy ${to} is ${copy.value.state}`,
      'Run the step again: it starts anew.',
    );
    return { ok: false, trouble: why };
  }
  const wrong = notThisCopy(to, input, setting, access, about);
  if (wrong !== undefined) return { ok: false, trouble: wrong };
  const tables = made.each.reduce((sum, one) => sum + one.tables, 0);
  const rows = made.each.reduce((sum, one) => sum + one.rows, 0);
  return {
    ok: true,
    output: {
      backup: to,
      databases: made.each.length,
      tables,
      rows,
      bytes: about.bytes,
      manifest: about.manifest.sha256,
      ...keptOf(about),
    },
    evidence: [],
    said: `${made.product} ${made.version}: ${made.each.map((one) => `${one.name} (${one.rows} rows in ${one.tables} tables, ${bytesText(one.bytes)})`).join(', ')} in ${to}${doubts(about)}; manifest sha256 ${about.manifest.sha256}`,
  };
}

function doubts({ databases }: CopyDescription): string {
  const { before = 0, after = 0 } = databases?.sessions ?? {};
  return before === 0 && after === 0
    ? ''
    : `; others were connected meanwhile (${before} sessions before, ${after} after)`;
}
