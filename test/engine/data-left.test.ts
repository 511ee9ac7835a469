import { expect, test } from 'vitest';
import type { Probe } from '../../src/core/action.ts';
import { emptyExecution, emptyStep, type OperationStatus } from '../../src/core/execution.ts';
import type { Operation } from '../../src/core/operation.ts';
import { seen, trouble, unseen } from '../../src/core/result.ts';
import { dataLeftBy, tellDataLeft } from '../../src/engine/data-left.ts';

const archive = (to: string): Operation => ({
  kind: 'copy.archive',
  on: to.startsWith('vault:') ? 'vault' : 'control',
  ...{ from: ['/srv'], exclude: [], to, root: true },
});
const restore = (scratch: string): Operation => ({ kind: 'copy.restore', on: 'control', copy: '/copy', scratch });

const execution = (...operations: readonly (readonly [Operation, OperationStatus])[]) => {
  const step = emptyStep('files');
  const all = operations.map(([operation, status], n) => ({ n, attempt: 1, operation, status, receipt: {}, at: '' }));
  return { ...emptyExecution, steps: { files: { ...step, forth: { ...step.forth, operations: all } } } };
};

/** Only these places are there. */
const world = (...there: readonly string[]): Probe =>
  (async ({ kind, path }: { readonly kind: string; readonly path: string }) => {
    if (kind !== 'place') throw new Error(`nobody asks for ${kind}`);
    if (path.startsWith('away:')) return unseen(trouble('unreachable', 'away does not answer', 'Wait.'));
    return seen({ exists: there.includes(path), empty: false, writable: true, free: 0 });
  }) as Probe;

test('an unfinished copy is told where it is kept, with what deletes it there', async () => {
  const left = dataLeftBy(
    execution([archive('/vault/web01/a b'), 'failed'], [archive('vault:/backup/web01/c'), 'intended']),
  );
  expect(await tellDataLeft(left, world('/vault/web01/a b.partial', 'vault:/backup/web01/c.partial'))).toEqual([
    trouble(
      'data-stays',
      'an unfinished copy stays at /vault/web01/a b.partial',
      "It is never removed by itself; to delete it here: rm -rf -- '/vault/web01/a b.partial'",
    ),
    trouble(
      'data-stays',
      'an unfinished copy stays at vault:/backup/web01/c.partial',
      'It is never removed by itself; to delete it on vault: rm -rf -- /backup/web01/c.partial',
    ),
  ]);
});

test('what was finished, or removed since, is not told; a restored tree that is still there is', async () => {
  const left = dataLeftBy(
    execution([archive('/vault/one'), 'done'], [archive('/vault/two'), 'failed'], [restore('/scratch/three'), 'done']),
  );
  expect(await tellDataLeft(left, world('/vault/one', '/scratch/three'))).toEqual([
    trouble(
      'data-stays',
      'what was restored for a proof stays at /scratch/three',
      'It is never removed by itself; to delete it here: rm -rf -- /scratch/three /scratch/three.decom-scratch',
    ),
  ]);
});

test('what cannot be looked at may still be there', async () => {
  const left = dataLeftBy(execution([archive('away:/backup/one'), 'in-doubt']));
  expect(await tellDataLeft(left, world())).toMatchObject([
    { what: 'an unfinished copy may still lie at away:/backup/one.partial: away does not answer' },
  ]);
});
