import { generateKeyPairSync } from 'node:crypto';
import { chmodSync, chownSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import ssh2, { type ParsedKey, type PublicKeyAuthMethod } from 'ssh2';
import { afterAll, expect, test } from 'vitest';
import { secretsFrom } from '../../../src/effects/secrets.ts';
import { loginKeys, loginRefused } from '../../../src/effects/ssh/login-keys.ts';
import { newShared } from '../../../src/effects/ssh/shared.ts';
import type { SshTarget } from '../../../src/effects/ssh/target.ts';
import { unlockKey } from '../../../src/effects/ssh/unlock-key.ts';

const folder = mkdtempSync(join(tmpdir(), 'decom-login-keys-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

test('an RSA key signs with SHA-1 only where old algorithms are allowed', async () => {
  const file = join(folder, 'rsa');
  const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
  writeFileSync(file, privateKey.export({ type: 'pkcs1', format: 'pem' }), { mode: 0o600 });
  const target: SshTarget = {
    name: 'web01',
    address: '127.0.0.1',
    port: 22,
    user: 'root',
    identityFiles: [file],
    sudo: false,
  };
  const signed = async (legacy: boolean, hash: string): Promise<unknown> => {
    const { methods } = await loginKeys({ ...target, legacy }, { home: folder, shared: newShared() });
    const key = (methods[0] as PublicKeyAuthMethod).key as ParsedKey;
    return key.sign(Buffer.from('session'), hash);
  };
  expect(await signed(false, 'sha1')).toBeInstanceOf(Error);
  expect(await signed(true, 'sha1')).toBeInstanceOf(Buffer);
  expect(await signed(false, 'sha256')).toBeInstanceOf(Buffer);
});

test('a private key that others can read is not used, and is to be closed; one of another owner is theirs to close', async () => {
  const file = join(folder, 'open');
  const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
  writeFileSync(file, privateKey.export({ type: 'pkcs1', format: 'pem' }), { mode: 0o600 });
  const target: SshTarget = {
    ...{ name: 'web01', address: '127.0.0.1', port: 22, user: 'root', sudo: false },
    identityFiles: [file],
    agent: null,
  };
  const keys = () => loginKeys(target, { home: folder, shared: newShared() });
  expect((await keys()).methods).toHaveLength(1);
  for (const mode of [0o644, 0o620]) {
    chmodSync(file, mode);
    const found = await keys();
    expect(found.methods).toEqual([]);
    expect(loginRefused(target, found)).toMatchObject({
      code: 'key-exposed',
      what: `the key ${file} for root@web01 (127.0.0.1, port 22) can be read by others, so it is not used, and there is no other`,
      fix: `Close it: chmod 600 ${file}`,
      detail: `${file}: can be read by others (mode 0${mode.toString(8)})`,
    });
  }
  if (process.getuid?.() === 0) {
    chownSync(file, 65534, 65534);
    expect((await keys()).methods).toHaveLength(1);
  }
});

test('a passphrase file that others can read is to be closed, whatever else could be done about the key', async () => {
  const file = join(folder, 'locked');
  const pair = ssh2.utils.generateKeyPairSync('ed25519', {
    passphrase: 'open sesame',
    cipher: 'aes256-ctr',
    rounds: 1,
  });
  writeFileSync(file, pair.private, { mode: 0o600 });
  const kept = join(folder, 'passphrase');
  writeFileSync(kept, 'open sesame\n');
  chmodSync(kept, 0o644);
  const target = {
    name: 'web01',
    address: '127.0.0.1',
    port: 22,
    user: 'root',
    sudo: false,
    passphrase: { file: kept },
  };
  const secrets = secretsFrom({ environment: {}, folder, redactor: { add: () => undefined } });
  const unlocked = () => unlockKey(file, target, { home: folder, shared: newShared(), secrets });
  expect(await unlocked()).toMatchObject({
    error: { code: 'key-encrypted', fix: `Close it: chmod 600 ${kept}` },
  });
  chmodSync(kept, 0o600);
  expect((await unlocked()).ok).toBe(true);
});

test('a key file that is named and not there is told as that, and not as unreadable', async () => {
  const file = join(folder, 'no-such-key');
  const target: SshTarget = {
    ...{ name: 'web01', address: '127.0.0.1', port: 22, user: 'root', sudo: false },
    identityFiles: [file],
  };
  const keys = await loginKeys(target, { home: folder, shared: newShared() });
  expect(keys.unusable).toEqual([{ file, why: 'is not there' }]);
  expect(loginRefused(target, keys)).toMatchObject({ code: 'no-key', detail: `${file}: is not there` });
});
