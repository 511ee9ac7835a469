import { spawn } from 'node:child_process';
import { closeSync, mkdtempSync, openSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fail, ok, type Result, type Trouble } from '../../../core/result.ts';
import type { Carrier } from '../carrier.ts';
import { closedMeanwhile } from '../connect-trouble.ts';
import { expectedKeys, judgeHostKey, keyText } from '../host-key.ts';
import { type PublicKey, publicKey } from '../known-hosts.ts';
import type { Patience, SshDeps, SshTarget } from '../target.ts';
import { byWayOf, connectFailed, notForwarded, prohibited } from '../way.ts';
import { explain, loginHangs, lostMaster, namesCause, notShown, tooOld } from './complaints.ts';
import { endMaster, muxConnection } from './mux-connection.ts';
import { plainKey } from './plain-key.ts';
import { aliasOf, type MasterFiles, masterArguments, type OpenSshSettings } from './settings.ts';

/**
 * Logs in with the `ssh` program and connects to its control socket. The key that the server shows is recorded by ssh's
 * KnownHostsCommand (OpenSSH 8.5 and later), so that it is known whether ssh accepts it or not; ssh alone decides, and where the
 * inventory names keys, it is compared with those once more.
 */
export async function openMaster(
  target: SshTarget,
  settings: OpenSshSettings,
  deps: SshDeps,
  patience: Patience,
  signal: AbortSignal,
): Promise<Result<Carrier>> {
  if (signal.aborted) return fail(closedMeanwhile(target));
  if (target.refused !== undefined) return fail(target.refused);
  const expected = expectedKeys(target, deps.home);
  if (!expected.ok) return expected;
  const files = makeFiles();
  const give = (why: Trouble): Result<Carrier> => {
    rmSync(files.folder, { recursive: true, force: true });
    return fail(why);
  };
  const said = await login(target, settings, patience, files, deps, signal);
  const hops = target.jumps?.length ?? 0;
  const shown = shownKey(files, hops);
  const judged =
    shown === undefined ? undefined : judgeHostKey(target, expected.value, Buffer.from(shown.blob, 'base64'));
  if (said !== undefined) {
    if (signal.aborted) {
      await endMaster(files.socket);
      return give(closedMeanwhile(target));
    }
    // Who has shown its key answers: then it is not the host that was silent.
    if (said === late && shown !== undefined && judged === undefined) {
      return give(loginHangs(target, timeFor(target, patience)));
    }
    return give(onTheWay(target, settings, files, deps, said) ?? explain(target, settings, said, judged));
  }
  const declared = target.hostKeys !== undefined && target.hostKeys.length > 0;
  const mux = await muxConnection(files.socket, signal);
  if (mux === undefined || shown === undefined || (declared && judged !== undefined)) {
    mux?.close();
    await endMaster(files.socket);
    if (signal.aborted) return give(closedMeanwhile(target));
    return give(mux === undefined ? tooOld(target, tail(files.log(hops))) : (judged ?? notShown(target)));
  }

  let gone: Trouble | undefined;
  let closing = false;
  const listeners = new Set<(why: Trouble) => void>();
  mux.onClosed(() => {
    gone = closing
      ? closedMeanwhile(target)
      : lostMaster(
          target,
          tail(files.log(hops)),
          (target.jumps ?? []).map((_, n) => tail(files.log(n))),
        );
    for (const listener of [...listeners]) listener(gone);
    listeners.clear();
    rmSync(files.folder, { recursive: true, force: true });
  });
  return ok({
    hostKey: keyText(shown),
    lost: () => gone,
    usable: () => gone === undefined && !closing && mux.open(),
    onLost: (listener) => {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    request: (text) => mux.request(text),
    close: () => {
      closing = true;
      void endMaster(files.socket).then(() => mux.close());
    },
  });
}

/** Undefined once it is logged in and has gone to the background; else what it said. */
function login(
  target: SshTarget,
  settings: OpenSshSettings,
  patience: Patience,
  files: MasterFiles,
  deps: SshDeps,
  signal: AbortSignal,
): Promise<string | undefined> {
  // A file, because a ProxyCommand keeps its standard error open for as long as the connection lasts.
  const log = openSync(files.log(target.jumps?.length ?? 0), 'a', 0o600);
  const { agent, environment = process.env } = deps;
  const child = spawn('ssh', masterArguments(target, settings, patience, files), {
    stdio: ['ignore', 'ignore', log],
    env: { ...environment, ...(agent === undefined ? {} : { SSH_AUTH_SOCK: agent }) },
    // Without a terminal: ssh asks there for the PIN of a security key, BatchMode or not.
    detached: true,
  });
  closeSync(log);
  return new Promise((resolve) => {
    let overdue = false;
    const stop = (): void => {
      child.kill();
    };
    const timer = setTimeout(
      () => {
        overdue = true;
        stop();
      },
      timeFor(target, patience),
    );
    const { tell } = deps;
    const { touched } = target;
    const hint =
      tell === undefined || touched === undefined
        ? undefined
        : setTimeout(() => tell(`${touched}; the login waits: touch it when it blinks`), patience.hint);
    const end = (said: string | undefined): void => {
      clearTimeout(timer);
      clearTimeout(hint);
      signal.removeEventListener('abort', stop);
      resolve(said);
    };
    if (signal.aborted) stop();
    else signal.addEventListener('abort', stop, { once: true });
    child.once('error', (error: NodeJS.ErrnoException) => {
      end(error.code === 'ENOENT' ? 'no-ssh-program' : error.message);
    });
    child.once('exit', (code) => {
      end(code === 0 ? undefined : overdue ? late : tail(files.log(target.jumps?.length ?? 0)));
    });
  });
}

/** What is said where ssh itself did not come to an end. */
const late = 'Connection timed out';

/** Milliseconds for all of a login. */
const timeFor = (target: SshTarget, { ready, touch }: Patience): number => (target.connectWithin ?? ready) + touch;

export function makeFiles(): MasterFiles {
  // A socket's path has 107 bytes at most, and ssh adds 17 while it makes it.
  const base = tmpdir().length > 60 ? '/tmp' : tmpdir();
  const folder = mkdtempSync(join(base, 'decom-ssh-'));
  const at = (name: string): string => join(folder, name);
  const recorder = at('record');
  writeFileSync(recorder, '[ "$2" = HOSTNAME ] && echo "$3 $4" >>"$1"\nshift 4\n[ $# = 0 ] || exec "$@"\nexit 0\n', {
    mode: 0o600,
  });
  return {
    folder,
    socket: at('socket'),
    log: (behind) => at(`log-${behind}`),
    shown: (behind) => at(`shown-${behind}`),
    recorder,
    knownHosts: (target) => {
      const file = at(`known_hosts.${aliasOf(target)}`);
      const lines = (target.hostKeys ?? []).map((key) => `${aliasOf(target)} ${key}\n`);
      writeFileSync(file, lines.join(''), { mode: 0o600 });
      return file;
    },
  };
}

/** The key that the server behind so many bastions showed last. */
export function shownKey(files: MasterFiles, behind: number): PublicKey | undefined {
  const line = read(files.shown(behind)).trim().split('\n').at(-1) ?? '';
  const key = publicKey(line);
  return key === undefined ? undefined : plainKey(key);
}

/**
 * What a bastion has to do with it that there is no connection, told as ssh2 tells it: each `ssh` on the way has a log of its own, and
 * the first that names a cause is the one to believe. Undefined: nothing.
 */
export function onTheWay(
  target: SshTarget,
  { config }: OpenSshSettings,
  files: MasterFiles,
  deps: SshDeps,
  said: string,
): Trouble | undefined {
  const { jumps = [] } = target;
  for (const [n, jump] of jumps.entries()) {
    const hop = { ...jump, jumps: jumps.slice(0, n) };
    const next = jumps[n + 1] === undefined ? target : { ...jumps[n + 1], jumps: jumps.slice(0, n + 1) };
    const words = tail(files.log(n));
    const refused = /^channel 0: open failed: ([a-z ]+)(?:: ([^\r\n]*))?/m.exec(words);
    if (refused !== null) {
      const reason = refused[1] === 'connect failed' ? connectFailed : prohibited;
      return toldFrom(target, n + 1, notForwarded(next as SshTarget, hop, { reason, said: words }));
    }
    const shown = shownKey(files, n);
    // It has said nothing yet, and has not shown a key either: it is the one that all others wait for.
    const silent = said !== '' && /timed out/i.test(said) && shown === undefined;
    if (!silent && !namesCause(words)) continue;
    const expected = expectedKeys(hop, deps.home);
    const judged =
      shown === undefined || !expected.ok
        ? undefined
        : judgeHostKey(hop, expected.value, Buffer.from(shown.blob, 'base64'));
    const settings = config === undefined ? {} : { config };
    return toldFrom(target, n, explain(hop, settings, namesCause(words) ? words : said, judged));
  }
  return undefined;
}

/** A trouble of the n-th machine on the way, as it is told of the host: each is reached by way of the one before. */
function toldFrom(target: SshTarget, n: number, why: Trouble): Trouble {
  const all = [...(target.jumps ?? []), target];
  return all.slice(n + 1).reduce((told, machine, i) => byWayOf(machine, all[n + i] ?? machine, told), why);
}

const tail = (file: string): string => read(file).slice(-8192).trim();

function read(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return '';
    throw error;
  }
}
