import { spawnSync } from 'node:child_process';
import { chmodSync, chownSync, fchmodSync, fchownSync, fstatSync, readFileSync, statSync } from 'node:fs';
import { fail, ok, type Result, type Trouble, trouble } from '../../core/result.ts';

/** Who may read and write the state folder: its owner alone, or exactly one group. */
export interface Access {
  /** Modes of folders and files as they are made. */
  readonly folder: number;
  readonly file: number;
  /** The group that `decom.yaml` names; undefined: nobody but the owner. */
  readonly group: { readonly name: string; readonly id: number } | undefined;
}

export const ownerOnly: Access = { folder: 0o700, file: 0o600, group: undefined };

/** The access that a named group has. Whoever makes files for it has to be in it, as the system lets nobody else hand them over. */
export function groupAccess(name: string): Result<Access> {
  const id = groupId(name);
  if (id === undefined) {
    const what = `"group: ${name}" in decom.yaml names a group that this machine does not know`;
    return fail(trouble('group-unknown', what, `Correct the name, or make the group: groupadd ${name}`));
  }
  const mine = [process.getegid?.(), ...(process.getgroups?.() ?? [])];
  if (process.geteuid?.() !== 0 && !mine.includes(id)) {
    const what = `you are not in the group "${name}", which shares this state folder`;
    return fail(trouble('group-not-mine', what, `Have root add you, and log in anew: usermod -aG ${name} USER`));
  }
  return ok({ folder: 0o2770, file: 0o660, group: { name, id } });
}

/** The number of a group, by `getent` (which knows directories of users as well) or from /etc/group where there is none. */
function groupId(name: string): number | undefined {
  if (!/^[A-Za-z0-9_][A-Za-z0-9_.@-]*\$?$/.test(name)) return undefined;
  const asked = spawnSync('getent', ['group', name], { encoding: 'utf8', timeout: 10_000 });
  let text = asked.stdout;
  if (asked.error !== undefined) {
    try {
      text = readFileSync('/etc/group', 'utf8');
    } catch {
      return undefined;
    }
  }
  const fields = text.split('\n').map((line) => line.split(':'));
  const id = fields.find(([found]) => found === name)?.[2];
  return id !== undefined && /^\d+$/.test(id) ? Number(id) : undefined;
}

/** Gives an open file that was just made to the group, whatever the umask is. Nothing to do where there is none. */
export function shareFile(fd: number, { file, group }: Access): void {
  if (group === undefined) return;
  const { uid, gid, mode } = fstatSync(fd);
  // Only its owner may change a file: what another member left is as it has to be already.
  if (gid !== group.id) fchownSync(fd, uid, group.id);
  if ((mode & 0o7777) !== file) fchmodSync(fd, file);
}

/** Gives a folder that was just made to the group. Throws where the file system keeps no such mode. */
export function shareFolder(path: string, { folder, group }: Access): void {
  if (group === undefined) return;
  const { uid, gid } = statSync(path);
  if (gid !== group.id) chownSync(path, uid, group.id);
  chmodSync(path, folder);
  const made = statSync(path);
  if (made.gid !== group.id || (made.mode & 0o7777) !== folder) {
    throw new Error(
      `its file system does not keep the group and the setgid bit of folders (wanted: ${folder.toString(8)} ${group.name})`,
    );
  }
}

/** Why something that is there may not be relied on: somebody beyond those who share it may write there. Undefined where nobody may. */
export function openBeyond(
  { mode, gid }: { readonly mode: number; readonly gid: number },
  { group }: Access,
): string | undefined {
  if ((mode & 0o002) !== 0) return 'everybody may write to it';
  if ((mode & 0o020) !== 0 && group !== undefined && gid !== group.id)
    return `another group (number ${gid}) than "${group.name}" may write to it`;
  return undefined;
}

/** How a state folder that was made before is given to the group. */
export const sharingCommand = (path: string, name: string): string =>
  `chgrp -R ${name} ${path} && find ${path} -type d -exec chmod 2770 {} + && find ${path} -type f -exec chmod 660 {} +`;

/** A state folder that is not shared as `decom.yaml` says. */
export const notShared = (path: string, why: string, name: string): Trouble =>
  trouble(
    'state-not-shared',
    `the state folder is not shared with the group "${name}": ${path}: ${why}`,
    `Have its owner share it: ${sharingCommand(path, name)}`,
  );
