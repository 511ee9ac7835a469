import { bytesText } from './bytes-text.ts';
import type { Evidence } from './evidence.ts';
import type { Execution } from './execution.ts';
import type { CopiedFileSystem, FileSystem } from './probe.ts';
import { isWithin } from './within.ts';

/** A file system that is left out on purpose: the one that is mounted there or, of one that is not mounted, its device. Never those mounted below it. */
export interface NotKept {
  readonly path: string;
  readonly why: string;
  /** Who decided so. */
  readonly by: string;
}

/** A copy that was, or is to be, proved. */
export interface CopyProved {
  /** The step that proves it, or makes it. */
  readonly step: string;
  readonly copy: string;
  readonly paths: readonly string[];
  readonly exclude: readonly string[];
  /** What it crossed into. `foreseen`: it is not made yet, and will be of what is mounted then. */
  readonly file_systems: readonly CopiedFileSystem[] | 'foreseen';
}

/** What a proof says of a copy. It is named by the step that made it, where that is one of this run. */
export function copyProved(
  e: Extract<Evidence, { readonly kind: 'restore.proven' }>,
  { steps }: Pick<Execution, 'steps'>,
): CopyProved {
  const { copy, paths, exclude = [], file_systems = [] } = e;
  const maker = Object.values(steps).find(({ output }) => output.backup === copy)?.id;
  return { step: maker ?? e.step, copy, paths, exclude, file_systems };
}

/** A file system with data, and how none of it is lost. */
export type Coverage = { readonly of: FileSystem } & (
  | {
      readonly covered: 'copied';
      readonly steps: readonly string[];
      /** Paths in it that the copies leave out by name. */
      readonly but: readonly string[];
    }
  | { readonly covered: 'not-kept'; readonly by: string; readonly why: string }
  | { readonly covered: 'elsewhere' }
  | { readonly covered: 'no'; readonly why: string }
);

/** Judges every file system by itself: a copy of what lies above or below it keeps nothing of it. */
export const coverageOf = (
  fileSystems: readonly FileSystem[],
  proved: readonly CopyProved[],
  notKept: readonly NotKept[],
): readonly Coverage[] =>
  fileSystems.map((of): Coverage => {
    if (of.state === 'elsewhere') return { of, covered: 'elsewhere' };
    const left = notKept.find(({ path }) => pathsOf(of).includes(path));
    const copied = proved.map((copy) => ({ copy, gap: gapOf(of, copy) }));
    const whole = copied.filter(({ gap }) => gap === undefined).map(({ copy }) => copy);
    if (whole.length > 0) {
      const steps = [...new Set(whole.map(({ step }) => step))];
      return { of, covered: 'copied', steps, but: leftOut(of, whole) };
    }
    if (left !== undefined) return { of, covered: 'not-kept', by: left.by, why: left.why };
    return {
      of,
      covered: 'no',
      why:
        unmountedWhy(of) ??
        partly(of, proved) ??
        copied.find(({ gap }) => gap !== '')?.gap ??
        'no copy of it is proved',
    };
  });

/** Paths by which somebody may mean it. */
const pathsOf = ({ at, also }: FileSystem): readonly string[] => [at, ...also];

/** Why a copy does not hold all of a file system; undefined where it does, empty where it has nothing to do with it. */
function gapOf(of: FileSystem, { step, paths, exclude, file_systems }: CopyProved): string | undefined {
  if (of.state !== 'mounted') return '';
  let gap = '';
  for (const target of pathsOf(of)) {
    if (!paths.some((path) => isWithin(target, path))) continue;
    const out = exclude.find((path) => isWithin(target, path));
    if (out !== undefined) gap = `the copy of step "${step}" leaves out ${out}`;
    else if (file_systems === 'foreseen' || file_systems.some(({ at, id }) => at === target && id === of.id))
      return undefined;
    else gap = `it was not mounted at ${target} all the time while the copy of step "${step}" was made`;
  }
  return gap;
}

const unmountedWhy = ({ state }: FileSystem): string | undefined => {
  if (state === 'not-mounted') return 'it is not mounted, so no copy of files can hold it';
  if (state === 'hidden') return 'something else is mounted over it, so no copy of files can reach it';
  return undefined;
};

/** What of it is copied, where that is not all. */
function partly(of: FileSystem, proved: readonly CopyProved[]): string | undefined {
  const parts = [
    ...new Set(
      proved.flatMap(({ paths }) =>
        paths.filter((path) => pathsOf(of).some((at) => at !== path && isWithin(path, at))),
      ),
    ),
  ];
  return parts.length === 0 ? undefined : `only ${parts.join(', ')} of it is copied`;
}

/** What every copy that holds it leaves out of it. */
const leftOut = (of: FileSystem, whole: readonly CopyProved[]): readonly string[] =>
  (whole[0]?.exclude ?? []).filter(
    (path) =>
      pathsOf(of).some((at) => isWithin(path, at)) &&
      whole.every(({ exclude }) => exclude.some((one) => isWithin(path, one))),
  );

/** Entries of a list that name no file system: a typo, or one that is gone. */
export const strangeNotKept = (fileSystems: readonly FileSystem[], notKept: readonly NotKept[]): readonly NotKept[] =>
  notKept.filter(({ path }) => !fileSystems.some((of) => pathsOf(of).includes(path)));

/** `/srv/db (xfs on /dev/vdc1, 1.2 GiB)` */
export function fileSystemWords({ at, type, source, used, state }: FileSystem): string {
  const on = source === at ? type : `${type} on ${source}`;
  const size = used === null ? (state === 'elsewhere' ? [] : ['how much is in it is unknown']) : [bytesText(used)];
  return `${at} (${[on === '' ? 'nothing tells what is on it' : on, ...size].join(', ')})`;
}

/** What becomes of one, in words: by which step it is copied, who decided that it is not, or why it is lost. */
export function coverageWords(row: Coverage): string {
  switch (row.covered) {
    case 'copied':
      return `in the copy of ${row.steps.map((step) => `step "${step}"`).join(', ')}${row.but.length === 0 ? '' : `, but for ${row.but.join(', ')}`}`;
    case 'not-kept':
      return `${row.why} (${row.by})`;
    case 'elsewhere':
      return 'its data stays where it is';
    case 'no':
      return row.why;
  }
}
