import { execFileSync, spawn } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { poll } from './poll.ts';
import { freePort } from './sshd.ts';

/** A Kerberos realm of its own: its KDC listens on 127.0.0.1, and no file of the system is read or written. */
export interface Realm {
  /** For the server: `KRB5_CONFIG`, and the keytab of `host/localhost`. */
  readonly server: Readonly<Record<string, string>>;
  /** For the client: `KRB5_CONFIG`, and the cache with a ticket of `user`. */
  readonly client: Readonly<Record<string, string>>;
  /** The same without a ticket. */
  readonly clientWithout: Readonly<Record<string, string>>;
  readonly pid: number;
  stop(): Promise<void>;
}

export async function startRealm(user: string): Promise<Realm> {
  const folder = mkdtempSync(join(tmpdir(), 'decom-realm-'));
  const at = (name: string): string => join(folder, name);
  const port = await freePort();
  writeFileSync(
    at('krb5.conf'),
    `[libdefaults]
  default_realm = LAB.TEST
  dns_lookup_kdc = false
  dns_lookup_realm = false
  dns_canonicalize_hostname = false
  rdns = false
[realms]
  LAB.TEST = {
    kdc = 127.0.0.1:${port}
  }
`,
  );
  writeFileSync(
    at('kdc.conf'),
    `[kdcdefaults]
  kdc_listen = 127.0.0.1:${port}
  kdc_tcp_listen = 127.0.0.1:${port}
[realms]
  LAB.TEST = {
    database_name = ${at('principal')}
    key_stash_file = ${at('stash')}
    supported_enctypes = aes256-cts:normal
  }
`,
  );
  const config = { KRB5_CONFIG: at('krb5.conf') };
  const env = {
    ...process.env,
    ...config,
    KRB5_KDC_PROFILE: at('kdc.conf'),
    KRB5CCNAME: `FILE:${at('cache')}`,
    KRB5RCACHENAME: 'none:',
  };
  const run = (program: string, ...args: readonly string[]): void => {
    execFileSync(program, args, { env, stdio: ['ignore', 'ignore', 'pipe'] });
  };
  // -W: from /dev/urandom; a lab has no need of better.
  run('kdb5_util', 'create', '-s', '-W', '-r', 'LAB.TEST', '-P', 'lab');
  for (const [principal, keytab] of [
    ['host/localhost', 'host.keytab'],
    [user, 'user.keytab'],
  ] as const) {
    run('kadmin.local', '-q', `addprinc -randkey ${principal}`);
    run('kadmin.local', '-q', `ktadd -k ${at(keytab)} ${principal}`);
  }
  const kdc = spawn('setpriv', ['--pdeathsig', 'TERM', '--', '/usr/sbin/krb5kdc', '-n'], { env, stdio: 'ignore' });
  const { pid } = kdc;
  if (pid === undefined) throw new Error('krb5kdc did not start');
  await poll(
    'a ticket from the KDC',
    () => {
      if (kdc.exitCode !== null) throw new Error('krb5kdc did not start');
      try {
        run('kinit', '-k', '-t', at('user.keytab'), user);
        return true;
      } catch {
        return undefined;
      }
    },
    20,
  );
  return {
    server: { ...config, KRB5_KTNAME: at('host.keytab'), KRB5RCACHENAME: 'none:' },
    client: { ...config, KRB5CCNAME: `FILE:${at('cache')}` },
    clientWithout: { ...config, KRB5CCNAME: `FILE:${at('none')}` },
    pid,
    stop: async () => {
      const ended = new Promise((resolve) => kdc.once('exit', resolve));
      if (kdc.exitCode === null && kdc.signalCode === null && kdc.kill()) await ended;
      rmSync(folder, { recursive: true, force: true });
    },
  };
}
