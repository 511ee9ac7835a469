import { describe, expect, test } from 'vitest';
import { type Approval, allWanted, approvalsSeen, areMet, wantedWords } from '../../src/core/approval.ts';

const now = new Date('2026-05-01T12:00:00Z');
const intent = 'ab'.repeat(32);
const given = (by: string, more: Partial<Approval> = {}): Approval => ({
  ...{ statement: by, by, role: null, intent, expires: '2026-05-02T12:00:00.000Z', signed: true },
  ...more,
});
const seen = (approvals: readonly Approval[], persons = 1, roles: readonly string[] = []) =>
  approvalsSeen({ approvals, drivers: ['ada'], intent }, { persons, roles }, now);

describe('an approval counts', () => {
  test('if it is signed, of the plan in force, not over, and by somebody who does not drive', () => {
    expect(areMet(seen([given('grace')]))).toBe(true);
  });

  test.each([
    ['not signed', { signed: false }, 'it is not signed'],
    ['of another plan', { intent: 'cd'.repeat(32) }, 'another plan'],
    ['over, to the millisecond', { expires: now.toISOString() }, 'it expired'],
    ['of a time that cannot be read', { expires: 'tomorrow' }, 'it expired'],
    ['without an end', { expires: null }, 'it has no end'],
    ['of who drives the run', { by: 'ada' }, 'ada drives the run'],
  ] as const)('not if it is %s', (_, more, why) => {
    const judged = seen([given('grace', more)]);
    expect(judged).toMatchObject({ persons: 1, counted: [], discounted: [{ why: expect.stringContaining(why) }] });
    expect(areMet(judged)).toBe(false);
  });

  test('still one millisecond before its end', () => {
    expect(areMet(seen([given('grace', { expires: '2026-05-01T12:00:00.001Z' })]))).toBe(true);
  });
});

describe('several', () => {
  test('are persons, not statements', () => {
    expect(seen([given('grace'), given('grace', { statement: 'again' })], 2)).toMatchObject({ persons: 1 });
    expect(areMet(seen([given('grace'), given('bob')], 2))).toBe(true);
  });

  test('roles are each wanted of somebody, who may hold more than one', () => {
    const manager = given('grace', { role: 'manager' });
    expect(seen([manager], 1, ['manager', 'security'])).toMatchObject({ persons: 0, roles: ['security'] });
    expect(areMet(seen([manager, given('grace', { role: 'security' })], 1, ['manager', 'security']))).toBe(true);
  });

  test('demands are met together: the most persons, and every role once', () => {
    expect(
      allWanted({ persons: 1, roles: ['security'] }, undefined, { persons: 2, roles: ['manager', 'security'] }),
    ).toEqual({ persons: 2, roles: ['manager', 'security'] });
    expect(allWanted(undefined)).toBeUndefined();
  });
});

test('who is wanted is said in words', () => {
  expect(wantedWords({ persons: 1, roles: [] })).toBe('one person');
  expect(wantedWords({ persons: 2, roles: ['manager', 'security'] })).toBe('2 persons, as manager and as security');
});
