import { describe, expect, it } from 'vitest';
import { armoured, newSigningKey, signerOf, unarmoured, verifierOf } from '../../src/core/sshsig.ts';

const message = Buffer.from('a line\n');
const namespace = 'decom-audit@v1';

const isSignedBy = (key: string, ...signed: Parameters<ReturnType<typeof verifierOf>>): Promise<boolean> =>
  verifierOf(key)(...signed);

describe('SSHSIG', () => {
  it('verifies what its own key signed, and names the key', async () => {
    const key = newSigningKey();
    const signature = key.sign(message, namespace);
    expect(await isSignedBy(key.publicKey, message, namespace, signature)).toBe(true);
    expect(signerOf(signature)).toBe(key.publicKey);
  });

  it('refuses another message, another namespace and another key', async () => {
    const key = newSigningKey();
    const signature = key.sign(message, namespace);
    expect(await isSignedBy(key.publicKey, Buffer.from('a line'), namespace, signature)).toBe(false);
    expect(await isSignedBy(key.publicKey, message, 'decom-session@v1', signature)).toBe(false);
    expect(await isSignedBy(newSigningKey().publicKey, message, namespace, signature)).toBe(false);
  });

  it('refuses a signature with any one bit flipped', async () => {
    const key = newSigningKey();
    const bytes = Buffer.from(key.sign(message, namespace), 'base64');
    const accepted = await Promise.all(
      [...bytes.keys()].flatMap((at) =>
        [0, 1, 2, 3, 4, 5, 6, 7].map((bit) => {
          const flipped = Buffer.from(bytes);
          flipped[at] = (flipped[at] ?? 0) ^ (1 << bit);
          return isSignedBy(key.publicKey, message, namespace, flipped.toString('base64'));
        }),
      ),
    );
    expect(accepted).toEqual(accepted.map(() => false));
  });

  it('refuses what is no signature, and a key that is none', async () => {
    const key = newSigningKey();
    const signature = key.sign(message, namespace);
    for (const bad of ['', 'AAAA', `${signature}=`, `${signature} `, signature.slice(0, -4)]) {
      expect(await isSignedBy(key.publicKey, message, namespace, bad)).toBe(false);
    }
    for (const bad of ['', 'ssh-ed25519', `${key.publicKey} comment`, 'ssh-rsa AAAAB3NzaC1yc2EAAAADAQABAAAAgQ==']) {
      expect(await isSignedBy(bad, message, namespace, signature)).toBe(false);
    }
  });

  it('puts the armour on and takes it off', () => {
    const signature = newSigningKey().sign(message, namespace);
    expect(unarmoured(armoured(signature))).toBe(signature);
    expect(unarmoured('nothing here')).toBe(undefined);
  });
});
