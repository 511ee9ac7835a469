import type { Static } from 'typebox';
import * as Type from 'typebox';
import { badKeep, KeepShape } from '../../core/keep.ts';
import { placePattern } from '../../core/place.ts';

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
      'The folder that holds all copies: an absolute path here (a mounted vault, or a disk), which has to be there already, or HELPER:/ABSOLUTE/PATH on a helper that decom.yaml declares.',
  }),
  exclude: Type.Optional(
    Type.Array(Absolute('A path on the host.'), {
      minItems: 1,
      uniqueItems: true,
      description: 'What to leave out: absolute paths, each exactly that file or folder. No wildcards.',
    }),
  ),
  keep: Type.Optional(KeepShape),
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
    to: Absolute(
      'The folder here that holds all copies (a mounted vault, or a disk). Absolute; it has to be there already.',
    ),
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
export type RsyncInput = Static<typeof RsyncInput>;

/** What the kinds of backup are told. */
export type BackupInput = Static<typeof ArchiveInput>;

/** Only of a copy whose step has `keep`. */
export const keptOutput = {
  kept_until: Type.Optional(Type.String()),
  may_delete: Type.Optional(Type.String()),
  kept_why: Type.Optional(Type.String()),
};

export const BackupOutput = Type.Object({
  backup: Type.String(),
  files: Type.Integer(),
  bytes: Type.Integer(),
  manifest: Type.String(),
  ...keptOutput,
});

/** What is wrong with the paths, or the term; undefined where nothing is. Overlapping ones would be copied and counted twice. */
export function badPaths({ from, exclude = [], keep }: BackupInput): string | undefined {
  if (from.includes('/')) return '"/" holds /proc, /sys and /dev, which are no files: name the folders to copy';
  // What is left out is told by other programs here and there: only a path that all of them read alike is left out by all of them.
  for (const path of [...from, ...exclude]) {
    const parts = path.split('/').slice(1);
    if (parts.some((p) => p === '' || p === '.' || p === '..')) {
      return `"${path}" is not a plain absolute path: write it without "//", ".", ".." and a "/" at the end`;
    }
  }
  for (const path of from) {
    const outer = from.find((other) => other !== path && `${path}/`.startsWith(`${other}/`));
    if (outer !== undefined) return `"${path}" lies inside "${outer}": name only one of them`;
  }
  return badKeep(keep);
}
