import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { hostname, tmpdir, userInfo } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Host } from '../../src/core/host.ts';
import type { Machine } from '../../src/core/ports.ts';
import { unreachable } from '../../src/effects/ssh/connect-trouble.ts';
import { sshMachine } from '../../src/effects/ssh/machine.ts';
import { routeTo, type SettingsSources } from '../../src/effects/ssh/settings.ts';
import { got, text } from '../contracts/machine.ts';
import { keygen, type Sshd, startSshd } from './sshd.ts';

let folder: string;
let count = 0;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'decom-settings-'));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const sources = (more: Partial<SettingsSources> = {}): SettingsSources => ({
  hosts: [],
  folder,
  home: join(folder, 'home'),
  user: 'ada',
  environment: process.env,
  ...more,
});
const configOf = (...lines: readonly string[]): string => {
  const file = join(folder, `config-${count++}`);
  writeFileSync(file, `${lines.join('\n')}\n`);
  return file;
};
const host = (name: string, ssh: Host['ssh'], address = '192.0.2.7'): Host => ({
  name,
  addresses: [address],
  serial: 'S1',
  ...(ssh === undefined ? {} : { ssh }),
});
const plain = { config: 'none' };

it('a bastion whose name is nearly that of a declared machine is told so where it cannot be resolved', async () => {
  const known = { hosts: [host('bastion', plain)] };
  const { target } = await routeTo(host('web01', { ...plain, jump: ['basiton'] }), sources(known));
  const [jump] = target.jumps ?? [];
  if (jump === undefined) throw new Error('there is one bastion');
  const fix = 'Did you mean "bastion"? Else: check the address in hosts.yaml, and DNS.';
  expect(unreachable(Object.assign(new Error(), { code: 'ENOTFOUND' }), jump)).toMatchObject({ fix });
  expect(unreachable(Object.assign(new Error(), { code: 'ENOTFOUND' }), target)).toMatchObject({
    fix: 'Check the address in hosts.yaml, and DNS.',
  });
  const strange = await routeTo(host('web01', { ...plain, jump: ['192.0.2.1'] }), sources(known));
  expect(strange.target.jumps?.[0]).not.toHaveProperty('mayMean');
});

describe('where the SSH configuration says nothing', () => {
  it('a host is reached at its first address, port 22, as the operator', async () => {
    expect(await routeTo(host('web01', plain), sources())).toEqual({
      destination: 'web01',
      config: 'none',
      target: { name: 'web01', address: '192.0.2.7', port: 22, user: 'ada', sudo: false },
      needs: [],
      notes: [],
    });
    expect(await routeTo(host('web01', { config: configOf('Host other', 'Port 99') }), sources())).toMatchObject({
      target: { name: 'web01', address: '192.0.2.7', port: 22, user: 'ada', sudo: false },
      notes: [],
    });
  });

  it('paths of hosts.yaml start at its folder, and "~" is the home', async () => {
    const ssh = { ...plain, identity_files: ['keys/a', '~/.ssh/b'], known_hosts: 'known' };
    expect((await routeTo(host('web01', ssh), sources())).target).toMatchObject({
      identityFiles: [join(folder, 'keys/a'), join(folder, 'home/.ssh/b')],
      knownHosts: join(folder, 'known'),
    });
  });
});

