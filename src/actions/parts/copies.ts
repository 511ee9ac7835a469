import type { Static } from 'typebox';
import * as Type from 'typebox';
import type { ExamineContext, Planned, Probe, Setting, Verdict } from '../../core/action.ts';
import { belowFolder, unknownHelper } from '../../core/helper.ts';
import type { Operation } from '../../core/operation.ts';
import { placeOf, placePattern, whereWords } from '../../core/place.ts';
import type { CopyDescription, CopySeen, PathSeen, PlaceSeen } from '../../core/probe.ts';
import { type Seen, type Trouble, trouble } from '../../core/result.ts';

const Absolute = (description: string) =>
  Type.String({ pattern: '^/', patternErrorMessage: 'an absolute path', description });

const fields = {
  from: Type.Array(Absolute('A path on the host.'), {
    minItems: 1,
    uniqueItems: true,
    description: 'What to copy: absolute paths on the host.',
  }),
  to: Type.String({
    pattern: placePattern,
    patternErrorMessage: 'an absolute path here, or HELPER:/ABSOLUTE/PATH',
    description:
      'The folder that holds all copies: an absolute path here (a mounted vault, or a disk), or HELPER:/ABSOLUTE/PATH on a helper that decom.yaml declares.',
  }),
  exclude: Type.Optional(
    Type.Array(Absolute('A path on the host.'), {
      minItems: 1,
      uniqueItems: true,
      description: 'What to leave out: absolute paths, each exactly that file or folder. No wildcards.',
    }),
  ),
};

export const ArchiveInput = Type.Object(
  {
    ...fields,
    relay: Type.Optional(
      Type.Boolean({
        description:
          'Send the data to a helper by way of this machine: where the two cannot reach each other. Default false: straight.',
      }),
    ),
  },
  { additionalProperties: false, description: 'Copies paths of the host into one archive in a folder of its own.' },
);

export const RsyncInput = Type.Object(
  {
    ...fields,
    to: Absolute('The folder here that holds all copies (a mounted vault, or a disk). Absolute.'),
    builds_on: Type.Optional(
      Type.String({
        pattern: '^[a-z0-9][a-z0-9-]*$',
        patternErrorMessage: 'the id of a step',
        description:
          'Id of an earlier backup.rsync step with the same "to": files that have not changed since are not copied again. Default: the newest copy of another run.',
      }),
    ),
  },
  { additionalProperties: false, description: 'Mirrors paths of the host into a folder of its own here.' },
);
type RsyncInput = Static<typeof RsyncInput>;

/** What the kinds of backup are told. */
export type BackupInput = Static<typeof ArchiveInput>;

export const BackupOutput = Type.Object({
  backup: Type.String(),
  files: Type.Integer(),
  bytes: Type.Integer(),
  manifest: Type.String(),
});

/** Overlapping paths would be copied and counted twice. */
export function overlap({ from }: BackupInput): string | undefined {
  if (from.includes('/')) return '"/" holds /proc, /sys and /dev, which are no files: name the folders to copy';
  for (const path of from) {
    const parts = path.split('/').slice(1);
    if (path !== '/' && parts.some((p) => p === '' || p === '.' || p === '..')) {
      return `"${path}" is not a plain absolute path: write it without "//", ".", ".." and a "/" at the end`;
    }
    const outer = from.find((other) => other !== path && `${path}/`.startsWith(other === '/' ? '/' : `${other}/`));
    if (outer !== undefined) return `"${path}" lies inside "${outer}": name only one of them`;
  }
  return undefined;
}

export interface BackupFacts {
  readonly paths: Seen<readonly PathSeen[]>;
  readonly place: Seen<PlaceSeen>;
  /** What a helper that keeps the copy lacks to fetch it straight from the host; absent where it does not. */
  readonly way?: Seen<{ readonly lacks: readonly string[] }>;
  readonly tools: Seen<{ readonly [name: string]: boolean }>;
  readonly copy: Seen<CopySeen>;
  /** The newest complete copy of this host that an incremental one can build on, and how much is in it. */
  readonly basis: Seen<{ readonly copy: string; readonly bytes: number } | null>;
}

/** Each attempt of each plan has a folder of its own, so that no copy ever grows into another. */
export const copyFolder = ({ to }: BackupInput, { host, plan, step }: Setting): string =>
  `${to}/${host.name}/${plan}-${step}`;

