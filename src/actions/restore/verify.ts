import * as Type from 'typebox';
import { action, type Setting } from '../../core/action.ts';
import type { DatabaseServer, DatabasesComparison, ServersHere } from '../../core/databases.ts';
import { unknownSources } from '../../core/operation.ts';
import { placeOf, placePattern, placeText, whereWords } from '../../core/place.ts';
import type { CopyDescription, CopySeen, PlaceSeen, TreeComparison } from '../../core/probe.ts';
import { type Seen, type Trouble, trouble } from '../../core/result.ts';
import { notDeclared, roomFor } from '../parts/before-copy.ts';
import { emptyCopy, notAllRead } from '../parts/copy-holds.ts';
import { provedDatabases } from '../parts/database-proof.ts';
import { noServerHere } from '../parts/database-server.ts';
import { provedTree } from '../parts/tree-proof.ts';

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
  /** Of a copy of databases: the servers by which it can be proved. */
  readonly here?: Seen<ServersHere>;
}

interface After {
  readonly copy: Seen<CopySeen>;
  readonly restored:
    | { readonly of: 'files'; readonly tree: Seen<TreeComparison> }
    | { readonly of: 'databases'; readonly compared: Seen<DatabasesComparison> };
}

export const restoreVerify = action<typeof Input, Facts, After>({
  kind: 'restore.verify',
  about:
    'Restores a copy to a scratch place and compares every file with the manifest taken at the source; of databases, every table’s rows and the answers to the runbook’s questions, by a server that is started here for that.',
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
    const server = databaseServer(copy);
    const here = server === undefined ? undefined : await probe({ kind: 'databases.here', server });
    return { copy, place, ...(here === undefined ? {} : { here }) };
  },

  holds: ({ copy }) => (copy?.known === true ? (copy.value.description ?? undefined) : undefined),

  foresee: () => ({
    copy: null,
    place: { known: true, value: { exists: true, empty: true, writable: true, free: Number.MAX_SAFE_INTEGER } },
  }),

  plan: ({ backup }, { copy, place, here }, setting) => {
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
      const wrong =
        unfit(backup, copy, setting) ??
        notRestorable(copy, here) ??
        noRoom(scratchPlace(backup, setting), copy, place.value);
      if (wrong !== undefined) return { blocked: wrong };
    }
    // Where the copy will be kept is known with the copy itself.
    if (unknownSources(backup).length > 0 && Object.keys(setting.helpers).length > 0) {
      return [{ kind: 'copy.restore', on: backup, copy: backup, scratch: backup }];
    }
    return [{ kind: 'copy.restore', on, copy: backup, scratch: scratchOf(backup, setting) }];
  },

  examine: async ({ backup }, _receipts, { probe }, setting) => {
    const copy = await probe({ kind: 'copy', copy: backup });
    const scratch = scratchOf(backup, setting);
    return databaseServer(copy) === undefined
      ? { copy, restored: { of: 'files', tree: await probe({ kind: 'tree.compare', copy: backup, tree: scratch }) } }
      : {
          copy,
          restored: { of: 'databases', compared: await probe({ kind: 'databases.compare', copy: backup, scratch }) },
        };
  },

  verify: ({ backup }, { copy, restored }, setting) => {
    const wrong = unfit(backup, copy, setting);
    if (wrong !== undefined) return { ok: false, trouble: wrong };
    const about = copy.known ? copy.value.description : null;
    if (about === null) return { ok: false, trouble: notComplete(backup, 'partial') };
    return restored.of === 'files'
      ? provedTree(backup, about, restored.tree)
      : provedDatabases(backup, about, restored.compared);
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

const databaseServer = (copy: Seen<CopySeen> | null): DatabaseServer | undefined => {
  const method = copy?.known === true ? copy.value.description?.method : undefined;
  return method === 'postgres' ? method : undefined;
};

function notRestorable(copy: Seen<CopySeen>, here: Seen<ServersHere> | undefined): Trouble | undefined {
  const made = copy.known ? copy.value.description?.databases : undefined;
  return made === undefined || here === undefined ? undefined : noServerHere(here, made.product, made.version);
}

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

const noRoom = (scratch: string, copy: Seen<CopySeen>, place: PlaceSeen): Trouble | undefined =>
  roomFor(
    scratch,
    copy.known && copy.value.description !== null ? restoredBytes(copy.value.description) : 0,
    place.free,
  );

/** A server here takes what the source took, and as much again as an empty one and its log do. */
const restoredBytes = ({ bytes, databases }: CopyDescription): number =>
  databases === undefined ? bytes : databases.each.reduce((sum, one) => sum + one.on_disk, 500_000_000);
