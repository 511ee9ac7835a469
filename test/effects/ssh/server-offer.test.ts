import { expect, test } from 'vitest';
import { readHello } from '../../../src/effects/ssh/server-offer.ts';

/** A KEXINIT packet (RFC 4253 §7.1) with these lists. */
function kexInit(lists: readonly string[]): Buffer {
  const names = lists.map((list) => {
    const length = Buffer.alloc(4);
    length.writeUInt32BE(Buffer.byteLength(list));
    return Buffer.concat([length, Buffer.from(list)]);
  });
  const payload = Buffer.concat([Buffer.from([20]), Buffer.alloc(16, 7), ...names, Buffer.alloc(5)]);
  const head = Buffer.alloc(5);
  head.writeUInt32BE(payload.length + 1 + 4);
  head[4] = 4;
  return Buffer.concat([head, payload, Buffer.alloc(4)]);
}

const lists = [
  'group1,kex-strict-s-v00@openssh.com,ext-info-s',
  'ssh-rsa,ssh-dss',
  'aes',
  'aes',
  'md5',
  'md5',
  '',
  '',
  '',
  '',
];
const bytes = Buffer.concat([Buffer.from('a greeting\r\nof two lines\nSSH-1.99-Old_1.0 box\r\n'), kexInit(lists)]);

test('what a server offers is read from its first bytes', () => {
  expect(readHello(bytes)).toEqual({
    greeting: 'a greeting\nof two lines',
    version: 'Old_1.0 box',
    offer: { kex: ['group1'], hostKey: ['ssh-rsa', 'ssh-dss'], cipher: ['aes'], mac: ['md5'] },
  });
});

test('no offer is read from less of them, wherever they end, and none from noise', () => {
  const end = bytes.length - 9;
  for (let length = 0; length < end; length++) expect(readHello(bytes.subarray(0, length)).offer).toBeUndefined();
  expect(readHello(Buffer.from('Exceeded MaxStartups\r\n'))).toEqual({
    greeting: 'Exceeded MaxStartups',
    version: '',
    offer: undefined,
  });
  const lying = Buffer.from(bytes);
  lying.writeUInt32BE(0xffffffff, bytes.indexOf('SSH-1.99-Old_1.0 box\r\n') + 'SSH-1.99-Old_1.0 box\r\n'.length);
  expect(readHello(lying).offer).toBeUndefined();
  expect(readHello(Buffer.concat([Buffer.from('SSH-2.0-x\n'), Buffer.alloc(3000, 255)])).offer).toBeUndefined();
});
