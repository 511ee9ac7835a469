import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { execa } from 'execa';
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
 * Runs one ipmitool command over RMCP+. The password goes through a file of mode 0600 that exists only while it runs:
 * an argument can be read by everyone in /proc, and an environment variable by every child.
 * Two tries of two seconds a packet: a BMC that is not there costs 4 s.
 */
export async function ipmitool(
  target: IpmitoolTarget,
  suite: number,
  command: readonly string[],
  privilege: 'OPERATOR' | 'ADMINISTRATOR' = 'OPERATOR',
): Promise<IpmitoolEnd> {
  const folder = await mkdtemp(join(tmpdir(), 'decom-bmc-')); // mkdtemp makes it 0700
  try {
    const file = join(folder, 'password');
    await writeFile(file, `${target.password.reveal()}\n`, { mode: 0o600, flag: 'wx' });
    const end = await execa(
      'ipmitool',
      [
        ...['-I', 'lanplus', '-H', target.address, '-p', String(target.port), '-U', target.user, '-f', file],
        // Operator is the least privilege that may switch the power and the light.
        ...['-C', String(suite), '-L', privilege, '-N', '2', '-R', '1', '-v', ...command],
      ],
      {
        reject: false,
        stdin: 'ignore',
        timeout: longest,
        maxBuffer: 64 * 1024,
        extendEnv: false,
        env: { PATH: process.env.PATH ?? '', LC_ALL: 'C' },
      },
    );
    if (end.code === 'ENOENT' || end.code === 'EACCES') return { stage: 'no-tool' };
    if (end.timedOut || end.isTerminated) return { stage: 'unanswered', stderr: end.stderr };
    return classify(end.exitCode === 0, end.stdout, end.stderr);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

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
