import { describe, expect, it } from 'vitest';
import type { Scope } from '../../src/core/binding.ts';
import { checkCel, decideWithCel } from '../../src/effects/cel.ts';

const scope: Scope = {
  params: { n: 3, units: ['a.service'], force: false },
  host: { name: 'web01', location: { unit: 17 } },
  facts: { power: 'on' },
  steps: { 'first-copy': { files: 12 } },
};

const decided = (expression: string, at: Scope = scope): boolean | string => {
  const result = decideWithCel(expression, at);
  return result.ok ? result.value : result.error.what;
};

describe('a condition', () => {
  it.each([
    ["facts.power == 'on'", true],
    ["facts.power == 'off'", false],
    ['params.n + 1 == 4', true],
    ['params.n > 2 && host.location.unit < 20', true],
    ["'a.service' in params.units", true],
    ["steps['first-copy'].files >= 12", true],
    ['params.force', false],
    ['has(params.missing)', false],
  ])('%s is %s', (expression, value) => {
    expect(decided(expression)).toBe(value);
  });

  it.each([
    ['params.missing == 1', '"params.missing == 1" cannot be decided: No such key: missing'],
    ["steps['proof'].ok == true", '"steps[\'proof\'].ok == true" cannot be decided: No such key: proof'],
    ['params.n', '"params.n" gives a number, not true or false'],
    ['host.name', '"host.name" gives a string, not true or false'],
    ['params.n == ', '"params.n == " cannot be decided: Unexpected token: EOF'],
  ])('%s is trouble, never a guess', (expression, what) => {
    expect(decided(expression)).toBe(what);
  });

  it('is trouble where it hangs on a power that is not known', () => {
    const dark: Scope = { ...scope, facts: { power: 'unknown' } };
    const text = '"facts.power == \'on\'" depends on the power, which is not known';
    expect(decided("facts.power == 'on'", dark)).toBe(text);
    expect(decided("facts.power != 'on'", dark)).toContain('which is not known');
    expect(decided("facts.power == 'on' || facts.power == 'off'", dark)).toBe(true);
    expect(decided("facts.power == 'on' && params.n == 4", dark)).toBe(false);
    expect(decided("facts.power == 'unknown'", dark)).toBe(true);
  });
});

describe('the text of a condition', () => {
  it.each([
    ["facts.power == 'on'", undefined],
    ['params.force', undefined],
    ['1 +', 'Unexpected token: EOF'],
    ["power == 'on'", 'Unknown variable: power'],
    ['1 + 1', 'it gives a value of type int, not true or false'],
  ])('%s is judged as %s', (expression, complaint) => {
    expect(checkCel(expression)).toBe(complaint);
  });
});
