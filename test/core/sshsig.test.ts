import { describe, expect, it } from 'vitest';
import { armoured, isSignedBy, newSigningKey, signerOf, unarmoured } from '../../src/core/sshsig.ts';

const message = Buffer.from('a line\n');
const namespace = 'decom-audit@v1';

describe('SSHSIG', () => {
  it('verifies what its own key signed, and names the key', () => {
    const key = newSigningKey();
    const signature = key.sign(message, namespace);
    expect(isSignedBy(key.publicKey, message, namespace, signature)).toBe(true);
    expect(signerOf(signature)).toBe(key.publicKey);
  });

  it('refuses another message, another namespace and another key', () => {
    const key = newSigningKey();
    const signature = key.sign(message, namespace);
    expect(isSignedBy(key.publicKey, Buffer.from('a line'), namespace, signature)).toBe(false);
    expect(isSignedBy(key.publicKey, message, 'decom-session@v1', signature)).toBe(false);
    expect(isSignedBy(newSigningKey().publicKey, message, namespace, signature)).toBe(false);
  });

  it('refuses a signature with any one bit flipped', () => {
    const key = newSigningKey();
    const bytes = Buffer.from(key.sign(message, namespace), 'base64');
    const accepted = [...bytes.keys()].filter((at) =>
      [0, 1, 2, 3, 4, 5, 6, 7].some((bit) => {
        const flipped = Buffer.from(bytes);
        flipped[at] = (flipped[at] ?? 0) ^ (1 << bit);
        return isSignedBy(key.publicKey, message, namespace, flipped.toString('base64'));
      }),
    );
    expect(accepted).toEqual([]);
  });

  it('refuses what is no signature, and a key that is none', () => {
    const key = newSigningKey();
    const signature = key.sign(message, namespace);
    for (const bad of ['', 'AAAA', `${signature}=`, `${signature} `, signature.slice(0, -4)]) {
      expect(isSignedBy(key.publicKey, message, namespace, bad)).toBe(false);
    }
    for (const bad of ['', 'ssh-ed25519', `${key.publicKey} comment`, 'ssh-rsa AAAAB3NzaC1yc2EAAAADAQABAAAAgQ==']) {
      expect(isSignedBy(bad, message, namespace, signature)).toBe(false);
    }
  });

  it('puts the armour on and takes it off', () => {
    const signature = newSigningKey().sign(message, namespace);
    expect(unarmoured(armoured(signature))).toBe(signature);
    expect(unarmoured('nothing here')).toBe(undefined);
  });
});