describe('the SSH configuration', () => {
  it('gives what hosts.yaml does not say, and it is named', async () => {
    const more = join(folder, 'more.conf');
    writeFileSync(more, 'Host web*\n  Port 2222\n  ConnectTimeout 7\n');
    const config = configOf(
      `Include ${more}`,
      'Host web01',
      '  User deploy',
      '  IdentityFile ~/.ssh/%h_key',
      '  IdentitiesOnly yes',
      '  IdentityAgent none',
      '  HostKeyAlias key-of-%n',
      '  UserKnownHostsFile ~/.ssh/kh "/tmp/a b"',
      '  AddressFamily inet',
      '  BindAddress 127.0.0.1',
      'Match host 192.0.2.*',
      '  GlobalKnownHostsFile /etc/known',
    );
    const { target, notes } = await routeTo(host('web01', { config }), sources());
    expect(target).toEqual({
      name: 'web01',
      address: '192.0.2.7',
      port: 2222,
      user: 'deploy',
      sudo: false,
      identityFiles: [join(folder, 'home/.ssh/192.0.2.7_key')],
      identitiesOnly: true,
      agent: null,
      hostKeyAlias: 'key-of-web01',
      knownHostsFiles: [`${userInfo().homedir}/.ssh/kh`, '/tmp/a b', '/etc/known'],
      family: 4,
      localAddress: '127.0.0.1',
      connectWithin: 7000,
    });
    expect(notes).toHaveLength(1);
    for (const words of ['from the SSH configuration for web01', 'user deploy', 'port 2222', 'key-of-web01']) {
      expect(notes[0]).toContain(words);
    }
  });

  it('loses against hosts.yaml, entry by entry, and Match sees what that says', async () => {
    const config = configOf(
      'Match host 192.0.2.7 user root',
      '  Port 2222',
      'Host web01',
      '  User deploy',
      '  HostName 198.51.100.1',
      '  IdentityFile /a',
      '  ProxyJump bastion',
      '  HostKeyAlias other',
    );
    const ssh = { config, user: 'root', identity_files: ['/b'], jump: [], host_key_alias: 'mine' };
    expect((await routeTo(host('web01', ssh), sources())).target).toEqual({
      name: 'web01',
      address: '192.0.2.7',
      port: 2222,
      user: 'root',
      sudo: false,
      identityFiles: ['/b'],
      hostKeyAlias: 'mine',
    });
  });

  it('is asked under another name where hosts.yaml gives one, and gives the address where that is the name itself', async () => {
    const config = configOf('Host db7', '  HostName 192.0.2.77', '  User dba');
    expect((await routeTo(host('web01', { config, alias: 'db7' }), sources())).target).toMatchObject({
      address: '192.0.2.7',
      user: 'dba',
    });
    expect((await routeTo(host('db7', { config }, 'db7'), sources())).target).toMatchObject({ address: '192.0.2.77' });
  });

  it('never makes anything laxer, and says what was not followed', async () => {
    const config = configOf(
      'Host *',
      '  StrictHostKeyChecking accept-new',
      '  ForwardAgent yes',
      '  VerifyHostKeyDNS yes',
    );
    expect((await routeTo(host('web01', { config }), sources())).notes).toEqual([
      "not followed in the SSH configuration: StrictHostKeyChecking accept-new (a host's key is always verified), VerifyHostKeyDNS, ForwardAgent",
    ]);
    const lax = configOf('Host *', '  StrictHostKeyChecking no', '  KexAlgorithms +diffie-hellman-group1-sha1');
    const { notes, target } = await routeTo(host('web01', { config: lax }), sources());
    expect(notes.at(-1)).toContain('StrictHostKeyChecking no');
    expect(target.legacy).toBeUndefined();
  });

  it('that ssh itself refuses stops the host, with what ssh says', async () => {
    const config = configOf('Host *', '  Bogus yes');
    expect((await routeTo(host('web01', { config }), sources())).target.refused).toMatchObject({
      code: 'ssh-config-bad',
      what: `the SSH configuration cannot be read for web01: ${config}: line 2: Bad configuration option: bogus`,
    });
  });

  it('is done without where there is no ssh program, which is said', async () => {
    const config = configOf('Host *', '  Port 99');
    const { target, notes } = await routeTo(host('web01', { config }), sources({ environment: { PATH: folder } }));
    expect(target.port).toBe(22);
    expect(notes).toEqual(['the SSH configuration is not read: there is no ssh program here that knows -G']);
    const none = await routeTo(host('web01', undefined), sources({ environment: { PATH: folder } }));
    expect(none.notes).toEqual([]);
  });
});

describe('what only the ssh program can do', () => {
  it.each([
    ['proxy-command', 'ProxyCommand nc %h %p'],
    ['pkcs11', 'PKCS11Provider /usr/lib/token.so'],
    ['known-hosts-command', 'KnownHostsCommand /bin/known %H'],
    ['certificate', 'CertificateFile ~/.ssh/id-cert.pub'],
    ['gssapi', 'PreferredAuthentications gssapi-with-mic,publickey'],
    ['algorithms', 'KexAlgorithms sntrup761x25519-sha512@openssh.com'],
  ])('is named: %s', async (need, line) => {
    const { needs } = await routeTo(host('web01', { config: configOf('Host *', `  ${line}`) }), sources());
    expect(needs).toMatchObject([{ need, what: expect.stringMatching(/^web01: /) }]);
  });

  it('is told of a program that makes the connection, so that nobody looks for the host from here', async () => {
    const config = configOf('Host *', '  ProxyCommand nc %h %p');
    expect((await routeTo(host('web01', { config }), sources())).target.proxied).toBe(true);
  });

  it('is named for a bastion as well', async () => {
    const config = configOf('Host bastion', '  CertificateFile /x-cert.pub');
    const { needs } = await routeTo(host('web01', { config, jump: ['bastion'] }), sources());
    expect(needs).toMatchObject([{ need: 'certificate', what: expect.stringMatching(/^bastion: /) }]);
  });

  it('is named for a certificate beside a key, and for a host known by an authority only', async () => {
    const key = join(folder, 'certified');
    keygen('ed25519', key);
    execFileSync('ssh-keygen', ['-q', '-s', key, '-I', 'ada', '-n', 'root', `${key}.pub`], { stdio: 'ignore' });
    const known_hosts = join(folder, 'authority');
    const authority = execFileSync('ssh-keygen', ['-y', '-f', key], { encoding: 'utf8' });
    writeFileSync(known_hosts, `@cert-authority * ${authority}`);
    const { needs } = await routeTo(host('web01', { ...plain, identity_files: [key], known_hosts }), sources());
    expect(needs.map(({ need }) => need)).toEqual(['certificate', 'host-certificate']);
  });
});

