import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { beforeEach, expect, onTestFinished, test } from 'vitest';
import type { Inbox } from '../../../src/core/ports.ts';
import { folderInbox } from '../../../src/effects/state/inbox.ts';

let path: string;
let inbox: Inbox;
beforeEach(() => {
  const folder = mkdtempSync(join(tmpdir(), 'decom-inbox-'));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  path = join(folder, 'inbox');
  inbox = folderInbox(path);
});
const names = (): readonly string[] => [...inbox.waiting()].map(({ name }) => name);

test('an inbox that is not there, or is no folder, holds nothing', () => {
  expect(names()).toEqual([]);
  writeFileSync(path, '');
  expect(names()).toEqual([]);
  expect(inbox.drop('a.json', Buffer.from('{}'))).toMatchObject({ ok: false, error: { code: 'inbox-not-writable' } });
});

test('files that were dropped are told as they are, in the order of their names, until they are taken or refused', () => {
  inbox.drop('b.json', Buffer.from('second'));
  inbox.drop('a.json', Buffer.from('first'));
  writeFileSync(join(path, '.c.json.123.tmp'), 'half');
  writeFileSync(join(path, 'notes.txt'), 'other');
  expect([...inbox.waiting()].map(({ content }) => content.ok && Buffer.from(content.bytes).toString())).toEqual([
    'first',
    'second',
  ]);
  inbox.taken('a.json');
  inbox.refused('b.json');
  expect(names()).toEqual([]);
  expect(readdirSync(join(path, 'refused'))).toEqual(['b.json']);
});

test('links, pipes, folders and large files are unfit, and none of them is read', () => {
  mkdirSync(path);
  symlinkSync('/etc/hostname', join(path, 'a.json'));
  execFileSync('mkfifo', [join(path, 'b.json')]);
  mkdirSync(join(path, 'c.json'));
  writeFileSync(join(path, 'd.json'), Buffer.alloc(16 * 1024 + 1));
  expect([...inbox.waiting()].map(({ content }) => !content.ok && content.unfit)).toEqual([
    'it is a symbolic link',
    'it is no plain file',
    'it is no plain file',
    'it has 16385 bytes, and 16384 are allowed',
  ]);
  for (const name of names()) inbox.refused(name);
  expect(names()).toEqual([]);
});

test('what cannot be moved away is not told of again, and ends nothing', () => {
  inbox.drop('a.json', Buffer.from('x'));
  inbox.drop('b.json', Buffer.from('y'));
  // Where a file stands in the place of the folder for what is refused, nothing can be moved there, by root neither.
  writeFileSync(join(path, 'refused'), '');
  inbox.refused('a.json');
  expect(names()).toEqual(['b.json']);
  expect(readdirSync(path)).toContain('a.json');
});

test('each file is read as its turn comes, and what goes meanwhile is not told', () => {
  inbox.drop('a.json', Buffer.from('first'));
  inbox.drop('b.json', Buffer.from('second'));
  inbox.drop('c.json', Buffer.from('third'));
  expect(inbox.count()).toBe(3);
  const seen: string[] = [];
  for (const { name } of inbox.waiting()) {
    seen.push(name);
    rmSync(join(path, 'b.json'), { force: true });
  }
  expect(seen).toEqual(['a.json', 'c.json']);
  expect(inbox.count()).toBe(2);
});
