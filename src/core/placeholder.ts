/**
 * What makers leave in place of an identity. It says nothing of the machine: neither that it is the one in the inventory, where whole batches of
 * boards share it, nor that it is another.
 */
export function isPlaceholder(value: string): boolean {
  const text = value.trim().toLowerCase();
  if (text === '' || words.has(text)) return true;
  const bare = text.replace(/[^0-9a-z]/g, '');
  // 0000…, FFFF…, 1111….
  return bare === '' || /^(.)\1*$/.test(bare) || runs.has(bare) || defaultUuids.has(bare);
}

/**
 * Whether a value could be a placeholder or a number that was really given: "12345", "2345678". Where it equals the inventory's it proves
 * nothing; where it differs, it contradicts.
 */
export function mayBePlaceholder(value: string): boolean {
  const bare = value.replace(/[^0-9a-z]/gi, '');
  return isPlaceholder(value) || (bare.length >= 5 && '01234567890'.includes(bare));
}

/** Numbers of AMI's and others' reference code. */
const runs = new Set(['0123456789', '01234567890', '123456789', '1234567890', '0123456789abcdef', '123456789abcdef']);

const words = new Set([
  'to be filled',
  'to be filled by o.e.m.',
  'to be filled by o.e.m',
  'to be filled by oem',
  'default string',
  'default',
  'not specified',
  'not available',
  'not applicable',
  'not settable',
  'not present',
  'n/a',
  'na',
  'none',
  'null',
  'unknown',
  'unspecified',
  'empty',
  'invalid',
  'oem',
  'o.e.m.',
  'system serial number',
  'serial number',
  'chassis serial number',
  'system product name',
  'sn',
  'xxxxxxx',
  'no enclosure',
  '<out of spec>',
  '<bad index>',
]);

// AMI's and others' reference code, left unchanged on many boards.
const defaultUuids = new Set([
  '03000200040005000006000700080009',
  '00020003000400050006000700080009',
  '12345678123412341234123456789012',
]);
