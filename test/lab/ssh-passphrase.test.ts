import { execFileSync, spawn } from 'node:child_process';
import { appendFileSync, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import type { Machine, Secrets } from '../../src/core/ports.ts';
import { secretsFrom } from '../../src/effects/secrets.ts';
import { sshMachine } from '../../src/effects/ssh/machine.ts';
import { newShared } from '../../src/effects/ssh/shared.ts';
import type { SshDeps, SshTarget } from '../../src/effects/ssh/target.ts';
import { got, text, until } from '../contracts/machine.ts';
import { keygen, type Sshd, startSshd } from './sshd.ts';

const passphrase = 'open sesame';
let folder: string;
let sshd: Sshd;
let locked: string;
const open: Machine[] = [];
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'decom-passphrase-'));
  sshd = await startSshd();
  locked = join(folder, 'locked');
  keygen('ed25519', locked, passphrase);
  appendFileSync(join(sshd.folder, 'authorized_keys'), readFileSync(`${locked}.pub`));
});
afterEach(async () => {
  for (const machine of open.splice(0)) await machine.close();
});
afterAll(async () => {
  await sshd.stop();
  rmSync(folder, { recursive: true, force: true });
});

function machineAt(more: Partial<SshTarget>, deps: Partial<SshDeps>): Machine {
  const machine = sshMachine(
    {
      name: 'web01',
      address: sshd.address,
      port: sshd.port,
      user: sshd.user,
      identityFiles: [locked],
      hostKeys: sshd.hostKeys,
      sudo: false,
      ...more,
    },
    { home: folder, ...deps },
  );
  open.push(machine);
  return machine;
}
const run = (machine: Machine) => machine.exec({ argv: ['true'], root: false });

/** Somebody at a terminal, who gives these answers in turn. */
function person(...answers: readonly string[]): { readonly secrets: Secrets; readonly asked: string[] } {
  const asked: string[] = [];
  const secrets = secretsFrom({
    environment: {},
    folder,
    redactor: { add: () => undefined },
    ask: async (question) => {
      asked.push(question);
      return answers[asked.length - 1];
    },
  });
  return { secrets, asked };
}

