import { createHash } from 'node:crypto';
import { existsSync, mkdtempSync, readFileSync, realpathSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Client, ClientChannel } from 'ssh2';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { type Computer, startComputer } from '../../src/practice/computer.ts';
import { newKeyPair } from '../../src/practice/key-pair.ts';
import { quoted } from '../../src/practice/stand-ins.ts';
import { answers, login, run, until } from './login.ts';

let folder: string;
let computer: Computer;
let client: Client;

beforeEach(async () => {
  folder = realpathSync(mkdtempSync(join(tmpdir(), 'practice-')));
  computer = await startComputer({ folder });
  client = await login(computer);
});

afterEach(async () => {
  client.end();
  await computer.close();
  rmSync(folder, { recursive: true, force: true });
});

describe('logging in', () => {
  test('another key, another user and a password are refused', async () => {
    const stranger = newKeyPair('stranger').private;
    await expect(login(computer, { privateKey: stranger })).rejects.toThrow('authentication methods failed');
    await expect(login(computer, { username: 'nobody' })).rejects.toThrow('authentication methods failed');
    await expect(login(computer, { privateKey: '', password: 'practice' })).rejects.toThrow();
  });

  test('the login is root on this machine, in a home of its own', async () => {
    const { stdout } = await run(client, 'id -u; id -un; pwd; echo $HOME; echo "${SSH_AUTH_SOCK-none}"');
    expect(stdout.split('\n').slice(0, 5)).toEqual([
      '0',
      'root',
      join(folder, 'machine/root'),
      join(folder, 'machine/root'),
      'none',
    ]);
  });
});

test('while it is off, the system gives its port to nobody else', async () => {
  const [from = 0, to = 0] = readFileSync('/proc/sys/net/ipv4/ip_local_port_range', 'utf8').split('\t').map(Number);
  expect(from).toBeLessThan(to);
  expect(computer.ssh.port < from || computer.ssh.port > to).toBe(true);
});

describe('running commands', () => {
  test('both streams come back where the client reads neither until it is full', { timeout: 60_000 }, async () => {
    const ended = new Promise<readonly [number, number]>((resolve, reject) => {
      client.exec('head -c 8000000 /dev/zero; head -c 8000000 /dev/zero >&2', (error, channel) => {
        if (error) return reject(error);
        const bytes: [number, number] = [0, 0];
        const read = (n: 0 | 1) => (chunk: Buffer) => {
          bytes[n] += chunk.length;
        };
        // What ssh2 itself counts: nothing more may be sent until something is read.
        const isFull = () => (channel as unknown as { incoming: { window: number } }).incoming.window === 0;
        channel.on('close', () => resolve(bytes));
        void (async () => {
          await until('no room', isFull);
          channel.on('data', read(0));
          await until('no room again', () => bytes[0] === 8e6 && isFull());
          channel.stderr.on('data', read(1));
        })().catch(reject);
      });
    });
    expect(await ended).toEqual([8e6, 8e6]);
  });

  test('exit code and both streams come back', async () => {
    expect(await run(client, 'echo out; echo err >&2; exit 7')).toEqual({
      code: 7,
      signal: undefined,
      stdout: 'out\n',
      stderr: 'err\n',
    });
  });

  test('a command killed by a signal says so and has no exit code', async () => {
    expect(await run(client, 'kill -KILL $$')).toMatchObject({ code: null, signal: 'SIGKILL' });
  });

  test('input reaches the command whole, and ends', async () => {
    const bytes = Buffer.alloc(5_000_000, 'practice ');
    const { stdout } = await run(client, `${quoted(process.execPath)} -e ${quoted(hashOfInput)}`, bytes);
    expect(stdout).toBe(createHash('sha256').update(bytes).digest('hex'));
  });

  test('a command may ignore its input', async () => {
    expect(await run(client, 'true', Buffer.alloc(3_000_000))).toMatchObject({ code: 0 });
  });

  test('long error output is not cut when the command ends', async () => {
    const { stderr } = await run(
      client,
      'i=0; while [ $i -lt 20000 ]; do echo "line $i of the errors" >&2; i=$((i+1)); done',
    );
    expect(stderr.trimEnd().split('\n')).toHaveLength(20_000);
  });

  test('ten commands run at once on one connection, and no eleventh', async () => {
    const held = await Promise.all(Array.from({ length: 10 }, () => open(client, 'cat')));
    await expect(open(client, 'true')).rejects.toThrow('Channel open failure');
    for (const channel of held) channel.end();
    await Promise.all(held.map((channel) => new Promise((resolve) => channel.on('close', resolve).resume())));
    expect(await run(client, 'echo again')).toMatchObject({ stdout: 'again\n' });
  });

  test('closing the channel or the connection does not end a command; killing its process group does', async () => {
    const other = await login(computer);
    const channel = await open(other, 'echo $$; exec sleep 600');
    const pid = Number(await new Promise((resolve) => channel.once('data', resolve)));
    channel.close();
    other.end();
    await new Promise<void>((resolve) => other.on('close', resolve));
    expect(await computer.processes()).toContain(pid);
    expect(await run(client, `kill -s TERM -- -${pid}`)).toMatchObject({ code: 0 });
    await until('the command is gone', async () => !(await computer.processes()).includes(pid));
  });

  test('only the language is taken from the client’s environment', async () => {
    const channel = await open(client, 'echo "${LC_ALL-none} ${LD_PRELOAD-none}"', {
      LC_ALL: 'C.UTF-8',
      LD_PRELOAD: 'x',
    });
    expect(String(await new Promise((resolve) => channel.once('data', resolve)))).toBe('C.UTF-8 none\n');
  });
});

