import ssh2 from 'ssh2';
import { expect, test } from 'vitest';
import { newKeyPair } from '../../src/practice/key-pair.ts';

test('every key pair of a thousand can be read again', () => {
  for (let n = 0; n < 1000; n++) {
    const pair = newKeyPair('practice');
    expect(ssh2.utils.parseKey(pair.private)).not.toBeInstanceOf(Error);
    expect(ssh2.utils.parseKey(pair.public)).not.toBeInstanceOf(Error);
  }
});
