import { expect, test } from 'vitest';
import { badKeep, keptFrom } from '../../src/core/keep.ts';

test.each([
  ['90d', '2026-03-01T10:00:00Z', '2026-05-30'],
  ['1d', '2026-12-31T23:59:59Z', '2027-01-01'],
  ['18mo', '2026-03-01T10:00:00Z', '2027-09-01'],
  // A month that is too short for the day.
  ['1mo', '2026-01-31T10:00:00Z', '2026-02-28'],
  ['1mo', '2028-01-31T10:00:00Z', '2028-02-29'],
  ['7y', '2026-03-01T10:00:00Z', '2033-03-01'],
  ['1y', '2028-02-29T10:00:00Z', '2029-02-28'],
])('a copy that is kept for %s from %s on is kept until %s', (term, made, until) => {
  expect(keptFrom({ for: term, by: 'ada' }, new Date(made))).toEqual({ until, by: 'ada' });
});

test('a day that is named is that day, whenever the copy was made', () => {
  expect(keptFrom({ until: '2031-12-31', by: 'ada', why: 'tax law' }, new Date('2026-03-01'))).toEqual({
    ...{ until: '2031-12-31', by: 'ada', why: 'tax law' },
  });
});

test('a term is either a day or a time, and a day of the calendar', () => {
  expect(badKeep(undefined)).toBeUndefined();
  expect(badKeep({ until: '2028-02-29', by: 'ada' })).toBeUndefined();
  expect(badKeep({ for: '7y', by: 'ada' })).toBeUndefined();
  const either = '"keep" wants either "until" or "for"';
  expect(badKeep({ by: 'ada' })).toBe(either);
  expect(badKeep({ until: '2031-12-31', for: '7y', by: 'ada' })).toBe(either);
  for (const day of ['2027-02-29', '2027-13-01', '2027-00-10', '2027-04-31'])
    expect(badKeep({ until: day, by: 'ada' })).toBe(`"${day}" in "keep" is no day of the calendar`);
});
