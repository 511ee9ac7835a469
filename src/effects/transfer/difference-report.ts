import { readableName } from '../../core/mtree.ts';
import type { BlobStore } from '../../core/ports.ts';
import type { TreeComparison } from '../../core/probe.ts';

type Result = Pick<TreeComparison, 'equal' | 'missing' | 'extra' | 'different' | 'counts' | 'report' | 'vanished'>;

/** Gathers what differs: the first 100 names of each kind for the answer, and the full list as JSON lines for a blob. */
export interface DifferenceReport {
  missing(name: string): void;
  extra(name: string): void;
  different(name: string, attributes: readonly string[]): void;
  /** A file that the source had no hash of any more: no difference, and no proof. */
  vanished(name: string): void;
  /** Attributes that differed anywhere. */
  failed(): ReadonlySet<string>;
  result(blobs: BlobStore): Result;
}

const most = 100;

/** Longest full list in bytes; a tree that differs everywhere says so by its counts. */
const longest = 16 << 20;

export function differenceReport(): DifferenceReport {
  const missing: string[] = [];
  const extra: string[] = [];
  const different: { name: string; attributes: readonly string[] }[] = [];
  const counts = { missing: 0, extra: 0, different: 0 };
  const gone = { count: 0, names: [] as string[] };
  const failed = new Set<string>();
  const pieces: string[] = [];
  let length = 0;
  let left = 0;
  const say = (line: object): void => {
    const text = `${JSON.stringify(line)}\n`;
    if (length + text.length > longest) {
      left++;
      return;
    }
    length += text.length;
    pieces.push(text);
  };
  const told = (name: string) => ({ name, ...(readableName(name) === name ? {} : { reads: readableName(name) }) });
  return {
    missing(name) {
      counts.missing++;
      if (missing.length < most) missing.push(name);
      say({ difference: 'missing', ...told(name) });
    },
    extra(name) {
      counts.extra++;
      if (extra.length < most) extra.push(name);
      say({ difference: 'extra', ...told(name) });
    },
    different(name, attributes) {
      counts.different++;
      for (const attribute of attributes) failed.add(attribute.split(' ')[0] ?? attribute);
      if (different.length < most) different.push({ name, attributes });
      say({ difference: 'different', ...told(name), attributes });
    },
    vanished(name) {
      gone.count++;
      if (gone.names.length < most) gone.names.push(name);
    },
    failed: () => failed,
    result(blobs) {
      const equal = counts.missing + counts.extra + counts.different === 0;
      if (left > 0) pieces.push(`${JSON.stringify({ difference: 'more', count: left })}\n`);
      const report = equal ? null : blobs.put(pieces.join(''));
      return { equal, missing, extra, different, counts, report, ...(gone.count === 0 ? {} : { vanished: gone }) };
    },
  };
}
