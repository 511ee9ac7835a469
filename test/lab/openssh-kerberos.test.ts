import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { configured, runsPrograms, troubleOf } from './by-configuration.ts';
import { type Realm, startRealm } from './kerberos.ts';
import { type Sshd, startSshd } from './sshd.ts';
import { setVariables } from './variables.ts';

let sshd: Sshd;
let realm: Realm;
let restore: () => void;
const { reached, close } = configured(() => sshd);

describe('a login by Kerberos', () => {
  beforeAll(async () => {
    realm = await startRealm('root');
    restore = setVariables(realm.client);
    sshd = await startSshd({
      environment: realm.server,
      config: ['GSSAPIAuthentication yes', 'GSSAPIKeyExchange yes', 'GSSAPIStrictAcceptorCheck no'],
    });
    writeFileSync(join(sshd.folder, 'authorized_keys'), '');
  });
  afterAll(async () => {
    await close();
    await sshd.stop();
    restore();
    await realm.stop();
  });
  const byTicket = [
    'GSSAPIAuthentication yes',
    'PreferredAuthentications gssapi-with-mic,publickey',
    'AddressFamily inet',
  ];
  // The ticket is asked for by the address of hosts.yaml.
  const address = 'localhost';

  it('runs programs: input, both outputs, exits and signals come as they are', async () => {
    const { machine } = await reached(byTicket, { address });
    await runsPrograms(machine);
  });

  it('has the ssh program chosen, and the plan says why', async () => {
    const { machine, chosen } = await reached(byTicket, { address });
    expect(chosen).toEqual({
      by: 'openssh',
      otherwise: false,
      words: ['over SSH by the ssh program: web01: the login is by Kerberos (GSSAPI)'],
    });
    expect(await troubleOf(machine)).toBeUndefined();
  });

  it('without a ticket is refused', async () => {
    const back = setVariables(realm.clientWithout);
    const { machine } = await reached(byTicket, { address });
    expect(await troubleOf(machine)).toMatchObject({ code: 'auth-refused' });
    back();
  });

  it('is refused at an address that the realm knows no service for', async () => {
    const { machine } = await reached(byTicket, { address: '127.0.0.1' });
    expect(await troubleOf(machine)).toMatchObject({ code: 'auth-refused' });
  });

  it('does not let a host in that shows another key', async () => {
    const other = await startSshd();
    const { machine } = await reached(byTicket, { address, hostKeys: other.hostKeys });
    expect(await troubleOf(machine)).toMatchObject({ code: 'host-key-changed' });
    await other.stop();
  });

  it('whose key exchange is by Kerberos too shows no host key, so it is refused, and the message names the setting', async () => {
    const { machine } = await reached([...byTicket, 'GSSAPIKeyExchange yes'], { address });
    expect(await troubleOf(machine)).toMatchObject({
      code: 'host-key-unknown',
      fix: expect.stringContaining('GSSAPIKeyExchange no'),
    });
  });
});
