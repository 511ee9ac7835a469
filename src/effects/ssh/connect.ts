import { randomInt } from 'node:crypto';
import { connect as dial, type Socket } from 'node:net';
import { setTimeout as pause } from 'node:timers/promises';
import ssh2, { type Client, type ConnectConfig } from 'ssh2';
import { fail, ok, type Result, type Trouble, trouble } from '../../core/result.ts';
import { expectedKeys, hostKeyAlgorithms, judgeHostKey, keyText } from './host-key.ts';
import { publicKeyOf } from './known-hosts.ts';
import { loginKeys, loginRefused } from './login-keys.ts';
import type { Patience, SshDeps, SshTarget } from './target.ts';

/** A connection whose host key was verified and whose login was accepted. */
export interface Connection {
  readonly client: Client;
  /** `ssh-ed25519 AAAA…`: the server proved that it holds it. */
  readonly hostKey: string;
  /** Why it went away; undefined while it is there. */
  lost(): Trouble | undefined;
  /** Whether something can be sent: false a moment before `lost` knows why. */
  usable(): boolean;
  /** Calls once when it is gone; returns the way to stop listening. */
  onLost(listener: (why: Trouble) => void): () => void;
  close(): void;
}

/** An sshd under load drops connections before the login (MaxStartups): those are tried again, as nothing was begun. */
const attempts = 5;

/** Opens a verified connection. Troubles: `host-key-…`, `auth-refused`, `no-key`, `key-encrypted`, `no-route`, `refused`, `name-unknown`, `timeout`, `ssh-failed`, `aborted`. */
export async function openConnection(
  target: SshTarget,
  deps: SshDeps,
  patience: Patience,
  signal: AbortSignal,
): Promise<Result<Connection>> {
  for (let attempt = 1; ; attempt++) {
    const opened = await openOnce(target, deps, patience, signal);
    if (opened.ok || opened.error.code !== 'dropped' || attempt === attempts) return opened;
    await pause(randomInt(50, 150) * 2 ** attempt, undefined, { signal }).catch(() => undefined);
  }
}

async function openOnce(
  target: SshTarget,
  deps: SshDeps,
  patience: Patience,
  signal: AbortSignal,
): Promise<Result<Connection>> {
  if (signal.aborted) return fail(closedMeanwhile(target));
  const expected = expectedKeys(target, deps.home);
  if (!expected.ok) return expected;
  const keys = loginKeys(target, deps);
  const client = new ssh2.Client();
  const socket: Socket = dial({ host: target.address, port: target.port, noDelay: true });
  return new Promise((resolve) => {
    let hostKey = '';
    let keyTrouble: Trouble | undefined;
    let first: (Error & { readonly level?: string; readonly code?: string }) | undefined;
    let ready = false;
    let gone: Trouble | undefined;
    let closing = false;
    const listeners = new Set<(why: Trouble) => void>();

    const giveUp = (): void => {
      socket.destroy();
    };
    signal.addEventListener('abort', giveUp, { once: true });
    // Until the TCP connection is there, ssh2's own timer is the bound for it as well.
    client.on('error', (error: Error & { readonly level?: string; readonly code?: string }) => {
      if (error.level !== 'agent') first ??= error;
    });
    client.once('ready', () => {
      ready = true;
      signal.removeEventListener('abort', giveUp);
      resolve(
        ok({
          client,
          hostKey,
          lost: () => gone,
          usable: () => gone === undefined && !closing && socket.writable && !socket.readableEnded,
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
        if (signal.aborted) resolve(fail(closedMeanwhile(target)));
        else resolve(fail(keyTrouble ?? explain(first, target, () => loginRefused(target, keys))));
        return;
      }
      gone = closing ? closedMeanwhile(target) : lostConnection(target, first);
      for (const listener of [...listeners]) listener(gone);
      listeners.clear();
    });
    const config: ConnectConfig = {
      sock: socket,
      username: target.user,
      readyTimeout: patience.ready,
      keepaliveInterval: patience.keepalive,
      keepaliveCountMax: 3,
      hostVerifier: (shown: Buffer): boolean => {
        keyTrouble = judgeHostKey(target, expected.value, shown);
        const key = publicKeyOf(shown);
        if (keyTrouble === undefined && key !== undefined) hostKey = keyText(key);
        // Nothing to offer: said here, after the host's key, whose trouble is the graver.
        if (keyTrouble === undefined && keys.methods.length === 0) keyTrouble = loginRefused(target, keys);
        return keyTrouble === undefined;
      },
      authHandler: [...keys.methods],
      algorithms: {
        serverHostKey: hostKeyAlgorithms(expected.value),
        cipher: {
          prepend: ['aes128-gcm@openssh.com'],
          append: [],
          remove: [],
        },
      },
    };
    client.connect(config);
  });
}

function explain(
  error: (Error & { readonly level?: string; readonly code?: string }) | undefined,
  target: SshTarget,
  refused: () => Trouble,
): Trouble {
  const where = `${target.name} (${target.address}, port ${target.port})`;
  if (error?.level === 'client-authentication') return refused();
  if (error?.level === 'client-timeout' || error?.code === 'ETIMEDOUT') {
    return trouble(
      'timeout',
      `${where} did not answer in time`,
      'Check that it is up and that no firewall drops the connection.',
    );
  }
  switch (error?.code) {
    case 'ECONNREFUSED':
      return trouble(
        'refused',
        `${where} refuses connections: nothing listens there`,
        'Check the port, and that sshd runs.',
      );
    case 'ENOTFOUND':
    case 'EAI_AGAIN':
      return trouble(
        'name-unknown',
        `the name "${target.address}" of ${target.name} cannot be resolved`,
        'Check the address in hosts.yaml, and DNS.',
      );
    case 'EHOSTUNREACH':
    case 'ENETUNREACH':
    case 'EHOSTDOWN':
    case 'EADDRNOTAVAIL':
      return trouble(
        'no-route',
        `there is no route to ${where}`,
        'Check the address in hosts.yaml, the network and the VPN.',
      );
    default:
  }
  if (
    error === undefined ||
    error.code === 'ECONNRESET' ||
    error.message.startsWith('Connection lost before handshake')
  ) {
    return trouble(
      'dropped',
      `${where} closed the connection before the login, ${attempts} times`,
      'Look at its sshd log: MaxStartups, DenyUsers, hosts.deny and fail2ban do this.',
      error?.message,
    );
  }
  return trouble(
    'ssh-failed',
    `no SSH connection to ${where}: ${error.message}`,
    `Try: ssh -v -p ${target.port} ${target.user}@${target.address}`,
  );
}

const lostConnection = (target: SshTarget, error: Error | undefined): Trouble =>
  trouble(
    'connection-lost',
    `the SSH connection to ${target.name} was lost${error?.message === 'Keepalive timeout' ? ': it stopped answering' : ''}`,
    'Check that the host is up, then go on: decom resume',
    error?.message,
  );

const closedMeanwhile = (target: SshTarget): Trouble =>
  trouble('connection-closed', `the SSH connection to ${target.name} was closed here`, 'Start again.');
