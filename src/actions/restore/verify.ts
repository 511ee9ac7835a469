import * as Type from 'typebox';
import { action, type Setting } from '../../core/action.ts';
import { bytesText } from '../../core/bytes-text.ts';
import { unknownSources } from '../../core/operation.ts';
import { placeOf, placePattern, placeText, whereWords } from '../../core/place.ts';
import type { CopySeen, PlaceSeen, TreeComparison } from '../../core/probe.ts';
import { type Seen, type Trouble, trouble } from '../../core/result.ts';
import { notDeclared, roomFor } from '../parts/before-copy.ts';
import { emptyCopy, notAllRead } from '../parts/copy-holds.ts';

const Input = Type.Object(
  {
    backup: Type.String({
      pattern: placePattern,
      patternErrorMessage: 'an absolute path here, or HELPER:/ABSOLUTE/PATH',
      description: 'The copy to prove: output "backup" of a backup step.',
    }),
    keep: Type.Optional(Type.Boolean({ description: 'Keep what was restored, for people to look at. Default false.' })),
  },
  { additionalProperties: false, description: 'Restores a copy to a scratch place and compares every file.' },
);

/** `copy` is null while the copy is still to be made. */
interface Facts {
  readonly copy: Seen<CopySeen> | null;
  readonly place: Seen<PlaceSeen>;
}

interface After {
  readonly copy: Seen<CopySeen>;
  readonly tree: Seen<TreeComparison>;
}

export const restoreVerify = action<typeof Input, Facts, After>({
  kind: 'restore.verify',
  about: 'Restores a copy to a scratch place and compares every file with the manifest taken at the source.',
  effect: 'adds',
  once: false,
  irreversible: false,
  input: Input,
  output: Type.Object({ files: Type.Integer(), bytes: Type.Integer() }),
  yields: ['restore.proven'],

  inspect: async ({ backup }, probe, _past, setting) => {
    const [copy, place] = await Promise.all([
      probe({ kind: 'copy', copy: backup }),
      probe({ kind: 'place', path: scratchPlace(backup, setting) }),
    ]);
    return { copy, place };
  },

  holds: ({ copy }) => (copy?.known === true ? (copy.value.description ?? undefined) : undefined),

  foresee: () => ({
    copy: null,
    place: { known: true, value: { exists: true, empty: true, writable: true, free: Number.MAX_SAFE_INTEGER } },
  }),

  plan: ({ backup }, { copy, place }, setting) => {
    const stranger = notDeclared(backup, setting);
    if (stranger !== undefined) return { blocked: stranger };
    if (!place.known) return { blocked: place.trouble };
    const { on } = placeOf(backup);
    if (!place.value.writable) {
      return {
        blocked: trouble(
          'place-not-writable',
          `the scratch place ${scratchPlace(backup, setting)} is not writable ${whereWords(on)}`,
          on === 'control'
            ? 'Correct its owner, or set another state folder in decom.yaml.'
            : `Correct its owner on ${on}.`,
        ),
      };
    }
    if (copy !== null) {
      const wrong = unfit(backup, copy, setting) ?? noRoom(scratchPlace(backup, setting), copy, place.value);
      if (wrong !== undefined) return { blocked: wrong };
    }
    // Where the copy will be kept is known with the copy itself.
    if (unknownSources(backup).length > 0 && Object.keys(setting.helpers).length > 0) {
      return [{ kind: 'copy.restore', on: backup, copy: backup, scratch: backup }];
    }
    return [{ kind: 'copy.restore', on, copy: backup, scratch: scratchOf(backup, setting) }];
  },

  examine: async ({ backup }, _receipts, { probe }, setting) => ({
    copy: await probe({ kind: 'copy', copy: backup }),
    tree: await probe({ kind: 'tree.compare', copy: backup, tree: scratchOf(backup, setting) }),
  }),

  verify: ({ backup }, { copy, tree }, setting) => {
    const wrong = unfit(backup, copy, setting);
    if (wrong !== undefined) return { ok: false, trouble: wrong };
    if (!tree.known) return { ok: false, trouble: tree.trouble };
    const about = copy.known ? copy.value.description : null;
    const compared = tree.value;
    // Its description was read twice: both have to be of the same copy.
    if (compared.manifest !== undefined && compared.manifest !== about?.manifest.sha256) {
      return { ok: false, trouble: changedMeanwhile(backup) };
    }
    const unequal = differences(backup, compared) ?? unproven(backup, compared);
    if (unequal !== undefined || about === null)
      return { ok: false, trouble: unequal ?? notComplete(backup, 'partial') };
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
  },

  tidy: ({ backup, keep = false }, setting) =>
    keep ? [] : [{ kind: 'scratch.remove', on: placeOf(backup).on, scratch: scratchOf(backup, setting) }],
});

/** A copy is restored where it is kept: here into the state folder, on a helper below its declared folder. */
function scratchPlace(backup: string, { scratch, helpers }: Setting): string {
  const { on } = placeOf(backup);
  return on === 'control' ? scratch : placeText({ on, path: `${helpers[on]?.folder ?? ''}/scratch` });
}

const scratchOf = (backup: string, setting: Setting): string =>
  `${scratchPlace(backup, setting)}/${setting.plan}-${setting.step}`;

const notComplete = (backup: string, state: string): Trouble =>
  trouble('copy-not-complete', `the copy ${backup} is ${state}`, 'Run the backup step that makes it, then this one.');

/** Why a copy cannot be proven at all. */
function unfit(backup: string, copy: Seen<CopySeen>, setting: Setting): Trouble | undefined {
  const { host } = setting;
  if (!copy.known) return copy.trouble;
  const { state, description } = copy.value;
  if (state !== 'complete' || description === null) return notComplete(backup, state);
  if (description.serial !== host.serial) {
    return trouble(
      'copy-of-other',
      `the copy ${backup} is of the machine with serial "${description.serial}", not "${host.serial}"`,
      `Give the copy of ${host.name}.`,
    );
  }
  const recorded = setting.manifests?.[backup];
  if (recorded !== undefined && recorded !== description.manifest.sha256) {
    return trouble(
      'copy-changed',
      `the copy ${backup} is not the one that this run made: its manifest's SHA-256 is ${description.manifest.sha256}, recorded was ${recorded}`,
      'This copy cannot prove anything: find out what changed it, and make the copy again.',
    );
  }
  return emptyCopy(backup, description) ?? notAllRead(backup, description, setting);
}

const changedMeanwhile = (backup: string): Trouble =>
  trouble(
    'copy-changed',
    `the copy ${backup} was changed while it was compared`,
    'This copy cannot prove anything: find out what changed it, and make the copy again.',
  );

const noRoom = (scratch: string, copy: Seen<CopySeen>, place: PlaceSeen): Trouble | undefined =>
  roomFor(scratch, copy.known ? (copy.value.description?.bytes ?? 0) : 0, place.free);

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
