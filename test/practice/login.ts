import { readFileSync } from 'node:fs';
import { connect as tcp } from 'node:net';
import ssh2, { type Client, type ConnectConfig } from 'ssh2';
import type { Computer } from '../../src/practice/computer.ts';

export interface Ran {
  readonly code: number | null;
  readonly signal: string | undefined;
  readonly stdout: string;
  readonly stderr: string;
}

/** Logs in with the machine's own key, and only if it shows the host key that it promised. */
export function login(computer: Computer, override: ConnectConfig = {}): Promise<Client> {
  const client = new ssh2.Client();
  return new Promise((resolve, reject) => {
    // A promise settles once: an error after the login is the machine going away, which tests look for in other ways.
    client.on('error', reject);
    client.once('ready', () => resolve(client));
    client.connect({
      host: computer.ssh.address,
      port: computer.ssh.port,
      username: computer.ssh.user,
      privateKey: readFileSync(computer.ssh.identityFile),
      hostVerifier: (key: Buffer) => key.toString('base64') === computer.ssh.hostKey.split(' ')[1],
      ...override,
    });
  });
}

/** Runs a command line and gives what came back once its channel is closed. */
export function run(client: Client, command: string, stdin: string | Buffer = ''): Promise<Ran> {
  return new Promise((resolve, reject) => {
    client.exec(command, (error, channel) => {
      if (error) return reject(error);
      const out: Buffer[] = [];
      const err: Buffer[] = [];
      let code: number | null = null;
      let signal: string | undefined;
      channel.on('data', (chunk: Buffer) => out.push(chunk));
      channel.stderr.on('data', (chunk: Buffer) => err.push(chunk));
      channel.on('exit', (c: number | null, s?: string) => {
        code = c;
        signal = s;
      });
      channel.on('close', () =>
        resolve({ code, signal, stdout: Buffer.concat(out).toString(), stderr: Buffer.concat(err).toString() }),
      );
      channel.end(stdin);
    });
  });
}

/** Whether a TCP connection to the machine's SSH port opens. */
export function answers(computer: Computer): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = tcp(computer.ssh.port, computer.ssh.address);
    socket.once('connect', () => {
      socket.destroy();
      resolve(true);
    });
    socket.once('error', () => resolve(false));
  });
}

/** Looks again until it holds; fails when it takes so long that nothing will come of it. */
export async function until(what: string, holds: () => boolean | Promise<boolean>): Promise<void> {
  const deadline = Date.now() + 240_000;
  while (!(await holds())) {
    if (Date.now() > deadline) throw new Error(`still not: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}
