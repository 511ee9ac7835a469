import { Readable } from 'node:stream';
import { expect, test } from 'vitest';
import {
  complaints,
  fromFind,
  fromRsync,
  fromTar,
  hear,
  mostUnread,
} from '../../../src/effects/transfer/complaints.ts';

test.each([
  ['tar: "./srv/a b": Cannot open: Permission denied', './srv/a\\040b', 'Cannot open: Permission denied'],
  [
    'tar: "./bad\\377\\n\\: Cannot open": Cannot open: Permission denied',
    './bad\\377\\012:\\040Cannot\\040open',
    'Cannot open: Permission denied',
  ],
  ['/bin/tar: "./s": socket ignored', './s', 'socket ignored'],
  ['tar: "./say \\"hi\\"": file changed as we read it', './say\\040\\042hi\\042', 'file changed as we read it'],
  ["tar: can't open './srv/x': Permission denied", './srv/x', 'Permission denied'],
  ["tar: ./srv/x: Couldn't open: Permission denied", './srv/x', "Couldn't open: Permission denied"],
])('tar: %s', (line, name, why) => {
  expect(fromTar(line)).toEqual({ name, why });
});

test('the last words of tar say nothing new', () => {
  expect(fromTar('tar: Exiting with failure status due to previous errors')).toBe('ignore');
  expect(fromTar('tar: Error exit delayed from previous errors.')).toBe('ignore');
  expect(fromTar('tar: out of memory')).toBeUndefined();
});

test.each([
  [
    'rsync: [sender] send_files failed to open "/srv/a b": Permission denied (13)',
    './srv/a\\040b',
    'Permission denied (13)',
  ],
  ['rsync: [sender] opendir "/srv/d" failed: Permission denied (13)', './srv/d', 'Permission denied (13)'],
  ['rsync: send_files failed to open "/srv/\\#377": Permission denied (13)', './srv/\\377', 'Permission denied (13)'],
  ['file has vanished: "/srv/x"', './srv/x', 'it vanished while it was copied'],
])('rsync: %s', (line, name, why) => {
  expect(fromRsync(line)).toEqual({ name, why });
});

test('find: a name in the C locale', () => {
  expect(fromFind("find: './srv/d\\303\\251': Permission denied")).toEqual({
    name: './srv/d\\303\\251',
    why: 'Permission denied',
  });
  expect(fromFind('find: paths must precede expression')).toBeUndefined();
});

test('a file that several programs complain of counts once, and beyond a thousand they are only counted', async () => {
  const all = complaints();
  const lines = Array.from({ length: mostUnread + 5 }, (_, i) => `tar: "./${i}": Cannot open: Permission denied\n`);
  await hear(Readable.from([Buffer.from(`${lines[0]}${lines.join('')}tar: what now\n`)]), all, fromTar);
  expect(all.count()).toBe(mostUnread + 5);
  expect(all.list()).toHaveLength(mostUnread);
  expect(all.rest()).toBe('tar: what now');
});
