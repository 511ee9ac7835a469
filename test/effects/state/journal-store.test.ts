import {
  chmodSync,
  existsSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { fileJournal } from '../../../src/effects/state/journal-store.ts';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'decom-journal-'));
});
afterEach(() => rmSync(folder, { recursive: true }));

const log = () => join(folder, 'audit.jsonl');

test('a log is made for its owner alone', () => {
  const journal = fileJournal(log());
  journal.append(Buffer.from('line\n'));
  journal.close();
  expect(statSync(log()).mode & 0o777).toBe(0o600);
  expect(readFileSync(log(), 'utf8')).toBe('line\n');
});

test.each(['a file', 'nothing'])('a log that is a symbolic link to %s is not written to', (to) => {
  const elsewhere = join(folder, 'elsewhere');
  if (to === 'a file') writeFileSync(elsewhere, 'mine');
  symlinkSync(elsewhere, log());
  expect(() => fileJournal(log())).toThrow('ELOOP');
  expect(existsSync(elsewhere) && readFileSync(elsewhere, 'utf8')).toBe(to === 'a file' ? 'mine' : false);
});

test('nor one that others may write to, nor one that is no file', () => {
  writeFileSync(log(), '');
  chmodSync(log(), 0o662);
  expect(() => fileJournal(log())).toThrow('only its owner writes to');
  expect(() => fileJournal('/dev/null')).toThrow('only its owner writes to');
});
