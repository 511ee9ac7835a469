import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { homedir } from 'node:os';
import { basename, dirname, isAbsolute, join, relative, resolve } from 'node:path';
import { type Diagnostic, didYouMean } from '../core/diagnostic.ts';
import type { Helper } from '../core/helper.ts';
import type { Host, WorkspaceFile } from '../core/host.ts';
import { fail, ok, type Result, type Trouble, trouble } from '../core/result.ts';
import type { Freeze } from '../core/window.ts';
import { freezesOf } from '../load/freezes.ts';
import { parseHosts, parseWorkspace } from '../load/workspace.ts';

/** A folder with `decom.yaml`, an inventory and runbooks. File names in it are relative to `folder`, so a plan made elsewhere is the same. */
export interface Workspace {
  readonly folder: string;
  readonly settings: WorkspaceFile;
  /** Relative to `folder`. */
  readonly hostsFile: string;
  /** Absolute. */
  readonly state: string;
  /** Absolute; absent where logs are not signed. */
  readonly allowedSigners?: string;
}

/** Why a command cannot begin: places in files, or troubles of another kind. */
export type Problem = Diagnostic | Trouble;

export const isDiagnostic = (problem: Problem): problem is Diagnostic => 'line' in problem;

/** Finds the workspace by walking up from a folder, and reads its settings; `quick` for `validate` alone, as in `parseSource`. */
export function openWorkspace(
  from: string,
  environment: { readonly [name: string]: string | undefined },
  quick = false,
): Result<Workspace, readonly Problem[]> {
  const folder = findUp(resolve(from));
  if (folder === undefined) {
    const what = `there is no decom.yaml in ${resolve(from)} or above it`;
    return fail([trouble('no-workspace', what, 'Make a workspace with: decom init, or name its folder with -C.')]);
  }
  const unsafe = foreignAbove(folder, resolve(from), environment) ?? openToOthers(folder, 'decom.yaml');
  if (unsafe !== undefined) return fail([unsafe]);
  const bytes = readWorkspaceFile(folder, 'decom.yaml');
  if (!bytes.ok) return fail([bytes.error]);
  const settings = parseWorkspace(bytes.value, 'decom.yaml', quick);
  if (!settings.ok) return settings;
  const { hosts = 'hosts.yaml', allowed_signers } = settings.value;
  for (const file of allowed_signers === undefined ? [hosts] : [hosts, allowed_signers]) {
    const open = openToOthers(folder, file);
    if (open !== undefined) return fail([open]);
  }
  return ok({
    folder,
    settings: settings.value,
    hostsFile: settings.value.hosts ?? 'hosts.yaml',
    state: stateFolder(folder, settings.value.state, environment),
    ...(settings.value.allowed_signers === undefined
      ? {}
      : { allowedSigners: resolve(folder, settings.value.allowed_signers) }),
  });
}

function findUp(from: string): string | undefined {
  for (let folder = from; ; folder = dirname(folder)) {
    if (existsSync(join(folder, 'decom.yaml'))) return folder;
    if (dirname(folder) === folder) return undefined;
  }
}

/**
 * A workspace says which programs are started here, so that one which somebody left in a folder above would act as whoever comes by. One
 * that is named, or stood in, is taken for wanted.
 */
function foreignAbove(
  folder: string,
  from: string,
  environment: { readonly [name: string]: string | undefined },
): Trouble | undefined {
  const owner = statSync(join(folder, 'decom.yaml')).uid;
  const mine = process.geteuid?.() ?? owner;
  const trusted = [0, mine, ...(mine === 0 && environment.SUDO_UID ? [Number(environment.SUDO_UID)] : [])];
  if (folder === from || trusted.includes(owner)) return undefined;
  return trouble(
    'foreign-workspace',
    `${join(folder, 'decom.yaml')} belongs to somebody else (user ${owner}), and was found above ${from}`,
    `If it is the one you mean, name its folder: -C ${folder}`,
  );
}

/** As ssh has it of its own files: what anybody may write tells nothing. Who shares a group with a file shares the workspace. */
function openToOthers(folder: string, file: string): Trouble | undefined {
  const path = resolve(folder, file);
  const { mode } = statSync(path, { throwIfNoEntry: false }) ?? { mode: 0 };
  if ((mode & 0o002) === 0) return undefined;
  return trouble('open-to-others', `${path} can be written by everybody here`, `Close it: chmod o-w ${path}`);
}

function stateFolder(
  folder: string,
  setting: string | undefined,
  environment: { readonly [name: string]: string | undefined },
): string {
  if (setting !== undefined) return resolve(folder, setting);
  if (environment.DECOM_STATE_DIR) return resolve(environment.DECOM_STATE_DIR);
  const home = environment.XDG_STATE_HOME || join(environment.HOME || homedir(), '.local', 'state');
  return join(home, 'decom');
}

/** The organisation's zone, as what reads runbooks takes it. */
export const zoneOf = ({ settings }: Workspace): { readonly timezone?: string } => {
  const timezone = settings.organisation?.timezone;
  return timezone === undefined ? {} : { timezone };
};

/** The freezes of a workspace as they stand now: they may have been added since it was opened. */
export function freezesNow(workspace: Workspace): Result<readonly Freeze[]> {
  const settings = settingsNow(workspace, 'freezes-unreadable', 'whether changes are frozen');
  return settings.ok ? ok(freezesOf(settings.value)) : settings;
}

