import type { OperationHandlers, PerformContext } from '../../core/action.ts';
import { canaryOf, canarySectors } from '../../core/disk-samples.ts';
import type { OperationOf, Outcome } from '../../core/operation.ts';
import type { Clock, Machine } from '../../core/ports.ts';
import { type Trouble, trouble } from '../../core/result.ts';
import type { Jobs } from './jobs.ts';
import { lastLines } from './plain-text.ts';
import { noJobFolder, wordsAtEnd } from './words-at-end.ts';

export interface EraseDeps {
  readonly machine: Machine;
  readonly jobs: Jobs;
  readonly clock: Clock;
  /** The script that erases. */
  readonly script: string;
}

type Erase = OperationOf<'disk.erase'>;

/** Milliseconds between two looks at how far it is. */
const between = 5000;

export const eraseOn =
  ({ machine, jobs, clock, script }: EraseDeps): OperationHandlers['disk.erase'] =>
  async (operation, { signal, act, precondition, progress }) => {
    if (act === undefined) return { outcome: 'failed', trouble: noJobFolder(machine.name) };
    const file = `${act.folder}/${act.name}/progress`;
    const argv = ['sh', '-c', script, 'sh', ...wordsOf(operation, file)];
    const over = new AbortController();
    const told = tell({ machine, clock }, operation, file, progress, over.signal);
    try {
      const ready = { kind: 'exec', on: 'host', argv, root: true, called: calledOf(operation) } as const;
      return erased(operation, machine.name, await jobs.run(ready, act, signal, precondition));
    } finally {
      over.abort();
      await told;
    }
  };

const wordsOf = ({ serial, wwn, size, sector, seed, verify }: Erase, file: string): readonly string[] => [
  ...[serial, wwn, String(size), String(sector), file],
  [...canaryOf(seed)].map((byte) => `\\${byte.toString(8).padStart(3, '0')}`).join(''),
  ...canarySectors(seed, size, sector, verify).map(String),
];

/** How an erase is named to people: its script is long. */
export const calledOf = ({ serial }: Erase): readonly string[] => ['erase', serial];

async function tell(
  { machine, clock }: Pick<EraseDeps, 'machine' | 'clock'>,
  { serial, size }: Erase,
  file: string,
  progress: PerformContext['progress'],
  over: AbortSignal,
): Promise<void> {
  for (;;) {
    await clock.sleep(between, over);
    if (over.aborted) return;
    const asked = await machine.exec({ argv: ['cat', file], root: true }, { signal: over });
    if (!asked.ok) continue;
    const bytes = Number(Buffer.from(asked.value.stdout).toString().trim());
    if (bytes > 0 && bytes <= size) progress({ what: `erasing ${serial}`, bytes, totalBytes: size });
  }
}

/** Its own words for how an erase ended: what was refused before the first byte, and what broke off. */
export function erased<O extends Outcome | { readonly outcome: 'never' | 'unreached' }>(
  operation: Erase,
  host: string,
  outcome: O,
): O {
  const { refused, failed, said } = wordsAtEnd(outcome);
  if (refused !== undefined) return { ...outcome, trouble: refusedAs(operation, host, refused) };
  return failed === undefined ? outcome : { ...outcome, trouble: brokeOff(operation, host, failed, said) };
}

const refusedAs = ({ serial }: Erase, host: string, why: string): Trouble =>
  trouble(
    'disk-refused',
    `disk ${serial} of ${host} was not erased, and nothing was written to it: ${why}`,
    'Have it taken away by the step ("free: true"), or by hand (umount, swapoff, vgchange -an and pvremove, mdadm --stop and --zero-superblock, wipefs), or see which disk is meant; then: decom resume',
  );

const brokeOff = ({ serial }: Erase, host: string, why: string, said: string): Trouble =>
  trouble(
    'erase-broke-off',
    `disk ${serial} of ${host} was not erased to its end: ${why}`,
    'Part of what was on it is still there. See what is wrong with it (dmesg), then: decom resume. A disk that cannot be written must be destroyed.',
    lastLines(said, 10),
  );
