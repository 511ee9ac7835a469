import type { OperationHandlers, PerformContext } from '../../core/action.ts';
import { canaryOf, canarySectors } from '../../core/disk-samples.ts';
import type { OperationOf, Outcome } from '../../core/operation.ts';
import type { Clock, Machine } from '../../core/ports.ts';
import { type Trouble, trouble } from '../../core/result.ts';
import { eraseScript } from './disk-script.ts';
import type { Jobs } from './jobs.ts';
import { lastLines } from './plain-text.ts';

export interface EraseDeps {
  readonly machine: Machine;
  readonly jobs: Jobs;
  readonly clock: Clock;
  /** The script that erases. Another one only in tests. */
  readonly script?: string;
}

type Erase = OperationOf<'disk.erase'>;

/** Milliseconds between two looks at how far it is. */
const between = 5000;

export const eraseOn =
  ({ machine, jobs, clock, script = eraseScript() }: EraseDeps): OperationHandlers['disk.erase'] =>
  async (operation, { signal, act, precondition, progress }) => {
    if (act === undefined) return { outcome: 'failed', trouble: notKept(machine.name) };
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
  if (outcome.outcome !== 'failed') return outcome;
  const { receipt } = outcome as { readonly receipt?: { readonly [key: string]: unknown } };
  const said = String(receipt?.stderr_tail ?? '').split('\n');
  const line = (word: string): string | undefined =>
    said.findLast((one) => one.startsWith(`${word}: `))?.slice(word.length + 2);
  const [refused, failed] = [line('refused'), line('failed')];
  if (receipt?.exit === 3 && refused !== undefined) return { ...outcome, trouble: refusedAs(operation, host, refused) };
  if (receipt?.exit === 4 && failed !== undefined)
    return { ...outcome, trouble: brokeOff(operation, host, failed, said.join('\n')) };
  return outcome;
}

const refusedAs = ({ serial }: Erase, host: string, why: string): Trouble =>
  trouble(
    'disk-refused',
    `disk ${serial} of ${host} was not erased, and nothing was written to it: ${why}`,
    'Take away what is on it (umount, swapoff, vgchange -an and pvremove, mdadm --stop and --zero-superblock, wipefs), or see which disk is meant; then: decom resume',
  );

const brokeOff = ({ serial }: Erase, host: string, why: string, said: string): Trouble =>
  trouble(
    'erase-broke-off',
    `disk ${serial} of ${host} was not erased to its end: ${why}`,
    'Part of what was on it is still there. See what is wrong with it (dmesg), then: decom resume. A disk that cannot be written must be destroyed.',
    lastLines(said, 10),
  );

const notKept = (host: string): Trouble =>
  trouble(
    'no-job-folder',
    `${host} cannot keep an act that outlives the connection, and nothing is erased without that`,
    'It needs /proc/sys/kernel/random/boot_id, and a folder for the login: /run/decom, ~/.decom/run, or DECOM_JOBS.',
  );
