import { chmodSync, chownSync, mkdirSync, mkdtempSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { openWorkspace } from '../../src/cli/workspace.ts';

let folder: string;
beforeEach(() => {
  folder = realpathSync(mkdtempSync(join(tmpdir(), 'decom-trust-')));
  writeFileSync(join(folder, 'decom.yaml'), 'decom: 1\nallowed_signers: ./signers\n');
  writeFileSync(join(folder, 'hosts.yaml'), 'hosts: {}\n');
  writeFileSync(join(folder, 'signers'), '');
  mkdirSync(join(folder, 'below'));
});
afterEach(() => rmSync(folder, { recursive: true }));

const codeOf = (from: string, environment = {}) => {
  const opened = openWorkspace(from, environment);
  return opened.ok ? 'opened' : opened.error[0]?.code;
};

test.each(['decom.yaml', 'hosts.yaml', 'signers'])('a %s that everybody may write is not believed', (file) => {
  expect(codeOf(folder)).toBe('opened');
  chmodSync(join(folder, file), 0o646);
  expect(codeOf(folder)).toBe('open-to-others');
  chmodSync(join(folder, file), 0o664);
  expect(codeOf(folder)).toBe('opened');
});

test('somebody else’s workspace is not taken up because it lies above; it is where it is named, and for who came by sudo', () => {
  const other = 54_321;
  const mine = process.geteuid?.();
  // Only root can give a file away; who is not root meets root's own files, which are trusted.
  if (mine === 0) chownSync(join(folder, 'decom.yaml'), other, other);
  expect(codeOf(join(folder, 'below'))).toBe(mine === 0 ? 'foreign-workspace' : 'opened');
  expect(codeOf(folder)).toBe('opened');
  expect(codeOf(join(folder, 'below'), { SUDO_UID: String(other) })).toBe('opened');
});
