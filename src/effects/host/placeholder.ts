/**
 * What makers leave in place of an identity. A placeholder that equals the inventory's proves nothing, because whole batches of
 * boards share it.
 */
export function isPlaceholder(value: string): boolean {
  const text = value.trim().toLowerCase();
  if (text === '' || words.has(text)) return true;
  const bare = text.replace(/[^0-9a-z]/g, '');
  // 0000…, FFFF…, 1111…; "12345678" and its like.
  return (
    bare === '' || /^(.)\1*$/.test(bare) || (bare.length >= 5 && '01234567890'.includes(bare)) || defaultUuids.has(bare)
  );
}

const words = new Set([
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
