import { describe, expect, it } from 'vitest';
import type { Param, ParamType } from '../../src/core/runbook.ts';
import { type Given, resolveParams } from '../../src/load/param.ts';
import { parseParams } from '../../src/load/params-file.ts';

const place = { file: 'r.yaml', line: 1, column: 1 };
const param = (type: ParamType, more: Partial<Param> = {}): Param => ({ type, required: false, place, ...more });
const runbook = {
  name: 'linux',
  params: {
    vault: param('string', { required: true, description: 'where backups go' }),
    paths: param('list', { default: ['/srv'] }),
    n: param('integer'),
    force: param('boolean'),
    within: param('duration'),
    pw: param('secret', { required: true }),
  },
};
const resolved = (given: Given) => {
  const result = resolveParams(runbook, given);
  return result.ok ? result.value : result.error.map(({ what, fix }) => `${what}. ${fix}`);
};

describe('parameters', () => {
  it('are typed from texts, and default', () => {
    expect(resolved({ vault: '0012', pw: 'env:BMC_PW' })).toEqual({
      vault: '0012',
      paths: ['/srv'],
      pw: { env: 'BMC_PW' },
    });
    expect(
      resolved({ vault: 'a=b', pw: 'file:/etc/pw', paths: '/a, /b', n: '-12', force: 'true', within: '4h' }),
    ).toEqual({ vault: 'a=b', pw: { file: '/etc/pw' }, paths: ['/a', '/b'], n: -12, force: true, within: '4h' });
    expect(resolved({ vault: 'x', pw: 'prompt:Password: please', paths: ['/a,b', '/c'] })).toEqual({
      vault: 'x',
      pw: { prompt: 'Password: please' },
      paths: ['/a,b', '/c'],
    });
  });

  it('that are missing, unknown or wrong are told all at once, and no secret is repeated', () => {
    expect(resolved({ vaullt: 'x', zz: 'y', n: '007', force: 'yes', within: '4', paths: 'a,,b' })).toEqual([
      'runbook linux has no parameter "vaullt". Did you mean "vault"?',
      'runbook linux has no parameter "zz". It takes: vault, paths, n, force, within, pw.',
      'parameter "vault" (where backups go) is required. Give it with: -p vault=TEXT',
      'parameter "paths" is a list with an empty item. Write it as A,B; empty never means all.',
      'parameter "n" must be a whole number, and is "007". Correct it.',
      'parameter "force" must be true or false, and is "yes". Correct it.',
      'parameter "within" must be a duration like 30s, 15m or 4h, and is "4". Correct it.',
      'parameter "pw" is required. Give it with: -p pw=env:NAME',
    ]);
    expect(resolved({ vault: ['a', 'b'], pw: 'hunter2', paths: '' })).toEqual([
      'parameter "vault" is given 2 times, and takes one value. Give it once.',
      'parameter "paths" is a list with an empty item. Write it as A,B; empty never means all.',
      'parameter "pw" is a secret, and is given by where it is kept. Write env:NAME, file:PATH or prompt:QUESTION.',
    ]);
    expect(resolved({ vault: '', pw: 'env:' })).toEqual([
      'parameter "vault" is empty. Give a value like TEXT.',
      'parameter "pw" is a secret, and is given by where it is kept. Write env:NAME, file:PATH or prompt:QUESTION.',
    ]);
  });

  it('come from a file as if given one by one', () => {
    const read = (text: string) => parseParams(new TextEncoder().encode(text), 'p.yaml');
    expect(read('vault: 0012\npaths: [a, b]\n')).toEqual({ ok: true, value: { vault: '0012', paths: ['a', 'b'] } });
    expect(read('vault: { a: b }\n')).toMatchObject({
      ok: false,
      error: [{ line: 1, column: 8, what: '"vault" must be a text or a list of texts.' }],
    });
    expect(read('- a\n')).toMatchObject({ ok: false, error: [{ what: 'the file must be a mapping.' }] });
  });
});
