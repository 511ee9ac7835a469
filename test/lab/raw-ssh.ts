import { type ChildProcess, spawn } from 'node:child_process';

/** How to log in with the system's own `ssh`, beside everything under test. */
export interface RawLogin {
  readonly port: number;
  readonly user: string;
  readonly key: string;
  readonly knownHosts: string;
  /** Where `shareConnection` put its socket (a path under 100 bytes); without it every call logs in anew. */
  readonly share?: string;
}

export interface RawEnd {
  readonly code: number | null;
  readonly stdout: Buffer;
  readonly stderr: string;
}

export const rawSshArguments = (login: RawLogin): readonly string[] => [
  '-F',
  '/dev/null',
  '-p',
  String(login.port),
  '-i',
  login.key,
  '-o',
  'IdentitiesOnly=yes',
  '-o',
  'BatchMode=yes',
  '-o',
  'ConnectTimeout=20',
  '-o',
  'StrictHostKeyChecking=yes',
  '-o',
  `UserKnownHostsFile=${login.knownHosts}`,
  '-o',
  'LogLevel=ERROR',
  ...(login.share === undefined ? [] : ['-o', `ControlPath=${login.share}`]),
  `${login.user}@127.0.0.1`,
];

/** Runs a shell script on the machine; never rejects for a script that fails. */
export const rawSsh = (login: RawLogin, script: string, stdin: string | Buffer = ''): Promise<RawEnd> =>
  new Promise((resolve, reject) => {
    const child = spawn('ssh', [...rawSshArguments(login), '--', script], { stdio: ['pipe', 'pipe', 'pipe'] });
    const out: Buffer[] = [];
    const err: Buffer[] = [];
    child.stdout.on('data', (chunk: Buffer) => out.push(chunk));
    child.stderr.on('data', (chunk: Buffer) => err.push(chunk));
    child.once('error', reject);
    child.once('close', (code) => resolve({ code, stdout: Buffer.concat(out), stderr: Buffer.concat(err).toString() }));
    child.stdin.on('error', () => undefined);
    child.stdin.end(stdin);
  });

/** Holds one connection open for all later calls with the same `share`, until the returned process is killed. */
export const shareConnection = (login: RawLogin): ChildProcess =>
  spawn('setpriv', ['--pdeathsig', 'TERM', '--', 'ssh', '-M', '-N', ...rawSshArguments(login)], { stdio: 'ignore' });
