import type { Setting } from '../../core/action.ts';
import { bytesText } from '../../core/bytes-text.ts';
import { belowFolder, unknownHelper } from '../../core/helper.ts';
import { folderMissing, placeOf, whereWords } from '../../core/place.ts';
import type { PathSeen, PlaceSeen } from '../../core/probe.ts';
import { type Trouble, trouble } from '../../core/result.ts';

export function badPaths(paths: readonly PathSeen[], asRoot: boolean): Trouble | undefined {
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

export function lacksTools(tools: { readonly [name: string]: boolean }): Trouble | undefined {
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

export function lacksWay(to: string, lacks: readonly string[]): Trouble | undefined {
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

/**
 * A folder here is never made: a typo, or a vault that is not mounted, would put the copy on this machine's own disk. On a helper the
 * declared folder has to be there, and what is below it is made.
 */
export function noFolder(to: string, { exists, above = '/' }: PlaceSeen): Trouble | undefined {
  const { on, path } = placeOf(to);
  return exists || on !== 'control' ? undefined : folderMissing(path, above);
}

export function noRoom(
  to: string,
  paths: readonly PathSeen[],
  place: PlaceSeen,
  basis: { readonly bytes: number } | null,
): Trouble | undefined {
  if (!place.writable) {
    return trouble(
      'place-not-writable',
      `${to} is not writable ${whereWords(placeOf(to).on)}`,
      'Mount the vault, or correct the owner of the folder.',
    );
  }
  const bytes = paths.reduce((sum, p) => sum + (p.bytes.known ? p.bytes.value : 0), 0);
  // Unchanged files become links into the earlier copy and take no room.
  return roomFor(to, basis === null ? bytes : Math.max(bytes - basis.bytes, Math.ceil(bytes * 0.05)), place.free);
}
