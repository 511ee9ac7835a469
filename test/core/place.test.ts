import { describe, expect, test } from 'vitest';
import { type Place, placeOf, placePattern, placeText, whereWords } from '../../src/core/place.ts';

describe('a place', () => {
  test.each<[string, Place]>([
    ['/srv/vault', { on: 'control', path: '/srv/vault' }],
    ['/srv/a:b', { on: 'control', path: '/srv/a:b' }],
    ['vault:/backup/x', { on: 'vault', path: '/backup/x' }],
    ['vault-2:/a:b', { on: 'vault-2', path: '/a:b' }],
  ])('%s is read, and written as it was', (text, place) => {
    expect(text).toMatch(new RegExp(placePattern));
    expect(placeOf(text)).toEqual(place);
    expect(placeText(place)).toBe(text);
  });

  test.each([
    '',
    'relative',
    'vault:',
    'vault:relative',
    'Vault:/x',
    'host:/x',
    'control:/x',
    '-v:/x',
    'user@vault:/x',
  ])('%j is none', (text) => expect(text).not.toMatch(new RegExp(placePattern)));

  test('is here, or on a machine that is named', () => {
    expect([whereWords('control'), whereWords('vault')]).toEqual(['here', 'on vault']);
  });
});