describe('the passphrase of a key', () => {
  it('is asked once, however many hosts want the key', async () => {
    const { secrets, asked } = person(passphrase);
    const shared = newShared();
    const machines = Array.from({ length: 4 }, () => machineAt({}, { secrets, shared }));
    for (const result of await Promise.all(machines.map(run)))
      expect(got(result).ended).toEqual({ how: 'exit', code: 0 });
    expect(got(await run(machineAt({}, { shared }))).ended).toEqual({ how: 'exit', code: 0 });
    expect(asked).toEqual([`Passphrase of ${locked}`]);
  });

  it('may be mistyped twice', async () => {
    const { secrets, asked } = person('open barley', 'open rye', passphrase);
    expect(got(await run(machineAt({}, { secrets }))).ended).toEqual({ how: 'exit', code: 0 });
    expect(asked).toHaveLength(3);
    const hopeless = person('a', 'b', 'c', passphrase);
    expect(await run(machineAt({}, { secrets: hopeless.secrets }))).toMatchObject({
      ok: false,
      error: {
        code: 'key-encrypted',
        what: `the passphrase that was given does not open the key ${locked} for web01`,
      },
    });
    expect(hopeless.asked).toHaveLength(3);
  });

  it('comes from where hosts.yaml says that it is kept, with nobody there', async () => {
    const file = join(folder, 'passphrase');
    writeFileSync(file, `${passphrase}\n`, { mode: 0o600 });
    const secrets = secretsFrom({ environment: {}, folder, redactor: { add: () => undefined } });
    expect(got(await run(machineAt({ passphrase: { file: 'passphrase' } }, { secrets }))).ended).toEqual({
      how: 'exit',
      code: 0,
    });
    writeFileSync(file, 'another\n');
    const others = secretsFrom({ environment: {}, folder, redactor: { add: () => undefined } });
    expect(await run(machineAt({ passphrase: { file: 'passphrase' } }, { secrets: others }))).toMatchObject({
      ok: false,
      error: {
        code: 'key-encrypted',
        what: `the passphrase that ssh.passphrase names does not open the key ${locked} for web01`,
      },
    });
  });

  it('that nobody can give is trouble which says how it could be given', async () => {
    const secrets = secretsFrom({ environment: {}, folder, redactor: { add: () => undefined } });
    expect(await run(machineAt({}, { secrets }))).toMatchObject({
      ok: false,
      error: {
        code: 'key-encrypted',
        what: expect.stringContaining('nobody is there to be asked'),
        fix: expect.stringContaining('ssh.passphrase in hosts.yaml'),
      },
    });
  });

  it('is not asked for a host whose key is not the known one', async () => {
    const { secrets, asked } = person(passphrase);
    keygen('ed25519', join(folder, 'other'));
    const other = readFileSync(join(folder, 'other.pub'), 'utf8').trim();
    expect(await run(machineAt({ hostKeys: [other] }, { secrets }))).toMatchObject({
      ok: false,
      error: { code: 'host-key-changed' },
    });
    expect(asked).toEqual([]);
  });

  it('is not asked where another key is let in, or the agent holds this one', async () => {
    const { secrets, asked } = person(passphrase);
    expect(got(await run(machineAt({ identityFiles: [locked, sshd.userKey] }, { secrets }))).ended).toEqual({
      how: 'exit',
      code: 0,
    });
    const agent = await startAgent(locked, sshd.userKey);
    const only = machineAt({ identitiesOnly: true }, { secrets, agent: agent.socket });
    expect(got(await run(only)).ended).toEqual({ how: 'exit', code: 0 });
    const { stdout } = got(await only.exec({ argv: ['sh', '-c', 'echo "${SSH_AUTH_SOCK-none}"'], root: false }));
    // An agent is used, and never forwarded.
    expect(text(stdout)).toBe('none\n');
    expect(asked).toEqual([]);
    // The agent holds a key that would be let in, and it is not one of those that may be offered.
    keygen('ed25519', join(folder, 'stranger'));
    const narrow = machineAt(
      { identityFiles: [join(folder, 'stranger')], identitiesOnly: true },
      { agent: agent.socket },
    );
    expect(await run(narrow)).toMatchObject({ ok: false, error: { code: 'auth-refused' } });
    const none = machineAt({ identityFiles: [join(folder, 'stranger')], agent: null }, { agent: agent.socket });
    expect(await run(none)).toMatchObject({ ok: false, error: { code: 'auth-refused' } });
    agent.stop();
  });

  it('opens the way through a bastion as well', async () => {
    const { secrets, asked } = person(passphrase);
    const jump: SshTarget = {
      name: 'bastion',
      address: sshd.address,
      port: sshd.port,
      user: sshd.user,
      identityFiles: [locked],
      hostKeys: sshd.hostKeys,
      sudo: false,
    };
    expect(got(await run(machineAt({ jumps: [jump] }, { secrets }))).ended).toEqual({ how: 'exit', code: 0 });
    expect(asked).toHaveLength(1);
  });
});

async function startAgent(...files: readonly string[]): Promise<{ readonly socket: string; stop(): void }> {
  const socket = join(folder, 'agent.sock');
  const agent = spawn('ssh-agent', ['-D', '-a', socket], { stdio: 'ignore' });
  await until(() => (existsSync(socket) ? true : undefined));
  const askpass = join(folder, 'askpass');
  writeFileSync(askpass, `#!/bin/sh\necho '${passphrase}'\n`, { mode: 0o700 });
  for (const file of files) {
    execFileSync('ssh-add', ['-q', file], {
      env: { ...process.env, SSH_AUTH_SOCK: socket, SSH_ASKPASS: askpass, SSH_ASKPASS_REQUIRE: 'force' },
      stdio: 'ignore',
    });
  }
  return { socket, stop: () => agent.kill() };
}
