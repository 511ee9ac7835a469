import type { Static } from 'typebox';
import * as Type from 'typebox';
import { didYouMean } from './diagnostic.ts';
import { placeText } from './place.ts';
import { fail, ok, type Result, type Trouble, trouble } from './result.ts';
import { SshSettings } from './ssh-settings.ts';

/** What a helper may be called: `host` and `control` name the machine to be retired and this one. */
export const helperName = '^(?!(host|control)$)[a-z0-9][a-z0-9-]{0,62}$';

/** One entry of `helpers` in decom.yaml. */
export const HelperEntry = Type.Object(
  {
    address: Type.String({ minLength: 1, description: 'Its address or name, for SSH.' }),
    folder: Type.String({
      pattern: '^(/[^/\\0\\n]+)+$',
      patternErrorMessage: 'an absolute path without "//" and without "/" at the end',
      description: 'The only folder in which anything is ever changed there. It must exist.',
    }),
    ssh: Type.Optional(SshSettings),
  },
  { additionalProperties: false, description: 'Another machine that takes part.' },
);
type HelperEntry = Static<typeof HelperEntry>;

/** Another machine that takes part: a backup vault, a bastion, a rescue system. */
export interface Helper extends HelperEntry {
  readonly name: string;
}

export const unknownHelper = (name: string, known: readonly { readonly name: string }[]): Trouble =>
  trouble(
    'unknown-helper',
    `there is no helper "${name}" in decom.yaml`,
    didYouMean(
      name,
      known.map((helper) => helper.name),
    ) || 'Declare it there, under "helpers".',
  );

/** Where a path lies below the folder declared for a helper, without a `/` in front; trouble where it lies outside, or cannot be told to lie inside. */
export function belowFolder(helper: Pick<Helper, 'name' | 'folder'>, path: string): Result<string> {
  const { folder } = helper;
  const plain = path.replace(/\/$/, '');
  const odd = plain
    .split('/')
    .slice(1)
    .some((part) => part === '' || part === '.' || part === '..');
  if (odd || !`${plain}/`.startsWith(`${folder}/`)) return fail(outsideFolder(helper, path));
  return ok(plain.slice(folder.length + 1));
}

export const outsideFolder = ({ name, folder }: Pick<Helper, 'name' | 'folder'>, path: string): Trouble =>
  trouble(
    'outside-folder',
    `${placeText({ on: name, path })} is not inside ${folder}, the folder that is declared for ${name}`,
    'Name a place inside it, or correct "folder" of the helper in decom.yaml. Nothing else is ever changed there.',
  );
