import { randomInt } from 'node:crypto';
import { setTimeout as pause } from 'node:timers/promises';
import ssh2, { type ConnectConfig } from 'ssh2';
import { fail, ok, type Result, type Trouble } from '../../core/result.ts';
import { algorithmsFor, legacyOf, type Negotiated, type Offer, offer } from './algorithms.ts';
import { addressTrouble, closedMeanwhile, explain, type Failure, lostConnection } from './connect-trouble.ts';
import type { Connection } from './connection.ts';
import { type Expected, expectedKeys, judgeHostKey, keyText } from './host-key.ts';
import { publicKeyOf } from './known-hosts.ts';
import { type LoginKeys, loginKeys, loginRefused } from './login-keys.ts';
import { watchHello } from './server-offer.ts';
import type { Patience, SshAround, SshTarget } from './target.ts';
import { unlockKey } from './unlock-key.ts';
import { openWay, type Way } from './way.ts';

/** An sshd under load drops connections before the login (MaxStartups): those are tried again, as nothing was begun. */
const attempts = 5;

/**
 * Opens a verified connection, through its bastions where it has any. Troubles: `host-key-…`, `auth-refused`, `no-key`, `key-exposed`, `key-encrypted`,
 * `legacy-needed`, `no-common-algorithm`, `no-route`, `refused`, `name-unknown`, `timeout`, `dropped`, `forwarding-refused`,
 * `address-unusable`, `ssh-failed`, `aborted`.
 */
export async function openConnection(
  target: SshTarget,
  deps: SshAround,
  patience: Patience,
  signal: AbortSignal,
): Promise<Result<Connection>> {
  const unusable = target.refused ?? addressTrouble(target);
  if (unusable !== undefined) return fail(unusable);
  const asked = new Set<string>();
  for (let attempt = 1; ; attempt++) {
    const keys = await loginKeys(target, deps);
    const opened = await openInTurn(target, deps, patience, signal, keys);
    if (opened.ok) return opened;
    const { code } = opened.error;
    const locked = keys.locked.find((file) => !asked.has(file));
    if (locked !== undefined && deps.secrets !== undefined && loginTroubles.includes(code)) {
      // Asked only now: the host's key is the right one, and no other key was let in.
      asked.add(locked);
      const unlocked = await unlockKey(locked, target, deps);
      if (!unlocked.ok) return unlocked;
      attempt--;
    } else if (code !== 'dropped' || attempt === attempts) return opened;
    else await pause(randomInt(50, 150) * 2 ** attempt, undefined, { signal }).catch(() => undefined);
  }
}

const loginTroubles: readonly string[] = ['auth-refused', 'no-key', 'key-exposed', 'key-encrypted'];

/** One attempt, once there is a place among the handshakes with that server: what waits here does not count against its time. */
async function openInTurn(
  target: SshTarget,
  deps: SshAround,
  patience: Patience,
  signal: AbortSignal,
  keys: LoginKeys,
): Promise<Result<Connection>> {
  const { address, port, jumps = [] } = target;
  const places = deps.shared.handshakes(JSON.stringify([jumps.map((j) => [j.address, j.port]), address, port]));
  let release: () => void;
  try {
    release = await places.take(signal);
  } catch {
    return fail(closedMeanwhile(target));
  }
  try {
    const expected = expectedKeys(target, deps.home);
    if (!expected.ok) return expected;
    const within = target.connectWithin ?? patience.ready;
    const way = await openWay(target, deps, within, signal, (bastion, stop) =>
      openConnection(bastion, deps, patience, stop),
    );
    if (!way.ok) return signal.aborted ? fail(closedMeanwhile(target)) : way;
    const opened = await shakeHands(target, patience, signal, {
      way: way.value,
      expected: expected.value,
      keys,
      within,
    });
    if (!opened.ok) way.value.leave();
    return opened;
  } finally {
    release();
  }
}

interface Prepared {
  readonly way: Way;
  readonly expected: Expected;
  readonly keys: LoginKeys;
  readonly within: number;
}

function shakeHands(
  target: SshTarget,
  patience: Patience,
  signal: AbortSignal,
  { way, expected, keys, within }: Prepared,
): Promise<Result<Connection>> {
  const { stream } = way;
  const client = new ssh2.Client();
  const offered: Offer = offer(target.legacy === true, target.algorithms);
  return new Promise((resolve) => {
    let hostKey = '';
    let legacy: readonly string[] = [];
    let keyTrouble: Trouble | undefined;
    let first: Failure | undefined;
    let agentSaid = '';
    let ready = false;
    let gone: Trouble | undefined;
    let closing = false;
    const listeners = new Set<(why: Trouble) => void>();

    const giveUp = (): void => {
      stream.destroy();
    };
    if (signal.aborted) {
      giveUp();
      resolve(fail(closedMeanwhile(target)));
      return;
    }
    signal.addEventListener('abort', giveUp, { once: true });
    // Until the TCP connection is there, ssh2's own timer is the bound for it as well.
    client.on('error', (error: Failure) => {
      if (error.level === 'agent' || error.message.startsWith('Error signing')) agentSaid += `${error.message}\n`;
      else first ??= error;
    });
    client.on('handshake', (negotiated: Negotiated) => {
      legacy = legacyOf(negotiated);
    });
    client.once('ready', () => {
      ready = true;
      signal.removeEventListener('abort', giveUp);
      resolve(
        ok({
          client,
          hostKey,
          legacy,
          lost: () => gone,
          usable: () => gone === undefined && !closing && stream.writable && !stream.readableEnded,
          onLost: (listener) => {
            listeners.add(listener);
            return () => listeners.delete(listener);
          },
          close: () => {
            closing = true;
            client.end();
          },
        }),
      );
    });
    client.once('close', () => {
      signal.removeEventListener('abort', giveUp);
      if (!ready) {
        const why = (): Trouble =>
          keyTrouble ??
          way.lost() ??
          explain(first, target, { hello: hello(), offered, refused: () => loginRefused(target, keys, agentSaid) });
        resolve(fail(signal.aborted ? closedMeanwhile(target) : why()));
        return;
      }
      gone = closing ? closedMeanwhile(target) : lostConnection(target, first, way.lost());
      for (const listener of [...listeners]) listener(gone);
      listeners.clear();
      way.leave();
    });
    const config: ConnectConfig = {
      // ssh2 takes any stream, and its type asks for a readable one only.
      sock: stream,
      username: target.user,
      readyTimeout: within,
      keepaliveInterval: patience.keepalive,
      keepaliveCountMax: 3,
      hostVerifier: (shown: Buffer): boolean => {
        keyTrouble = judgeHostKey(target, expected, shown);
        const key = publicKeyOf(shown);
        if (keyTrouble === undefined && key !== undefined) hostKey = keyText(key);
        // Nothing to offer: said here, after the host's key, whose trouble is the graver.
        if (keyTrouble === undefined && keys.methods.length === 0) keyTrouble = loginRefused(target, keys);
        return keyTrouble === undefined;
      },
      authHandler: [...keys.methods],
      algorithms: algorithmsFor(offered, expected),
    };
    client.connect(config);
    // After ssh2, which stops the stream until it listens itself: nothing is lost by listening beside it.
    const hello = watchHello(stream);
  });
}
