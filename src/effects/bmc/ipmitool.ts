import { spawn } from 'node:child_process';
import { type FileHandle, mkdtemp, open, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Secret } from '../../core/secret.ts';

/** How a run of ipmitool ended. `stage` is how far it got, told from what `-v` prints, as the exit code is 1 for all. */
export type IpmitoolEnd =
  | { readonly stage: 'answered'; readonly ok: boolean; readonly stdout: string; readonly stderr: string }
  /** The session was up and the command was sent; its answer never came. */
  | { readonly stage: 'unanswered'; readonly stderr: string }
  | { readonly stage: 'no-answer' | 'refused' | 'no-suite' | 'suite-ignored' | 'no-session'; readonly stderr: string }
  | { readonly stage: 'no-tool' };

export interface IpmitoolTarget {
  readonly address: string;
  readonly port: number;
  readonly user: string;
  readonly password: Secret;
}

/** Greatest time of one command in milliseconds, far beyond what its own timeouts allow. */
const longest = 45_000;

/**
 * Runs one ipmitool command over RMCP+. The password goes through a file of mode 0600 that has lost its name before ipmitool is started, so
 * that nothing of it stays behind whoever is killed: an argument can be read by everyone in /proc, and an environment variable by every child.
 * Two tries of two seconds a packet: a BMC that is not there costs 4 s.
 */
export async function ipmitool(
  target: IpmitoolTarget,
  suite: number,
  command: readonly string[],
  privilege: 'OPERATOR' | 'ADMINISTRATOR' = 'OPERATOR',
): Promise<IpmitoolEnd> {
  const file = await nameless(`${target.password.reveal()}\n`);
  try {
    const end = await run(
      [
        ...['-I', 'lanplus', '-H', target.address, '-p', String(target.port), '-U', target.user, '-f', '/dev/stdin'],
        // Operator is the least privilege that may switch the power and the light.
        ...['-C', String(suite), '-L', privilege, '-N', '2', '-R', '1', '-v', ...command],
      ],
      file.fd,
    );
    if (end === undefined) return { stage: 'no-tool' };
    if (end.code === null) return { stage: 'unanswered', stderr: end.stderr };
    return classify(end.code === 0, end.stdout, end.stderr);
  } finally {
    await file.close();
  }
}

/** A file that holds a text and has no name any more. Its offset stays at the start, which a program that inherits it may share. */
async function nameless(text: string): Promise<FileHandle> {
  const folder = await mkdtemp(join(tmpdir(), 'decom-bmc-')); // mkdtemp makes it 0700
  try {
    const file = await open(join(folder, 'password'), 'wx+', 0o600);
    await file.write(text, 0);
    return file;
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** `code` is null for one that was ended, here or by a signal; undefined where there is none that can be run. */
function run(
  args: readonly string[],
  stdin: number,
): Promise<{ readonly code: number | null; readonly stdout: string; readonly stderr: string } | undefined> {
  const child = spawn('ipmitool', args, {
    stdio: [stdin, 'pipe', 'pipe'],
    env: { PATH: process.env.PATH ?? '', LC_ALL: 'C' },
    timeout: longest,
  });
  const [stdout, stderr] = [child.stdout, child.stderr].map((stream) => {
    const chunks: Buffer[] = [];
    let size = 0;
    stream?.on('data', (chunk: Buffer) => {
      size += chunk.length;
      if (size <= mostSaid) chunks.push(chunk);
      else child.kill();
    });
    return () => Buffer.concat(chunks).toString().trimEnd();
  }) as [() => string, () => string];
  return new Promise((resolve, reject) => {
    child.on('error', (error: NodeJS.ErrnoException) => {
      if (error.code === 'ENOENT' || error.code === 'EACCES') resolve(undefined);
      else reject(error);
    });
    child.on('close', (code) => resolve({ code, stdout: stdout(), stderr: stderr() }));
  });
}

/** Bytes of each stream; who says more is no ipmitool. */
const mostSaid = 64 * 1024;

function classify(ok: boolean, stdout: string, stderr: string): IpmitoolEnd {
  if (ok) return { stage: 'answered', ok, stdout, stderr };
  if (/Unable to establish IPMI/.test(stderr)) {
    if (noSuite.test(stderr)) return { stage: 'no-suite', stderr };
    if (wrongLogin.test(stderr)) return { stage: 'refused', stderr };
    if (suiteIgnored.test(stderr)) return { stage: 'suite-ignored', stderr };
    if (silent.test(stderr)) return { stage: 'no-answer', stderr };
    return { stage: 'no-session', stderr };
  }
  if (silence.test(stderr) && !/rsp=0x/.test(stderr)) return { stage: 'unanswered', stderr };
  return { stage: 'answered', ok, stdout, stderr };
}

/** Its words where the session was up and a command was left without an answer; with one, its completion code follows. */
const silence = /^(Unable to (get|set|send) |MC reset command failed\.?$)/m;
const noSuite =
  /response message : (invalid|no matching) (authentication|integrity|confidentiality)|no matching (cipher suite|\w+ payload)/;
const wrongLogin = /RAKP 2 HMAC is invalid|unauthorized name|unauthorized role|RAKP 4 message|Insufficient privilege/;
/** It answered before the suite was named, and not after. */
const suiteIgnored = /Timeout in open session response/;
const silent = /Get Auth Capabilities error$|no response from RAKP|Address lookup|open socket/m;
