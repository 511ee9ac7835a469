import { chmodSync, existsSync, mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { beforeEach, expect, onTestFinished, test } from 'vitest';
import { lookAtRecord } from '../../src/cli/look-at-record.ts';
import type { Workspace } from '../../src/cli/workspace.ts';
import { person } from '../lab/people.ts';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'decom-record-'));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
});
const look = (settings: { readonly group?: string }, allowedSigners?: string, key?: string) =>
  lookAtRecord({ environment: { HOME: folder, DECOM_SIGNING_KEY: key }, now: () => new Date('2026-03-01T10:00:00Z') }, {
    state: join(folder, 'state'),
    settings,
    ...(allowedSigners === undefined ? {} : { allowedSigners }),
  } as Workspace);

test('a state folder that can be used is made, and is its owner’s alone', async () => {
  expect(await look({})).toEqual([
    { about: 'state folder', state: 'here', needed: true, says: join(folder, 'state'), fix: '' },
  ]);
  expect(statSync(join(folder, 'state')).mode & 0o777).toBe(0o700);
});

test('a group that nobody knows, and a folder that everybody may write to, are told before a run meets them', async () => {
  expect(await look({ group: 'no-such-group' })).toMatchObject([
    {
      about: 'state folder',
      state: 'missing',
      needed: true,
      says: expect.stringContaining('a group that this machine does not know'),
    },
  ]);
  expect(existsSync(join(folder, 'state'))).toBe(false);
  await look({});
  chmodSync(join(folder, 'state'), 0o777);
  expect(await look({})).toMatchObject([{ state: 'missing', says: expect.stringContaining('everybody may write to') }]);
});

test('a folder that is made for a group is that group’s from the beginning', async () => {
  expect(await look({ group: 'root' })).toMatchObject([
    { state: 'here', says: `${join(folder, 'state')}, shared with the group "root"` },
  ]);
  expect(statSync(join(folder, 'state')).mode & 0o7777).toBe(0o2770);
});

test('who would sign the log is named, and nobody is when no key of theirs is listed', async () => {
  const [ada, eve] = [person(folder, 'ada@example.org'), person(folder, 'eve@example.org')];
  const signers = join(folder, 'allowed_signers');
  writeFileSync(signers, ada.line);
  expect((await look({}, signers, ada.file))[1]).toEqual({
    ...{ about: 'who signs the log', state: 'here', needed: true, fix: '' },
    says: 'ada@example.org, by a key of yours',
  });
  expect((await look({}, signers, eve.file))[1]).toMatchObject({
    ...{ state: 'missing', needed: true },
    says: `none of your SSH keys is among the allowed signers in ${signers}`,
  });
  writeFileSync(signers, 'ada ssh-ed25519\n');
  expect((await look({}, signers, ada.file))[1]).toMatchObject({
    ...{ state: 'missing', needed: true },
    says: expect.stringContaining('allowed_signers:1: no public key'),
  });
});