describe('its identity', () => {
  test('dmidecode and hostnamectl tell what the inventory would know', async () => {
    const { serial, uuid, machineId } = computer.identity;
    const asked = await run(client, 'dmidecode -s system-serial-number; dmidecode -s system-uuid; hostnamectl');
    expect(asked.stdout).toContain(`${serial}\n${uuid}\n`);
    expect(asked.stdout).toMatch(new RegExp(`Machine ID: ${machineId}\\n\\s+Boot ID: [0-9a-f]{32}\\n`));
    expect(await run(client, 'dmidecode -s nonsense')).toMatchObject({ code: 2 });
  });

  test('its only disk is none of this computer’s', async () => {
    const { stdout } = await run(client, 'lsblk --json -o NAME,SERIAL');
    expect(JSON.parse(stdout)).toMatchObject({
      blockdevices: [{ name: 'practice0', serial: `${computer.identity.serial}-D0` }],
    });
    expect(existsSync('/dev/practice0')).toBe(false);
  });
});

describe('its services', () => {
  const size = (): number => statSync(computer.journal).size;

  test('app.service writes until it is stopped, and then nothing is left of it', async () => {
    const before = size();
    await until('the service writes', () => size() > before);
    expect(await run(client, 'systemctl --no-ask-password stop -- app-watch.timer app.service')).toMatchObject({
      code: 0,
    });
    expect(readFileSync(computer.journal, 'utf8')).toMatch(/stopped in order\n$/);
    expect(computer.unit('app.service')).toMatchObject({ active: 'inactive', sub: 'dead', pid: 0 });
    const { stdout } = await run(
      client,
      'systemctl show -p SubState,ActiveState,Nonsense -- app.service; systemctl is-active app',
    );
    expect(stdout).toBe('ActiveState=inactive\nSubState=dead\ninactive\n');
  });

  test('a service stopped without its timer comes back', async () => {
    await run(client, 'systemctl stop app.service');
    await until('it runs again', () => computer.unit('app.service')?.active === 'active');
    const { stdout } = await run(client, 'systemctl show --property=TriggeredBy app.service');
    expect(stdout).toBe('TriggeredBy=app-watch.timer\n');
  });

  test('a service that dies has failed', async () => {
    await run(client, `kill -KILL ${computer.unit('web.service')?.pid}`);
    await until('it is seen', () => computer.unit('web.service')?.active === 'failed');
    expect(await run(client, 'systemctl is-active web')).toMatchObject({ code: 3, stdout: 'failed\n' });
  });

  test('units that are missing or masked are refused in systemctl’s words', async () => {
    expect(await run(client, 'systemctl show -p LoadState nginx')).toMatchObject({
      stdout: 'LoadState=not-found\n',
      code: 0,
    });
    expect(await run(client, 'systemctl stop nginx.service')).toMatchObject({
      code: 5,
      stderr: 'Failed to stop nginx.service: Unit nginx.service not loaded.\n',
    });
    await run(client, 'systemctl mask --now web.service');
    expect(await run(client, 'systemctl start web.service')).toMatchObject({ code: 1 });
    expect(computer.unit('web.service')).toMatchObject({ active: 'inactive', enabled: 'masked' });
    expect(await run(client, 'systemctl frobnicate web')).toMatchObject({
      code: 1,
      stderr: "Unknown command verb 'frobnicate'.\n",
    });
  });
});

