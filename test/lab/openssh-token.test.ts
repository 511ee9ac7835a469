import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Machine } from '../../src/core/ports.ts';
import { got, text } from '../contracts/machine.ts';
import { type ByConfiguration, byConfiguration, type Where } from './by-configuration.ts';
import { type Sshd, startSshd } from './sshd.ts';
import { makeToken, type Token } from './token.ts';
import { setVariables } from './variables.ts';

let sshd: Sshd;
let token: Token;
let agent: Awaited<ReturnType<Token['agent']>>;
let restore: () => void;
const open: ByConfiguration[] = [];
const reached = async (lines: readonly string[], where: Where = {}): Promise<ByConfiguration> => {
  const way = await byConfiguration(sshd, lines, where);
  open.push(way);
  return way;
};
const whoami = (machine: Machine) => machine.exec({ argv: ['id', '-un'], root: false });
const troubleOf = async (machine: Machine) => {
  const result = await whoami(machine);
  return result.ok ? undefined : result.error;
};

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
    for (const way of open) await way.close();
    await agent.stop();
    await sshd.stop();
    restore();
    token.remove();
  });
  const byToken = (): readonly string[] => [`PKCS11Provider ${token.provider}`, `IdentityAgent ${agent.socket}`];

  it('runs programs: input, both outputs, exits and signals come as they are', async () => {
    const { machine } = await reached(byToken());
    const run = async (script: string) =>
      got(await machine.exec({ argv: ['sh', '-c', script], root: false }, { stdin: Buffer.from('in') }));
    const said = await run('cat; echo err >&2; exit 42');
    expect([text(said.stdout), text(said.stderr), said.ended]).toEqual(['in', 'err\n', { how: 'exit', code: 42 }]);
    expect((await run('exit 255')).ended).toEqual({ how: 'exit', code: 255 });
    expect((await run('kill -TERM $$')).ended).toEqual({ how: 'signal', signal: 'SIGTERM' });
  });

  it('has the ssh program chosen, and the plan says why', async () => {
    const { machine, chosen } = await reached(byToken());
    expect(chosen).toEqual({
      by: 'openssh',
      otherwise: false,
      words: [`over SSH by the ssh program: web01: its key is on a token (PKCS11Provider ${token.provider})`],
    });
    expect(text(got(await whoami(machine)).stdout)).toBe('root\n');
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
