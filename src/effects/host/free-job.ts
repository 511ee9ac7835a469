import type { OperationHandlers } from '../../core/action.ts';
import type { OperationOf, Outcome } from '../../core/operation.ts';
import type { Machine } from '../../core/ports.ts';
import { type Trouble, trouble } from '../../core/result.ts';
import type { Jobs } from './jobs.ts';
import { lastLines } from './plain-text.ts';
import { noJobFolder, wordsAtEnd } from './words-at-end.ts';

type Free = OperationOf<'disk.free'>;

/** `disk.free`: an act that the host keeps, as it may be cut off half-way. Receipt: that of `exec`. */
export const freeOn =
  ({
    machine,
    jobs,
    script,
  }: {
    readonly machine: Machine;
    readonly jobs: Jobs;
    readonly script: string;
  }): OperationHandlers['disk.free'] =>
  async (operation, { signal, act, precondition }) => {
    if (act === undefined) return { outcome: 'failed', trouble: noJobFolder(machine.name) };
    const words = operation.disks.flatMap(({ serial, wwn, size }) => [serial, wwn, String(size)]);
    const ready = {
      kind: 'exec',
      on: 'host',
      argv: ['sh', '-c', script, 'sh', ...words],
      root: true,
      called: freeCalled(operation),
    } as const;
    return freed(operation, machine.name, await jobs.run(ready, act, signal, precondition));
  };

const serialsOf = ({ disks }: Free): readonly string[] => disks.map(({ serial }) => serial);

/** How it is named to people: its script is long. */
export const freeCalled = (operation: Free): readonly string[] => ['free', ...serialsOf(operation)];

/** Its own words for how it ended: what was refused before anything was taken away, and what broke off. */
export function freed<O extends Outcome | { readonly outcome: 'never' | 'unreached' }>(
  operation: Free,
  host: string,
  outcome: O,
): O {
  const { refused, failed, said } = wordsAtEnd(outcome);
  if (refused !== undefined) return { ...outcome, trouble: refusedAs(operation, host, refused, failed) };
  return failed === undefined ? outcome : { ...outcome, trouble: brokeOff(operation, host, failed, said) };
}

const refusedAs = (operation: Free, host: string, why: string, failed: string | undefined): Trouble =>
  trouble(
    'disk-refused',
    `what is on disk ${serialsOf(operation).join(', ')} of ${host} was not taken away: ${why}`,
    failed === undefined
      ? 'Nothing is lost. Stop what uses it, or name all disks that belong together in one step; then: decom resume'
      : `No data is lost, but ${failed}: mount it by hand. Then stop what uses it, and: decom resume`,
  );

const brokeOff = (operation: Free, host: string, why: string, said: string): Trouble =>
  trouble(
    'free-broke-off',
    `what is on disk ${serialsOf(operation).join(', ')} of ${host} was taken away in part only: ${why}`,
    'Its labels may be gone, its data is still there. See what holds it (lsblk, dmesg), take that away; then: decom resume',
    lastLines(said, 10),
  );
