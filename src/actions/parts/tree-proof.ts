import type { Verdict } from '../../core/action.ts';
import { bytesText } from '../../core/bytes-text.ts';
import type { CopyDescription, TreeComparison } from '../../core/probe.ts';
import { type Seen, type Trouble, trouble } from '../../core/result.ts';

/** Whether a restored tree proves its copy. */
export function provedTree(backup: string, about: CopyDescription, tree: Seen<TreeComparison>): Verdict {
  if (!tree.known) return { ok: false, trouble: tree.trouble };
  const compared = tree.value;
  // Its description was read twice: both have to be of the same copy.
  if (compared.manifest !== undefined && compared.manifest !== about.manifest.sha256) {
    return { ok: false, trouble: changedMeanwhile(backup) };
  }
  const unequal = differences(backup, compared) ?? unproven(backup, compared);
  if (unequal !== undefined) return { ok: false, trouble: unequal };
  return {
    ok: true,
    output: { files: compared.files, bytes: compared.bytes },
    evidence: [
      {
        kind: 'restore.proven',
        copy: backup,
        paths: about.from,
        ...(about.exclude.length === 0 ? {} : { exclude: about.exclude }),
        ...(about.file_systems === undefined ? {} : { file_systems: about.file_systems }),
        attributes: compared.attributes,
        level: 'restored',
        sampled: false,
        manifest_started: about.manifest_started,
        ...(compared.vanished === undefined ? {} : { unproven: compared.vanished.count }),
      },
    ],
    said: `${compared.files - (compared.vanished?.count ?? 0)} files, ${bytesText(compared.bytes)} restored and equal; ${attributesText(compared)}${vanishedText(compared)}`,
  };
}

export const changedMeanwhile = (backup: string): Trouble =>
  trouble(
    'copy-changed',
    `the copy ${backup} was changed while it was compared`,
    'This copy cannot prove anything: find out what changed it, and make the copy again.',
  );

/** Why what was restored is not what was at the source, by name; undefined where it is. */
function differences(backup: string, t: TreeComparison): Trouble | undefined {
  if (t.equal && t.entries > 0) return undefined;
  if (t.entries === 0) {
    return trouble(
      'restore-empty',
      `nothing was restored from ${backup}`,
      'Run the step again; if it stays so, make the copy anew.',
    );
  }
  const list = (word: string, count: number, names: readonly string[]): readonly string[] =>
    count === 0 ? [] : [`${count} ${word}: ${names.slice(0, 10).join(', ')}${count > 10 ? ', …' : ''}`];
  const parts = [
    ...list('missing', t.counts.missing, t.missing),
    ...list('extra', t.counts.extra, t.extra),
    ...list(
      'different',
      t.counts.different,
      t.different.map((d) => `${d.name} (${d.attributes.join(', ')})`),
    ),
  ];
  const why = trouble(
    'restore-differs',
    `what was restored from ${backup} is not what was at the source: ${parts.join('; ')}`,
    'The copy proves nothing. Find out why (a writer that still runs, a failing disk), make a new copy, and prove that.',
    t.report === null ? undefined : `all names: out/${t.report.sha256}`,
  );
  return t.report === null ? why : { ...why, blob: t.report };
}

/** Without these nothing can be said of the files' content. */
function unproven(backup: string, t: TreeComparison): Trouble | undefined {
  const needed = ['type', 'size', 'hash'];
  const lacking = needed.filter((name) => !t.attributes.some((a) => a.attribute === name && a.proven));
  return lacking.length === 0
    ? undefined
    : trouble(
        'restore-not-proven',
        `the comparison of ${backup} could not prove: ${lacking.join(', ')}`,
        'Make the copy anew, so that its manifest holds them.',
      );
}

const attributesText = ({ attributes }: TreeComparison): string => {
  const proven = attributes.filter((a) => a.proven).map((a) => a.attribute);
  const not = attributes
    .filter((a) => !a.proven)
    .map((a) => (a.why === undefined ? a.attribute : `${a.attribute} (${a.why})`));
  return `proven: ${proven.join(', ')}${not.length === 0 ? '' : `; not proven: ${not.join(', ')}`}`;
};

/** They are in the copy, as tar read them; the source had them no more when their hashes were taken. */
const vanishedText = ({ vanished }: TreeComparison): string =>
  vanished === undefined
    ? ''
    : `; content not proven: ${vanished.count} that vanished while they were copied (${vanished.names.slice(0, 10).join(', ')}${vanished.count > 10 ? ', …' : ''})`;