export async function inspectBackup(
  input: BackupInput & Pick<RsyncInput, 'builds_on'>,
  method: CopyDescription['method'],
  tools: readonly string[],
  probe: Probe,
  setting: Setting,
): Promise<BackupFacts> {
  const { on } = placeOf(input.to);
  const [paths, place, found, copy, basis, way] = await Promise.all([
    probe({ kind: 'host.paths', paths: input.from, root: setting.host.sudo }),
    probe({ kind: 'place', path: input.to }),
    probe({ kind: 'host.tools', names: tools }),
    probe({ kind: 'copy', copy: copyFolder(input, setting) }),
    method === 'rsync' ? findBasis(input, probe, setting) : ({ known: true, value: null } as const),
    on === 'control' || input.relay === true ? undefined : probe({ kind: 'helper.way', helper: on }),
  ]);
  return { paths, place, tools: found, copy, basis, ...(way === undefined ? {} : { way }) };
}

/**
 * The plan must name the same basis whenever it is made, or the last copy would count as drift: so a copy of this run is named by its step,
 * whether it is there yet or not, and found by looking only among the copies of other runs.
 */
async function findBasis({ to, builds_on }: RsyncInput, probe: Probe, setting: Setting): Promise<BackupFacts['basis']> {
  const folder = `${to}/${setting.host.name}`;
  if (builds_on !== undefined) {
    const copy = `${folder}/${setting.plan}-${builds_on}`;
    const seen = await probe({ kind: 'copy', copy });
    if (!seen.known) return seen;
    return { known: true, value: { copy, bytes: seen.value.description?.bytes ?? 0 } };
  }
  const copies = await probe({ kind: 'copies', folder, method: 'rsync' });
  if (!copies.known) return copies;
  const mine = `${folder}/${setting.plan}-`;
  for (const copy of copies.value.filter((path) => !path.startsWith(mine))) {
    const seen = await probe({ kind: 'copy', copy });
    if (!seen.known) return seen;
    const { state, description } = seen.value;
    if (state === 'complete' && description?.serial === setting.host.serial) {
      return { known: true, value: { copy, bytes: description.bytes } };
    }
  }
  return { known: true, value: null };
}

/** The facts to plan on while an input is still unknown: nothing in the way, nothing there yet. */
export const foreseenBackup: BackupFacts = {
  paths: { known: true, value: [{ path: '/', kind: 'directory', bytes: { known: true, value: 0 } }] },
  place: { known: true, value: { exists: true, empty: true, writable: true, free: Number.MAX_SAFE_INTEGER } },
  tools: { known: true, value: {} },
  copy: { known: true, value: { state: 'missing', description: null } },
  basis: { known: true, value: null },
};

export function planBackup(
  input: BackupInput,
  facts: BackupFacts,
  setting: Setting,
  method: CopyDescription['method'],
  operation: (to: string, basis: string | null) => Operation,
): Planned {
  const stranger = notDeclared(input.to, setting);
  if (stranger !== undefined) return { blocked: stranger };
  const { paths, place, tools, copy, basis, way } = facts;
  for (const seen of [copy, paths, place, tools, basis, way ?? copy]) if (!seen.known) return { blocked: seen.trouble };
  if (!copy.known || !paths.known || !place.known || !tools.known || !basis.known) return [];
  const to = copyFolder(input, setting);
  if (copy.value.state === 'complete') {
    const about = copy.value.description;
    const wrong =
      notThisCopy(to, input, setting, method, about) ?? (about === null ? undefined : notAllRead(to, about, setting));
    return wrong === undefined ? [] : { blocked: wrong };
  }
  const blocked =
    badPaths(paths.value, setting.host.sudo) ??
    lacksTools(tools.value) ??
    lacksWay(input.to, way?.known ? way.value.lacks : []) ??
    noRoom(input.to, paths.value, place.value, basis.value);
  return blocked === undefined ? [operation(to, basis.value?.copy ?? null)] : { blocked };
}

