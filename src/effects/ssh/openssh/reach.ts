import { spawn } from 'node:child_process';
import { readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { type Seen, seen, type Trouble, unseen } from '../../../core/result.ts';
import { expectedKeys, judgeHostKey } from '../host-key.ts';
import type { Patience, SshDeps, SshTarget } from '../target.ts';
import { byWayOf, connectFailed, notForwarded, prohibited, refusedThere } from '../way.ts';
import { explain } from './complaints.ts';
import { makeFiles, onTheWay, shownKey } from './master.ts';
import { forwardArguments, type OpenSshSettings, recording } from './settings.ts';

/**
 * Whether a host behind bastions accepts connections, as the last of them says: an `ssh` logs in there, so that its key is verified, and has it
 * connect to the host. What it says comes from its server as a code (RFC 4254 §5.1), which `ssh` writes into a log that nothing else
 * writes to. Unknown where the bastion cannot be asked.
 */
export async function reachByWayOf(
  bastion: SshTarget,
  target: SshTarget,
  settings: OpenSshSettings,
  deps: SshDeps,
  patience: Patience,
  within: number,
): Promise<Seen<'yes' | 'no'>> {
  const answer = await connectFrom(bastion, target, settings, deps, patience, within);
  switch (answer.said) {
    case 'open':
      return seen('yes');
    case 'refused':
      return answer.reason === connectFailed
        ? refusedThere(target, bastion, answer.words)
        : unseen(notForwarded(target, bastion, { reason: answer.reason, said: answer.words }));
    case 'gone':
      return unseen(byWayOf(target, bastion, answer.trouble));
    case 'silent': {
      // No answer: of the host, if the bastion itself still answers anything at all. Its own discard port will do.
      const own = { address: '127.0.0.1', port: 9 };
      const asked = await connectFrom(bastion, own, settings, deps, patience, within);
      if (asked.said === 'open' || asked.said === 'refused') return seen('no');
      if (asked.said === 'gone') return unseen(byWayOf(target, bastion, asked.trouble));
      return unseen(notForwarded(target, bastion, { reason: undefined, said: 'no answer' }));
    }
  }
}

type Answer =
  | { readonly said: 'open' }
  | { readonly said: 'refused'; readonly reason: number; readonly words: string }
  /** It is logged in to, and did not answer in time. */
  | { readonly said: 'silent' }
  /** It could not be logged in to. */
  | { readonly said: 'gone'; readonly trouble: Trouble };

const everyMs = 50;

function connectFrom(
  bastion: SshTarget,
  to: { readonly address: string; readonly port: number },
  settings: OpenSshSettings,
  deps: SshDeps,
  patience: Patience,
  within: number,
): Promise<Answer> {
  const files = makeFiles();
  // Of this process alone: machines before the bastion write to the other.
  const log = join(files.folder, 'asked');
  const { agent, environment = process.env } = deps;
  const hopSettings = settings.config === undefined ? {} : { config: settings.config };
  const child = spawn(
    'ssh',
    // The first of an option counts. At this level it says when it was asked to connect, and when it has.
    [
      '-E',
      log,
      '-o',
      'LogLevel=DEBUG2',
      ...recording(bastion, files),
      ...forwardArguments(bastion, to, settings, patience, files),
    ],
    {
      // Its end of input would end the connection.
      stdio: ['pipe', 'pipe', 'ignore'],
      env: { ...environment, ...(agent === undefined ? {} : { SSH_AUTH_SOCK: agent }) },
      // Without a terminal, as the master.
      detached: true,
    },
  );
  child.stdin.on('error', () => undefined);
  return new Promise((resolve) => {
    let answer: Answer | undefined;
    let asked: number | undefined;
    const begun = performance.now();
    const end = (found: Answer): void => {
      answer ??= found;
      child.kill();
    };
    const look = (): void => {
      const text = read(log);
      if (/^debug1: channel_connect_stdio_fwd:/m.test(text)) asked ??= performance.now();
      const refused = /^channel 0: open failed: ([a-z ]+)(?:: ([^\r\n]*))?/m.exec(text);
      if (/^debug2: channel 0: open confirm/m.test(text)) end({ said: 'open' });
      else if (refused !== null)
        end({
          said: 'refused',
          reason: refused[1] === 'connect failed' ? connectFailed : prohibited,
          words: refused[0],
        });
      else if (asked !== undefined && performance.now() - asked > within) end({ said: 'silent' });
      else if (asked === undefined && performance.now() - begun > (bastion.connectWithin ?? patience.ready)) {
        end({ said: 'gone', trouble: explain(bastion, hopSettings, 'Connection timed out', undefined) });
      }
    };
    const timer = setInterval(look, everyMs);
    child.stdout.once('data', () => end({ said: 'open' }));
    child.stdout.resume();
    child.once('error', (error: NodeJS.ErrnoException) => {
      end({
        said: 'gone',
        trouble: explain(bastion, hopSettings, error.code === 'ENOENT' ? 'no-ssh-program' : error.message, undefined),
      });
      over();
    });
    child.once('exit', () => {
      look();
      over();
    });
    const over = (): void => {
      clearInterval(timer);
      const said = read(log)
        .replace(/^debug\d: .*\n?/gm, '')
        .slice(-8192)
        .trim();
      const keys = expectedKeys(bastion, deps.home);
      const shown = shownKey(files, bastion.jumps?.length ?? 0);
      const judged =
        keys.ok && shown !== undefined
          ? judgeHostKey(bastion, keys.value, Buffer.from(shown.blob, 'base64'))
          : undefined;
      rmSync(files.folder, { recursive: true, force: true });
      resolve(
        answer ?? {
          said: 'gone',
          trouble: onTheWay(bastion, settings, files, deps, said) ?? explain(bastion, hopSettings, said, judged),
        },
      );
    };
  });
}

function read(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    return '';
  }
}
