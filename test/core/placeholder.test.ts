import { expect, test } from 'vitest';
import { isPlaceholder, mayBePlaceholder } from '../../src/core/placeholder.ts';

test.each([
  '',
  ' ',
  '-----',
  'To Be Filled By O.E.M.',
  'Default string',
  'N/A',
  '0000000',
  'FFFFFFFF-FFFF-FFFF-FFFF-FFFFFFFFFFFF',
  '03000200-0400-0500-0006-000700080009',
  '0123456789',
  '123456789',
])('"%s" says nothing of a machine', (value) => {
  expect([isPlaceholder(value), mayBePlaceholder(value)]).toEqual([true, true]);
});

test.each(['12345', '12345678', '2345678'])(
  '"%s" may be a placeholder, and may be another machine’s number',
  (value) => {
    expect([isPlaceholder(value), mayBePlaceholder(value)]).toEqual([false, true]);
  },
);

test.each(['0012345', '1234', 'S-1', '7E12345', 'CZ1234567A', 'VMware-56 4d 7a'])(
  '"%s" is a number of its own',
  (value) => {
    expect([isPlaceholder(value), mayBePlaceholder(value)]).toEqual([false, false]);
  },
);