function badPaths(paths: readonly PathSeen[], asRoot: boolean): Trouble | undefined {
  if (paths.length === 0) {
    return trouble(
      'nothing-to-copy',
      'there is nothing to copy: the list of paths is empty',
      'Name at least one path in "from".',
    );
  }
  const of = (kind: PathSeen['kind']) => paths.filter((p) => p.kind === kind).map((p) => p.path);
  const missing = of('missing');
  if (missing.length > 0) {
    return trouble(
      'path-missing',
      `what is to be copied is not on the host: ${missing.join(', ')}`,
      'Correct "from" (or the param it comes from), or take the path off the list.',
    );
  }
  const unreadable = of('unreadable');
  if (unreadable.length > 0) {
    return trouble(
      'path-unreadable',
      `not readable on the host: ${unreadable.join(', ')}`,
      asRoot
        ? 'Root cannot read it either: a network or user file system (NFS root_squash, FUSE) or SELinux keeps it closed. Read it where it comes from, or take it off the list.'
        : 'Log in as root, or set "ssh.sudo: true" in the inventory entry of the host.',
    );
  }
  const links = of('symlink');
  if (links.length > 0) {
    return trouble(
      'path-is-link',
      `symbolic links on the host: ${links.join(', ')}; copying one copies no file`,
      'Name the folder that it points to instead.',
    );
  }
  const other = of('other');
  if (other.length === 0) return undefined;
  return trouble(
    'path-is-special',
    `neither a file nor a folder: ${other.join(', ')}`,
    'A device or socket cannot be copied as files. Take it off the list, or copy it with a step of its own.',
  );
}

function lacksTools(tools: { readonly [name: string]: boolean }): Trouble | undefined {
  const { sha256sum, openssl, shasum, ...needed } = tools;
  const missing = Object.keys(needed).filter((name) => !needed[name]);
  const hashers = [sha256sum, openssl, shasum].filter((found) => found !== undefined);
  if (hashers.length > 0 && !hashers.includes(true)) missing.push('sha256sum (or openssl, or shasum)');
  return missing.length === 0
    ? undefined
    : trouble(
        'tool-missing',
        `a program that the copy needs is not on the host: ${missing.join(', ')}`,
        'Install it there, or use another kind of backup.',
      );
}

/** Why a place on another machine cannot be meant: none of that name is declared, or it lies outside its folder. */
export function notDeclared(place: string, { helpers }: Setting): Trouble | undefined {
  const { on, path } = placeOf(place);
  if (on === 'control') return undefined;
  const helper = helpers[on];
  if (helper === undefined) {
    return unknownHelper(
      on,
      Object.keys(helpers).map((name) => ({ name })),
    );
  }
  const below = belowFolder({ name: on, folder: helper.folder }, path);
  return below.ok ? undefined : below.error;
}

function lacksWay(to: string, lacks: readonly string[]): Trouble | undefined {
  if (lacks.length === 0) return undefined;
  const { on } = placeOf(to);
  return trouble(
    'tool-missing',
    `${on} lacks what it fetches from the host with: ${lacks.join(', ')}`,
    `Install openssh-client on ${on}; or make the copy here.`,
  );
}

/** Room for all that is known to come, and a twentieth more. */
export function roomFor(path: string, bytes: number, free: number): Trouble | undefined {
  const needed = Math.ceil(bytes * 1.05);
  return free >= needed
    ? undefined
    : trouble(
        'no-room',
        `${path} has ${bytesText(free)} free, and ${bytesText(needed)} are needed`,
        'Make room there, or choose another place.',
      );
}

function noRoom(
  to: string,
  paths: readonly PathSeen[],
  place: PlaceSeen,
  basis: { readonly bytes: number } | null,
): Trouble | undefined {
  if (!place.writable) {
    return trouble(
      'place-not-writable',
      `${to} is not writable ${whereWords(placeOf(to).on)}`,
      'Mount the vault, create the folder, or correct its owner.',
    );
  }
  const bytes = paths.reduce((sum, p) => sum + (p.bytes.known ? p.bytes.value : 0), 0);
  // Unchanged files become links into the earlier copy and take no room.
  return roomFor(to, basis === null ? bytes : Math.max(bytes - basis.bytes, Math.ceil(bytes * 0.05)), place.free);
}

export interface BackupAfter {
  readonly copy: Seen<CopySeen>;
}

export const examineBackup = async (
  input: BackupInput,
  context: ExamineContext,
  setting: Setting,
): Promise<BackupAfter> => ({ copy: await context.probe({ kind: 'copy', copy: copyFolder(input, setting) }) });

