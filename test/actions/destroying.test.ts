import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { parse } from 'yaml';
import { actions } from '../../src/actions/index.ts';
import type { AnyAction } from '../../src/core/action.ts';
import { destroy } from '../fakes/destroy.ts';

/** What an action that destroys lacks of what it has to demand, whatever it is given. */
function lacks(action: AnyAction, inputs: readonly unknown[]): readonly string[] {
  if (inputs.length === 0) return [`${action.kind} has no input that could be tried`];
  return inputs.flatMap((input) => {
    const demands = action.demands?.(input) ?? [];
    const identity = demands.find(({ kind }) => kind === 'identity.confirmed');
    const proof = demands.find(({ kind }) => kind === 'restore.proven');
    return [
      ...(identity === undefined ? ['identity.confirmed'] : identity.disks === undefined ? ['disks by serial'] : []),
      ...(demands.some(({ kind }) => kind === 'writers.stopped') ? [] : ['writers.stopped']),
      ...(proof === undefined ? ['restore.proven'] : []),
      ...(proof?.after === 'writers.stopped' ? [] : ['a proof of after the last writer stopped']),
      ...(proof?.covers === 'file-systems' ? [] : ['a proof that covers every file system']),
      ...(action.irreversible ? [] : ['the serial typed']),
    ];
  });
}

/** The inputs of an action's tables. */
function inputsOf(kind: string): readonly unknown[] {
  const folder = join(import.meta.dirname, kind);
  const files = readdirSync(folder).filter((name) => name.endsWith('.yaml'));
  return files.flatMap((name) =>
    (parse(readFileSync(join(folder, name), 'utf8'), { merge: true }) as readonly { readonly input: unknown }[]).map(
      ({ input }) => input,
    ),
  );
}

test('every action that destroys demands who it is by disk serial, and a proof that covers every file system', () => {
  const destroying = actions.filter(({ effect }) => effect === 'destroys');
  expect(destroying.map((action) => [action.kind, lacks(action, inputsOf(action.kind))])).toEqual(
    destroying.map(({ kind }) => [kind, []]),
  );
  expect(lacks(destroy, [{ disks: ['D-1'] }])).toEqual([]);
});

test('one that does not would be found', () => {
  const { demands: _demands, ...without } = destroy as AnyAction;
  expect(lacks({ ...without, irreversible: false }, [{}])).toEqual([
    'identity.confirmed',
    'writers.stopped',
    'restore.proven',
    'a proof of after the last writer stopped',
    'a proof that covers every file system',
    'the serial typed',
  ]);
  expect(lacks(destroy, [])).toEqual(['test.destroy has no input that could be tried']);
});

test('power.off demands a proof that covers every file system, whatever it is given', () => {
  const off = actions.find(({ kind }) => kind === 'power.off') as AnyAction;
  const inputs = inputsOf('power.off');
  expect(inputs.length).toBeGreaterThan(0);
  for (const input of inputs)
    expect(off.demands?.(input).find(({ kind }) => kind === 'restore.proven')).toMatchObject({
      ...{ after: 'writers.stopped', covers: 'file-systems' },
    });
});
