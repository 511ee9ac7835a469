import { afterEach, describe, expect, it } from 'vitest';
import type { Machine } from '../../src/core/ports.ts';
import { identityProbe } from '../../src/effects/host/identity.ts';
import { sshMachine } from '../../src/effects/ssh/machine.ts';
import type { SshTarget } from '../../src/effects/ssh/target.ts';
import { got, text } from '../contracts/machine.ts';
import { type Sshd, type SshdOptions, startSshd } from './sshd.ts';

const cleanUp: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const end of cleanUp.splice(0).reverse()) await end();
});

async function server(options: SshdOptions): Promise<Sshd> {
  const sshd = await startSshd(options);
  cleanUp.push(() => sshd.stop());
  return sshd;
}

function machineAt(sshd: Sshd, more: Partial<SshTarget> = {}): Machine {
  const machine = sshMachine(
    {
      name: 'old01',
      address: sshd.address,
      port: sshd.port,
      user: sshd.user,
      identityFiles: [sshd.userKey],
      hostKeys: sshd.hostKeys,
      sudo: false,
      ...more,
    },
    { home: '/nonexistent' },
  );
  cleanUp.push(() => machine.close());
  return machine;
}

const run = (machine: Machine) => machine.exec({ argv: ['echo', 'there'], root: false });

/** What a server of OpenSSH 5 speaks, and nothing newer. */
const old: SshdOptions = {
  keys: ['rsa'],
  login: 'rsa',
  config: [
    'KexAlgorithms diffie-hellman-group1-sha1',
    'HostKeyAlgorithms ssh-rsa',
    'Ciphers aes128-cbc',
    'MACs hmac-sha1',
  ],
};

describe('a server that speaks old algorithms only', () => {
  it('is refused, with their names and the setting', async () => {
    const sshd = await server(old);
    expect(await run(machineAt(sshd))).toEqual({
      ok: false,
      error: {
        code: 'legacy-needed',
        what:
          `old01 (127.0.0.1, port ${sshd.port}) offers only algorithms that no longer count as safe: ` +
          'key exchange diffie-hellman-group1-sha1; host key ssh-rsa; cipher aes128-cbc; MAC hmac-sha1',
        fix:
          'Update its SSH server; or, if it is too old for that, set ssh.legacy: true for old01 in hosts.yaml. ' +
          'The plan, the log and the report will name it.',
        detail: expect.stringMatching(/^It calls itself OpenSSH_/),
      },
    });
  });

  it('is worked on where that is declared, and tells what was agreed on', async () => {
    const machine = machineAt(await server(old), { legacy: true });
    expect(text(got(await run(machine)).stdout)).toBe('there\n');
    const agreed = ['diffie-hellman-group1-sha1', 'ssh-rsa', 'aes128-cbc', 'hmac-sha1'];
    expect(await machine.legacy?.()).toEqual({ ok: true, value: agreed });
    expect(await identityProbe(machine)({ kind: 'host.identity' })).toMatchObject({
      known: true,
      value: { legacy: agreed },
    });
  });

  it('still has to show the known key', async () => {
    const other = await server({ keys: ['rsa'] });
    const machine = machineAt(await server(old), { legacy: true, hostKeys: other.hostKeys });
    expect(await run(machine)).toMatchObject({ ok: false, error: { code: 'host-key-changed' } });
  });

  it.each([
    ['diffie-hellman-group14-sha1', ['KexAlgorithms diffie-hellman-group14-sha1'], 'ed25519'],
    ['diffie-hellman-group-exchange-sha1', ['KexAlgorithms diffie-hellman-group-exchange-sha1'], 'ed25519'],
    ['ssh-dss', ['HostKeyAlgorithms ssh-dss'], 'dsa'],
    ['3des-cbc', ['Ciphers 3des-cbc'], 'ed25519'],
    ['aes256-cbc', ['Ciphers aes256-cbc'], 'ed25519'],
    ['hmac-md5', ['Ciphers aes128-ctr', 'MACs hmac-md5'], 'ed25519'],
  ] as const)('is known by one of them too: %s', async (name, config, key) => {
    const sshd = await server({ keys: [key], config });
    expect(await run(machineAt(sshd))).toMatchObject({
      ok: false,
      error: { code: 'legacy-needed', what: expect.stringContaining(name) },
    });
    const machine = machineAt(sshd, { legacy: true });
    expect(text(got(await run(machine)).stdout)).toBe('there\n');
    expect((await machine.legacy?.())?.ok).toBe(true);
    expect(got((await machine.legacy?.()) ?? { ok: true, value: [] })).toContain(name);
  });

  it('behind a bastion is told from the bastion', async () => {
    const bastion = await server({});
    const jump: SshTarget = {
      name: 'bastion',
      address: bastion.address,
      port: bastion.port,
      user: bastion.user,
      identityFiles: [bastion.userKey],
      hostKeys: bastion.hostKeys,
      sudo: false,
    };
    const sshd = await server(old);
    expect(await run(machineAt(sshd, { jumps: [jump] }))).toMatchObject({
      ok: false,
      error: { code: 'legacy-needed', what: expect.stringMatching(/^old01 /) },
    });
    expect(text(got(await run(machineAt(sshd, { jumps: [jump], legacy: true }))).stdout)).toBe('there\n');
  });
});

describe('a server of today', () => {
  it('is spoken to as ever where old algorithms are allowed', async () => {
    const machine = machineAt(await server({}), { legacy: true });
    expect(text(got(await run(machine)).stdout)).toBe('there\n');
    expect(await machine.legacy?.()).toEqual({ ok: true, value: [] });
  });

  it('with nothing that can be spoken here is told so, and the setting is not offered', async () => {
    const sshd = await server({ config: ['KexAlgorithms sntrup761x25519-sha512@openssh.com'] });
    for (const legacy of [true, false]) {
      expect(await run(machineAt(sshd, { legacy }))).toMatchObject({
        ok: false,
        error: {
          code: 'no-common-algorithm',
          what: `old01 (127.0.0.1, port ${sshd.port}) offers nothing that can be spoken here: key exchange sntrup761x25519-sha512@openssh.com`,
        },
      });
    }
  });
});