describe('its power', () => {
  test('cutting it drops the connection, closes the port and leaves no process, not even one that left its group', async () => {
    const left = await run(client, `${quoted(process.execPath)} -e ${quoted(leaveGroup)}`);
    const pid = Number(left.stdout);
    if (process.platform === 'linux') expect(await computer.processes()).toContain(pid);
    const dropped = new Promise<void>((resolve) => client.on('close', resolve));
    await computer.power.set('off', 'hard');
    await dropped;
    expect(await computer.power.get()).toBe('off');
    expect(await answers(computer)).toBe(false);
    expect(await computer.processes()).toEqual([]);
    if (process.platform !== 'linux') process.kill(pid, 'SIGKILL');
    expect(readFileSync(computer.journal, 'utf8')).not.toContain('stopped in order');
  });

  test('a soft switch-off stops the services in order first', async () => {
    await until('the service writes', () => statSync(computer.journal).size > 0);
    await computer.power.set('off', 'soft');
    expect(await computer.power.get()).toBe('off');
    expect(readFileSync(computer.journal, 'utf8')).toMatch(/stopped in order\n$/);
  });

  test('switched on again it is the same machine with the same disk, and another boot', async () => {
    const bootId = async (c: Client): Promise<string> => (await run(c, 'hostnamectl | grep Boot')).stdout;
    const first = await bootId(client);
    await run(client, 'systemctl disable --now app-watch.timer app.service');
    await computer.power.set('off', 'hard');
    expect(await answers(computer)).toBe(false);
    await computer.power.set('on', 'soft');
    const again = await login(computer);
    expect(await bootId(again)).not.toBe(first);
    expect(computer.unit('app.service')).toMatchObject({ active: 'inactive', enabled: 'disabled' });
    expect(computer.unit('web.service')).toMatchObject({ active: 'active' });
    again.end();
  });

  test('poweroff on the machine switches off the machine, and no other', async () => {
    await run(client, 'shutdown -h now');
    await until('it is off', async () => (await computer.power.get()) === 'off');
    expect(await answers(computer)).toBe(false);
  });
});

const hashOfInput =
  "const h=require('crypto').createHash('sha256');process.stdin.on('data',d=>h.update(d)).on('end',()=>process.stdout.write(h.digest('hex')))";
const leaveGroup =
  "const c=require('child_process').spawn('sleep',['600'],{detached:true,stdio:'ignore'});c.unref();process.stdout.write(String(c.pid))";

function open(client: Client, command: string, env: NodeJS.ProcessEnv = {}): Promise<ClientChannel> {
  return new Promise((resolve, reject) => {
    client.exec(command, { env }, (error, channel) => (error ? reject(error) : resolve(channel)));
  });
}