export function verifyBackup(
  input: BackupInput,
  { copy }: BackupAfter,
  setting: Setting,
  method: CopyDescription['method'],
): Verdict {
  const to = copyFolder(input, setting);
  if (!copy.known) return { ok: false, trouble: copy.trouble };
  const about = copy.value.description;
  if (copy.value.state !== 'complete' || about === null) {
    return {
      ok: false,
      trouble: trouble(
        'copy-not-complete',
        `the copy ${to} is ${copy.value.state}`,
        'Run the step again: it starts anew.',
      ),
    };
  }
  const wrong =
    notThisCopy(to, input, setting, method, about) ?? emptyCopy(to, about) ?? notAllRead(to, about, setting);
  if (wrong !== undefined) return { ok: false, trouble: wrong };
  return {
    ok: true,
    output: { backup: to, files: about.files, bytes: about.bytes, manifest: about.manifest.sha256 },
    evidence: [],
    said: `${about.files} files, ${bytesText(about.bytes)} in ${to}${changedText(about)}; manifest sha256 ${about.manifest.sha256}`,
  };
}

function changedText(about: CopyDescription): string {
  const names = changed(about);
  if (names.length === 0) return '';
  return `; ${names.length} changed while ${names.length === 1 ? 'it was' : 'they were'} copied (${names.slice(0, 3).join(', ')}${names.length > 3 ? ', …' : ''})`;
}

function notThisCopy(
  to: string,
  { from, exclude = [] }: BackupInput,
  { host }: Setting,
  method: CopyDescription['method'],
  about: CopyDescription | null,
): Trouble | undefined {
  const set = (list: readonly string[]) => JSON.stringify([...list].sort());
  const wrong =
    about === null
      ? 'has no description'
      : about.serial !== host.serial
        ? `is of the machine with serial "${about.serial}", not "${host.serial}"`
        : set(about.from) !== set(from)
          ? `holds ${about.from.join(', ')}, not ${from.join(', ')}`
          : set(about.exclude) !== set(exclude)
            ? 'was made with other exclusions'
            : about.method !== method
              ? `was made by ${about.method}, not ${method}`
              : undefined;
  return wrong === undefined
    ? undefined
    : trouble('copy-of-other', `the copy ${to} ${wrong}`, 'Move that folder away, or give another "to".');
}

export const emptyCopy = (copy: string, about: CopyDescription): Trouble | undefined =>
  about.entries > 0
    ? undefined
    : trouble('copy-empty', `the copy ${copy} holds nothing`, 'Look at the paths on the host and at "exclude".');

/** Nothing is lost with a socket, which holds no data, or with a file that was gone before it was read. */
const harmless = /\bsocket\b|vanished|removed before we read/i;
/** Copied, but not of one moment: whether it matches is for the restore to show, file by file. */
const moving = /changed as we read|shrank by/i;

/** Files that changed while they were copied, by name: expected as long as services run, and no proof of them. */
const changed = (about: CopyDescription): readonly string[] =>
  about.unread.filter(({ why }) => moving.test(why)).map(({ name }) => name);

/** Trouble where the source could not give what a copy must hold. */
export function notAllRead(copy: string, about: CopyDescription, { host }: Setting): Trouble | undefined {
  const lost = about.unread.filter(({ why }) => !harmless.test(why) && !moving.test(why));
  // Beyond those that are listed, nobody knows why.
  const count = lost.length + Math.max(0, (about.unread_count ?? 0) - about.unread.length);
  if (count === 0) return undefined;
  const first = lost.slice(0, 10).map(({ name, why }) => (name === '' ? why : `${name} (${why})`));
  const more = count > first.length ? ` and ${count - first.length} more` : '';
  const entries =
    count === 1
      ? '1 entry could not be read at the source and is'
      : `${count} entries could not be read at the source and are`;
  return trouble(
    'copy-has-gaps',
    `${entries} not in ${copy}: ${first.join(', ')}${more}`,
    `Make them readable (root, or ssh.sudo), or leave them out by name with "exclude"; then have the step done once more: decom replan ${host.name} --redo ${madeBy(copy)}`,
  );
}

/** The step that made a copy, by its folder: `<plan>-<step>`, where a plan's id has no dash. */
const madeBy = (copy: string): string => copy.slice(copy.lastIndexOf('/') + 1).replace(/^[^-]*-/, '');

/** Bytes as people read them: `0 B`, `512 B`, `1.5 GiB`. */
export function bytesText(bytes: number): string {
  const units = ['B', 'KiB', 'MiB', 'GiB', 'TiB', 'PiB'];
  let value = bytes;
  let unit = 0;
  while (value >= 1024 && unit < units.length - 1) {
    value /= 1024;
    unit++;
  }
  return `${unit === 0 ? value : value.toFixed(1)} ${units[unit]}`;
}