/** The settings as they stand now; `about` is what cannot be told without them. */
export function settingsNow({ folder }: Workspace, code: string, about: string): Result<WorkspaceFile> {
  const bytes = readWorkspaceFile(folder, 'decom.yaml');
  const settings = bytes.ok ? parseWorkspace(bytes.value, 'decom.yaml') : fail([bytes.error]);
  if (settings.ok) return settings;
  const why = settings.error.map(({ what }) => what).join(' ');
  const fix = 'Correct decom.yaml; what is wrong says: decom validate';
  return fail(trouble(code, `${about} cannot be told: ${why}`, fix));
}

/** A file's bytes, named relative to the workspace or absolute; trouble names it as given. */
export function readWorkspaceFile(folder: string, file: string): Result<Uint8Array> {
  try {
    return ok(readFileSync(resolve(folder, file)));
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    if (code === 'ENOENT') return fail(trouble('no-file', `there is no file ${file}`, 'Correct its name, or make it.'));
    if (code === 'EISDIR') return fail(trouble('no-file', `${file} is a folder`, 'Name a file.'));
    return fail(trouble('unreadable', `${file} cannot be read: ${message}`, 'Check its permissions.'));
  }
}

export function readHosts(
  workspace: Pick<Workspace, 'folder' | 'hostsFile'>,
): Result<readonly Host[], readonly Problem[]> {
  const bytes = readWorkspaceFile(workspace.folder, workspace.hostsFile);
  if (!bytes.ok) return fail([{ ...bytes.error, fix: addHost }]);
  const hosts = parseHosts(bytes.value, workspace.hostsFile);
  if (hosts.ok) return hosts;
  const none = (fault: Diagnostic): boolean => fault.code === 'empty' && fault.what.startsWith('"hosts" ');
  return fail(hosts.error.map((fault) => (none(fault) ? { ...fault, fix: addHost } : fault)));
}

const addHost = 'Add a host with: decom host add NAME --address ADDRESS';

/** The other machines that decom.yaml declares. */
export const helpersOf = ({ settings }: Workspace): readonly Helper[] =>
  Object.entries(settings.helpers ?? {}).map(([name, entry]) => ({ name, ...entry }));

/** The inventory's entry of that very name; names are never matched in part. */
export function findHost(workspace: Workspace, name: string): Result<Host, readonly Problem[]> {
  const hosts = readHosts(workspace);
  if (!hosts.ok) return hosts;
  const host = hosts.value.find((h) => h.name === name);
  if (host !== undefined) return ok(host);
  const names = hosts.value.map((h) => h.name);
  const fix = didYouMean(name, names) || `Known hosts: ${names.join(', ')}. Add one with: decom host add`;
  return fail([trouble('unknown-host', `there is no host "${name}" in ${workspace.hostsFile}`, fix)]);
}

/** Runbooks in `runbooks/` by name; files in folders below it are phases. */
export function runbookNames(workspace: Workspace): readonly string[] {
  const folder = join(workspace.folder, 'runbooks');
  if (!existsSync(folder) || !statSync(folder).isDirectory()) return [];
  return readdirSync(folder)
    .filter((file) => /\.ya?ml$/.test(file))
    .sort();
}

/** The file of a runbook, relative to the workspace: by `-r` (a name in `runbooks/`, or a file), else the workspace's own choice. */
export function findRunbook(
  workspace: Workspace,
  named: string | undefined,
  cwd: string,
): Result<string, readonly Problem[]> {
  const files = runbookNames(workspace);
  const names = files.map((file) => file.replace(/\.ya?ml$/, ''));
  const wanted = named ?? workspace.settings.runbook ?? (names.length === 1 ? names[0] : undefined);
  if (wanted === undefined) {
    const what = names.length === 0 ? 'the workspace has no runbooks' : 'the workspace has several runbooks';
    const fix =
      names.length === 0
        ? 'Put one into runbooks/, or take the shipped ones: decom init .'
        : `Choose one with -r, or by "runbook:" in decom.yaml: ${names.join(', ')}`;
    return fail([trouble('which-runbook', what, fix)]);
  }
  const found = files[names.indexOf(wanted)];
  if (found !== undefined) return ok(join('runbooks', found));
  if (/[/\\]|\.ya?ml$/.test(wanted)) {
    const base = named === undefined ? workspace.folder : cwd;
    return ok(inWorkspace(workspace.folder, resolve(base, wanted)));
  }
  const fix = didYouMean(wanted, names) || `Known runbooks: ${names.join(', ')}`;
  return fail([trouble('unknown-runbook', `there is no runbook "${wanted}" in runbooks/`, fix)]);
}

/** A path as the workspace names it: relative to it where it lies inside, else absolute. */
export function inWorkspace(folder: string, path: string): string {
  const inside = relative(folder, path);
  return inside.startsWith('..') || isAbsolute(inside) ? path : inside;
}

/** A path of the workspace as a person in `cwd` would type it. */
export function fromHere(folder: string, file: string, cwd: string): string {
  const path = resolve(folder, file);
  const here = relative(cwd, path);
  return here === '' ? basename(path) : here.startsWith('../..') ? path : here;
}
