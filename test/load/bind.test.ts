import * as Type from 'typebox';
import { describe, expect, it } from 'vitest';
import type { AnyAction } from '../../src/core/action.ts';
import type { Scope } from '../../src/core/binding.ts';
import type { Json } from '../../src/core/json.ts';
import { makeBind } from '../../src/load/bind.ts';

const closed = { additionalProperties: false };
const copy: AnyAction = {
  kind: 'copy',
  about: 'Copies.',
  effect: 'adds',
  once: false,
  irreversible: false,
  input: Type.Object(
    {
      from: Type.Optional(Type.Array(Type.String({ pattern: '^/' }), { minItems: 1, uniqueItems: true })),
      to: Type.Optional(Type.String({ pattern: '^/' })),
      serial: Type.Optional(Type.String()),
      count: Type.Optional(Type.Integer({ maximum: 9 })),
      force: Type.Optional(Type.Boolean()),
      password: Type.Optional(Type.Object({ env: Type.String() }, closed)),
    },
    closed,
  ),
  check: (input) => ((input as { force?: boolean }).force ? 'force is not for this' : undefined),
  inspect: async () => null,
  plan: () => [],
  verify: () => ({ ok: true, output: {}, evidence: [], said: '' }),
};
const bind = makeBind([copy]);

const scope: Scope = {
  params: { paths: ['/a', '/b'], vault: '/v', n: 7, yes: false, pw: { env: 'PW' }, odd: '${{ params.vault }}' },
  host: { name: 'web01', serial: '0012345', addresses: ['192.0.2.10'], location: { unit: 17 } },
  facts: { power: 'on' },
  steps: { first: { backup: '/v/first', files: 12, list: ['/x'] } },
};
const bound = (given: Json) => {
  const result = bind({ id: 'a', uses: 'copy', with: given }, scope);
  if (result.ok) return result.value;
  const { what, fix, detail } = result.error;
  return `${what}. ${fix}${
    detail === undefined
      ? ''
      : `
${detail}`
  }`;
};

describe('binding a step', () => {
  it.each<[string, Json, Json]>([
    ['keeps the type of a whole reference', { from: '${{ params.paths }}' }, { from: ['/a', '/b'] }],
    ['takes lists from steps and the host’s entry', { from: '${{ steps.first.list }}' }, { from: ['/x'] }],
    ['puts scalars within texts', { to: '${{ params.vault }}/${{host.name}}-${{ params.n }}' }, { to: '/v/web01-7' }],
    [
      'types texts by the schema',
      { count: '7', force: 'false', serial: '7E12345' },
      { count: 7, force: false, serial: '7E12345' },
    ],
    ['types what references bring', { count: '${{ params.n }}', serial: '${{ params.n }}' }, { count: 7, serial: '7' }],
    ['types a text put together', { count: '${{ params.n }}' }, { count: 7 }],
    ['keeps serials as they are', { serial: '${{ host.serial }}' }, { serial: '0012345' }],
    [
      'reaches into lists and mappings',
      { to: '/${{ host.addresses.0 }}/${{ host.location.unit }}' },
      { to: '/192.0.2.10/17' },
    ],
    ['hands on where a secret is kept', { password: '${{ params.pw }}' }, { password: { env: 'PW' } }],
    ['leaves out what an optional parameter does not give', { to: '/x', serial: '${{ params.none }}' }, { to: '/x' }],
    [
      'fills each value once: what it brings is not read again',
      { serial: '${{ params.odd }}' },
      { serial: '${{ params.vault }}' },
    ],
    ['takes no input for an empty one', {}, {}],
  ])('%s', (_, given, input) => {
    expect(bound(given)).toEqual({ input, waitsFor: [] });
  });

  it('lets outputs of later runs stand open, and judges the rest', () => {
    expect(
      bound({ to: '${{ steps.second.backup }}', from: ['/a', '${{ steps.third.x }}', '${{ steps.third.x }}'] }),
    ).toEqual({
      input: { to: '(known after second)', from: ['/a', '(known after third)', '(known after third)'] },
      waitsFor: ['second', 'third'],
    });
    expect(bound({ count: '${{ steps.second.files }}', to: '/x/${{ steps.second.name }}' })).toEqual({
      input: { count: '(known after second)', to: '/x/(known after second)' },
      waitsFor: ['second'],
    });
    expect(bound({ to: '${{ steps.second.backup }}', count: '12' })).toBe(
      'step "a": "with.count" must be at most 9, and is 12. Correct it.',
    );
  });

  it.each<[string, Json, string]>([
    [
      'a value of the wrong type',
      { count: '${{ host.name }}' },
      'step "a": "with.count" must be a whole number, and is "web01". Write digits only.',
    ],
    [
      'a list within a text',
      { to: '/${{ params.paths }}' },
      'step "a": "with.to": params.paths is a list and cannot stand within a text. Let it be the whole value.',
    ],
    [
      'a parameter without a value within a text',
      { to: '/${{ params.none }}' },
      'step "a": "with.to": params.none has no value. Give it with: -p none=…',
    ],
    [
      'what the inventory lacks',
      { serial: '${{ host.owner }}' },
      'step "a": "with.serial": the inventory has no "owner" for web01. Add it to the hosts file.',
    ],
    [
      'an output that was not given',
      { serial: '${{ steps.first.nope }}' },
      'step "a": "with.serial": step "first" has given no "nope". See what it gave: decom status.',
    ],
    [
      'what every object has',
      { serial: '${{ params.constructor }}x' },
      'step "a": "with.serial": params.constructor has no value. Give it with: -p constructor=…',
    ],
    [
      'an empty list that a reference brings',
      { from: [] },
      'step "a": "with.from" is an empty list, and empty never means all. Name at least one.',
    ],
    [
      'a secret in place of a text',
      { serial: '${{ params.pw }}' },
      'step "a": "with.serial" must be a text, and is a mapping. Correct it.',
    ],
    [
      'a rule between fields',
      { force: 'true' },
      'step "a": force is not for this. Correct "with", or the parameters it uses.',
    ],
    [
      'several at once',
      { to: 'x', count: 'y' },
      'step "a": "with" has 2 problems. Correct each of them.\n"with.to" must be of the form ^/, and is "x". Correct it.\n"with.count" must be a whole number, and is "y". Write digits only.',
    ],
  ])('refuses %s', (_, given, text) => {
    expect(bound(given)).toBe(text);
  });

  it('refuses an unknown action', () => {
    expect(bind({ id: 'a', uses: 'nope', with: {} }, scope)).toMatchObject({
      ok: false,
      error: { code: 'unknown-action' },
    });
  });
});