describe('bastions', () => {
  const bastion = host('bastion', { ...plain, user: 'ops', port: 2200, host_keys: ['ssh-ed25519 AAAA'] }, '192.0.2.1');

  it('are hosts of the inventory, user@host:port, or names of the configuration', async () => {
    const config = configOf('Host inner', '  HostName 192.0.2.3', '  User in');
    const ssh = { config, jump: ['bastion', 'root@192.0.2.2:222', 'inner', '[2001:db8::1]:22'] };
    const { target, notes } = await routeTo(host('web01', ssh), sources({ hosts: [bastion] }));
    expect(target.jumps).toMatchObject([
      { name: 'bastion', address: '192.0.2.1', port: 2200, user: 'ops', hostKeys: ['ssh-ed25519 AAAA'] },
      { name: '192.0.2.2', address: '192.0.2.2', port: 222, user: 'root' },
      { name: 'inner', address: '192.0.2.3', port: 22, user: 'in' },
      { name: '2001:db8::1', address: '2001:db8::1', port: 22, user: 'ada' },
    ]);
    expect(notes[0]).toBe(
      'by way of ops@192.0.2.1 port 2200, then root@192.0.2.2 port 222, then in@192.0.2.3 port 22, then ada@2001:db8::1 port 22',
    );
  });

  it('are offered the keys for the host behind them, unless the configuration has others', async () => {
    const config = configOf('Host first', '  IdentityFile /first');
    const ssh = { config, identity_files: ['/own'], jump: ['first', 'second'] };
    const { target } = await routeTo(host('web01', ssh), sources());
    expect(target.jumps?.map(({ identityFiles }) => identityFiles)).toEqual([['/first'], ['/own']]);
  });

  it('come from ProxyJump where hosts.yaml names none, with their own before them', async () => {
    const config = configOf(
      'Host web01',
      '  ProxyJump ops@first:2200,second',
      'Host first',
      '  HostName 192.0.2.1',
      '  ProxyJump outer',
      'Host second',
      '  ProxyJump never',
    );
    const { target } = await routeTo(host('web01', { config }), sources());
    expect(target.jumps?.map(({ user, address, port }) => `${user}@${address}:${port}`)).toEqual([
      'ada@outer:22',
      'ops@192.0.2.1:2200',
      'ada@second:22',
    ]);
    expect(target.jumps?.some((jump) => 'jumps' in jump)).toBe(false);
  });

  it('that need each other, or are none, stop the host', async () => {
    const a = host('a', { ...plain, jump: ['b'] });
    const b = host('b', { ...plain, jump: ['a'] });
    expect((await routeTo(a, sources({ hosts: [a, b] }))).target.refused).toMatchObject({ code: 'bad-jump' });
    expect((await routeTo(host('web01', { ...plain, jump: ['two words'] }), sources())).target.refused).toMatchObject({
      code: 'bad-jump',
      what: 'web01: "two words" names no bastion',
    });
  });
});

describe('a host and its bastion that only the SSH configuration knows', () => {
  let outer: Sshd;
  let inner: Sshd;
  const machines: Machine[] = [];
  beforeAll(async () => {
    [outer, inner] = await Promise.all([startSshd(), startSshd()]);
    mkdirSync(join(folder, 'home/.ssh'), { recursive: true });
  });
  afterAll(async () => {
    for (const machine of machines) await machine.close();
    await inner.stop();
    await outer.stop();
  });

  it('are reached, and verified with the files and names that it gives', async () => {
    const known = join(folder, 'known');
    writeFileSync(known, `[127.0.0.1]:${outer.port} ${outer.hostKeys[0]}\nthe-web ${inner.hostKeys[0]}\n`);
    const config = configOf(
      'Host web01',
      `  Port ${inner.port}`,
      `  IdentityFile ${inner.userKey}`,
      '  HostKeyAlias the-web',
      '  ProxyJump the-bastion',
      'Host the-bastion',
      '  HostName 127.0.0.1',
      `  Port ${outer.port}`,
      `  IdentityFile ${outer.userKey}`,
      'Host *',
      '  User root',
      `  UserKnownHostsFile ${known}`,
      '  IdentitiesOnly yes',
      '  StrictHostKeyChecking no',
    );
    const { target } = await routeTo(host('web01', { config }, '127.0.0.1'), sources({ user: 'root' }));
    const machine = sshMachine(target, { home: join(folder, 'home') });
    machines.push(machine);
    expect(text(got(await machine.exec({ argv: ['uname', '-n'], root: false })).stdout)).toBe(`${hostname()}\n`);
    expect(outer.sessions().length).toBeGreaterThan(0);

    writeFileSync(known, `[127.0.0.1]:${outer.port} ${outer.hostKeys[0]}\n`);
    const stranger = sshMachine(target, { home: join(folder, 'home') });
    machines.push(stranger);
    expect(await stranger.exec({ argv: ['true'], root: false })).toMatchObject({
      ok: false,
      error: {
        code: 'host-key-unknown',
        fix: expect.stringContaining(`echo 'the-web ${inner.hostKeys[0]}' >> ${known}`),
      },
    });
  });
});
