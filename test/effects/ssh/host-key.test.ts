import { generateKeyPairSync } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { fingerprintOf } from '../../../src/core/sshsig.ts';
import { expectedKeys, judgeHostKey, keyText } from '../../../src/effects/ssh/host-key.ts';
import { type PublicKey, publicKeyOf } from '../../../src/effects/ssh/known-hosts.ts';
import type { SshTarget } from '../../../src/effects/ssh/target.ts';

const folder = mkdtempSync(join(tmpdir(), 'decom-host-key-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

function newKey(): { readonly key: PublicKey; readonly blob: Buffer } {
  const raw = generateKeyPairSync('ed25519').publicKey.export({ format: 'der', type: 'spki' }).subarray(-32);
  const blob = Buffer.concat([Buffer.from('0000000b7373682d6564323535313900000020', 'hex'), raw]);
  const key = publicKeyOf(blob);
  if (key === undefined) throw new Error('no key');
  return { key, blob };
}
const a = newKey();
const b = newKey();
const target = (more: Partial<SshTarget> = {}): SshTarget => ({
  name: 'web01',
  address: '192.0.2.7',
  port: 2222,
  user: 'root',
  sudo: false,
  ...more,
});
let count = 0;
const file = (...lines: readonly string[]): string => {
  const path = join(folder, `known ${count++}`);
  writeFileSync(path, `${lines.join('\n')}\n`);
  return path;
};
function judge(of: SshTarget, shown: Buffer) {
  const expected = expectedKeys(of, folder);
  if (!expected.ok) return expected.error;
  return judgeHostKey(of, expected.value, shown);
}

describe('a host key that has changed', () => {
  it('is told with both fingerprints, where the known one stands, and the commands that replace it', () => {
    const known = file('# comment', `[192.0.2.7]:2222 ${keyText(a.key)}`);
    expect(judge(target({ knownHosts: known }), b.blob)).toEqual({
      code: 'host-key-changed',
      what:
        `the host key of web01 (192.0.2.7, port 2222) is not the known one: it shows ssh-ed25519 ${fingerprintOf(keyText(b.key))}, ` +
        `known is ssh-ed25519 ${fingerprintOf(keyText(a.key))} (${known}:2)`,
      fix:
        'Do not go on before you know why: another machine may be answering. If the host was reinstalled, compare the fingerprint ' +
        "at its console (ssh-keygen -lf /etc/ssh/ssh_host_ed25519_key.pub), then ssh-keygen -R '[192.0.2.7]:2222' " +
        `-f '${known}' && echo '[192.0.2.7]:2222 ${keyText(b.key)}' >> '${known}'`,
      detail: keyText(b.key),
    });
  });

  it('in the inventory is to be replaced there', () => {
    const trouble = judge(target({ hostKeys: [keyText(a.key)] }), b.blob);
    expect(trouble?.what).toContain(`${fingerprintOf(keyText(a.key))} (ssh.host_keys in the inventory)`);
    expect(trouble?.fix).toContain('into ssh.host_keys of web01 in hosts.yaml instead.');
  });
});

describe('a host key alias', () => {
  it('is what known_hosts is asked for, without a port', () => {
    const known = file(`the-web ${keyText(a.key)}`);
    expect(judge(target({ knownHosts: known, hostKeyAlias: 'The-Web' }), a.blob)).toBeUndefined();
    expect(judge(target({ knownHosts: known }), a.blob)?.code).toBe('host-key-unknown');
    expect(judge(target({ hostKeyAlias: 'other', knownHosts: known }), a.blob)?.fix).toContain(
      `echo 'other ${keyText(a.key)}'`,
    );
  });
});

describe('a host that is met for the first time', () => {
  it('is accepted by a command that works where there is no known_hosts yet', () => {
    const { fix } = judge(target(), a.blob) ?? {};
    expect(fix).toMatch(
      /accept it with: mkdir -p -m 700 ~\/\.ssh && echo '\[192\.0\.2\.7\]:2222 ssh-ed25519 \S+' >> ~\/\.ssh\/known_hosts$/,
    );
  });

  it('is not accepted into a file that keeps nothing', () => {
    const { code, fix } = judge(target({ knownHostsFiles: ['/dev/null'] }), a.blob) ?? {};
    expect(code).toBe('host-key-unknown');
    expect(fix).not.toContain('>>');
    expect(fix).toContain(`into ssh.host_keys of web01 in hosts.yaml ("${keyText(a.key)}")`);
  });

  it('is looked for in every file', () => {
    const files = [join(folder, 'none'), file('other ssh-ed25519 AAAA'), file(`[192.0.2.7]:2222 ${keyText(a.key)}`)];
    expect(judge(target({ knownHostsFiles: files }), a.blob)).toBeUndefined();
  });
});

describe('a revoked key', () => {
  it('is refused wherever it is known from, and where it is revoked is named', () => {
    const revoked = file('# stolen', keyText(a.key));
    expect(judge(target({ hostKeys: [keyText(a.key)], revokedKeys: [revoked] }), a.blob)).toMatchObject({
      code: 'host-key-revoked',
      what: expect.stringContaining(`is marked as revoked in ${revoked}:2`),
    });
    expect(judge(target({ hostKeys: [keyText(b.key)], revokedKeys: [revoked] }), b.blob)).toBeUndefined();
  });

  it('cannot be passed over because its list cannot be read', () => {
    const hostKeys = [keyText(a.key)];
    for (const list of [join(folder, 'missing'), file('SSHKRL\n\0')]) {
      expect(judge(target({ hostKeys, revokedKeys: [list] }), a.blob)?.code).toBe('host-key-unreadable');
    }
  });
});
