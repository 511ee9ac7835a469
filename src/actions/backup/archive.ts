import { action } from '../../core/action.ts';
import { placeOf } from '../../core/place.ts';
import { ArchiveInput, BackupOutput, badPaths } from '../parts/backup-input.ts';
import {
  type BackupAfter,
  type BackupFacts,
  examineBackup,
  foreseenBackup,
  inspectBackup,
  planBackup,
  verifyBackup,
} from '../parts/copies.ts';

export const backupArchive = action<typeof ArchiveInput, BackupFacts, BackupAfter>({
  kind: 'backup.archive',
  about: 'Copies paths of the host into one tar archive, here or on a helper, with a manifest taken at the source.',
  effect: 'adds',
  once: false,
  irreversible: false,
  input: ArchiveInput,
  check: badPaths,
  output: BackupOutput,

  inspect: (input, probe, _past, setting) =>
    inspectBackup(input, 'archive', ['tar', 'sha256sum', 'openssl', 'shasum'], probe, setting),

  foresee: () => foreseenBackup,

  plan: (input, facts, setting) =>
    planBackup(input, facts, setting, 'archive', (to) => ({
      kind: 'copy.archive',
      on: placeOf(to).on,
      from: input.from,
      exclude: input.exclude ?? [],
      to,
      root: setting.host.sudo,
      ...(input.keep === undefined ? {} : { keep: input.keep }),
      ...(input.relay === true && placeOf(to).on !== 'control' ? { relay: true } : {}),
    })),

  examine: (input, _receipts, context, setting) => examineBackup(input, context, setting),

  verify: (input, after, setting) => verifyBackup(input, after, setting, 'archive'),
});
