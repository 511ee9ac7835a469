import type { ExamineContext, Planned, Probe, Setting, Verdict } from '../../core/action.ts';
import { bytesText } from '../../core/bytes-text.ts';
import type { Operation } from '../../core/operation.ts';
import { placeOf } from '../../core/place.ts';
import type { CopyDescription, CopySeen, PathSeen, PlaceSeen } from '../../core/probe.ts';
import { type Seen, trouble } from '../../core/result.ts';
import type { BackupInput, RsyncInput } from './backup-input.ts';
import { badPaths, lacksTools, lacksWay, noFolder, noRoom, notDeclared } from './before-copy.ts';
import { changed, emptyCopy, notAllRead, notThisCopy } from './copy-holds.ts';

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
export const copyFolder = ({ to }: Pick<BackupInput, 'to'>, { host, plan, step }: Setting): string =>
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
    noFolder(input.to, place.value) ??
    noRoom(input.to, paths.value, place.value, basis.value);
  return blocked === undefined ? [operation(to, basis.value?.copy ?? null)] : { blocked };
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
    output: { backup: to, files: about.files, bytes: about.bytes, manifest: about.manifest.sha256, ...keptOf(about) },
    evidence: [],
    said: `${about.files} files, ${bytesText(about.bytes)} in ${to}${changedText(about)}; manifest sha256 ${about.manifest.sha256}`,
  };
}

function changedText(about: CopyDescription): string {
  const names = changed(about);
  if (names.length === 0) return '';
  return `; ${names.length} changed while ${names.length === 1 ? 'it was' : 'they were'} copied (${names.slice(0, 3).join(', ')}${names.length > 3 ? ', …' : ''})`;
}

/** What a step puts out of the term of its copy. */
export const keptOf = ({ kept }: CopyDescription): { readonly [field: string]: string } =>
  kept === undefined
    ? {}
    : { kept_until: kept.until, may_delete: kept.by, ...(kept.why === undefined ? {} : { kept_why: kept.why }) };
