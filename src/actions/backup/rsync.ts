import { action } from '../../core/action.ts';
import { BackupOutput, badPaths, RsyncInput } from '../parts/backup-input.ts';
import {
  type BackupAfter,
  type BackupFacts,
  examineBackup,
  foreseenBackup,
  inspectBackup,
  planBackup,
  verifyBackup,
} from '../parts/copies.ts';

export const backupRsync = action<typeof RsyncInput, BackupFacts, BackupAfter>({
  kind: 'backup.rsync',
  about:
    'Mirrors paths of the host into a folder here, with a manifest taken at the source; unchanged files are not sent again.',
  effect: 'adds',
  once: false,
  irreversible: false,
  input: RsyncInput,
  check: badPaths,
  output: BackupOutput,

  inspect: (input, probe, _past, setting) =>
    inspectBackup(input, 'rsync', ['rsync', 'sha256sum', 'openssl', 'shasum'], probe, setting),

  foresee: () => foreseenBackup,

  plan: (input, facts, setting) =>
    planBackup(input, facts, setting, 'rsync', (to, basis) => ({
      kind: 'copy.rsync',
      on: 'control',
      from: input.from,
      exclude: input.exclude ?? [],
      to,
      basis,
      root: setting.host.sudo,
      ...(input.keep === undefined ? {} : { keep: input.keep }),
    })),

  examine: (input, _receipts, context, setting) => examineBackup(input, context, setting),

  verify: (input, after, setting) => verifyBackup(input, after, setting, 'rsync'),
});
