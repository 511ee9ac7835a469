import { generateKeyPairSync } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { ParsedKey, PublicKeyAuthMethod } from 'ssh2';
import { afterAll, expect, test } from 'vitest';
import { loginKeys } from '../../../src/effects/ssh/login-keys.ts';
import { newShared } from '../../../src/effects/ssh/shared.ts';
import type { SshTarget } from '../../../src/effects/ssh/target.ts';

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
