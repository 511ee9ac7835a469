import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { configured, runsPrograms, troubleOf } from './by-configuration.ts';
import { type Sshd, startSshd } from './sshd.ts';
import { makeToken, type Token } from './token.ts';
import { setVariables } from './variables.ts';

let sshd: Sshd;
let token: Token;
let agent: Awaited<ReturnType<Token['agent']>>;
let restore: () => void;
const { reached, close } = configured(() => sshd);

describe('a key on a PKCS#11 token', () => {
  beforeAll(async () => {
    token = makeToken();
    restore = setVariables(token.environment);
    sshd = await startSshd();
    // Only the token's key lets anybody in.
    writeFileSync(join(sshd.folder, 'authorized_keys'), `${token.publicKey}\n`);
    agent = await token.agent();
  });
  afterAll(async () => {
    await close();
    await agent.stop();
    await sshd.stop();
    restore();
    token.remove();
  });
  const byToken = (): readonly string[] => [`PKCS11Provider ${token.provider}`, `IdentityAgent ${agent.socket}`];

  it('runs programs: input, both outputs, exits and signals come as they are', async () => {
    const { machine } = await reached(byToken());
    await runsPrograms(machine);
  });

  it('has the ssh program chosen, and the plan says why', async () => {
    const { machine, chosen } = await reached(byToken());
    expect(chosen).toEqual({
      by: 'openssh',
      otherwise: false,
      words: [`over SSH by the ssh program: web01: its key is on a token (PKCS11Provider ${token.provider})`],
    });
    expect(await troubleOf(machine)).toBeUndefined();
  });

  it('whose PIN no agent has been given is refused, and the message says how to give it', async () => {
    const { machine } = await reached([`PKCS11Provider ${token.provider}`, 'IdentityAgent none']);
    expect(await troubleOf(machine)).toMatchObject({
      code: 'auth-refused',
      fix: expect.stringContaining('ssh-add -s PROVIDER'),
    });
  });

  it('does not let a host in that shows another key', async () => {
    const other = await startSshd();
    const { machine } = await reached(byToken(), { hostKeys: other.hostKeys });
    expect(await troubleOf(machine)).toMatchObject({ code: 'host-key-changed' });
    await other.stop();
  });
});
