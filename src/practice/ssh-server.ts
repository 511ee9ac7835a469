import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process';
import { createServer, type Socket } from 'node:net';
import type { Readable, Writable } from 'node:stream';
import ssh2, { type AuthContext, type Connection, type ServerChannel } from 'ssh2';
import { listenOn } from './lasting-port.ts';

/** Session channels that one connection may hold open at once: OpenSSH's default. */
const maxSessions = 10;

export interface SshServerOptions {
  /** The host's private key, OpenSSH format. */
  readonly hostKey: string;
  readonly user: string;
  /** The only public key that may log in. */
  readonly userKey: string;
  /** The login folder. */
  readonly home: string;
  readonly environment: { readonly [name: string]: string };
  /** Told the pid of every command's process group, so that the machine can end it when the power goes. */
  readonly started: (group: number) => void;
  /** Port to listen on; 0 takes a free one. */
  readonly port: number;
}

export interface SshServer {
  readonly port: number;
  /** Stops listening and drops every connection without a word, as a machine without power does. */
  cut(): Promise<void>;
}

/**
 * A real SSH server on 127.0.0.1 that runs requests with `sh -c` in a session of their own. It behaves as OpenSSH does for a root
 * login: public keys only, no password, a closed channel does not end its command, signal requests are ignored, at most ten
 * sessions a connection; no terminal, no subsystems, no forwarding.
 */
export async function startSshServer(options: SshServerOptions): Promise<SshServer> {
  let port = options.port;
  const ssh = new ssh2.Server({ hostKeys: [options.hostKey], ident: 'decom_practice' }, (connection, client) => {
    serve(connection, options, `${client.ip} ${client.port} 127.0.0.1 ${port}`);
  });
  const sockets = new Set<Socket>();
  const listener = createServer((socket) => {
    sockets.add(socket);
    socket.setNoDelay(true);
    socket.on('error', () => {});
    socket.on('close', () => sockets.delete(socket));
    ssh.injectSocket(socket);
  });
  port = await listenOn(listener, options.port);
  return {
    port,
    cut: async () => {
      const closed = new Promise((resolve) => listener.close(resolve));
      for (const socket of sockets) socket.destroy();
      await closed;
    },
  };
}

/** `way`: what SSH_CONNECTION holds. */
function serve(connection: Connection, options: SshServerOptions, way: string): void {
  let sessions = 0;
  const open = new Set<() => void>();
  connection.on('close', () => {
    for (const abandon of open) abandon();
  });
  // A client that goes away in the middle is nothing to report.
  connection.on('error', () => {});
  connection.on('authentication', (context) => {
    if (mayLogIn(context, options)) context.accept();
    else context.reject(['publickey']);
  });
  connection.on('session', (accept, reject) => {
    if (sessions >= maxSessions) return reject();
    sessions += 1;
    const environment: { [name: string]: string } = { ...options.environment, SSH_CONNECTION: way };
    const session = accept();
    session.on('close', () => {
      sessions -= 1;
    });
    session.on('env', (agree, refuse, info) => {
      if (!/^(LANG|LC_[A-Z]+)$/.test(info.key)) return refuse?.();
      environment[info.key] = info.val;
      agree?.();
    });
    session.on('exec', (begin, _refuse, info) => {
      const command = spawn('/bin/sh', ['-c', info.command], {
        cwd: options.home,
        env: environment,
        detached: true,
        stdio: 'pipe',
      });
      if (command.pid !== undefined) options.started(command.pid);
      const channel = begin();
      const abandon = join(channel, command);
      open.add(abandon);
      channel.on('close', () => {
        abandon();
        open.delete(abandon);
      });
    });
  });
}

function mayLogIn(context: AuthContext, options: SshServerOptions): boolean {
  if (context.method !== 'publickey' || context.username !== options.user) return false;
  const allowed = ssh2.utils.parseKey(options.userKey);
  if (allowed instanceof Error) throw allowed;
  if (context.key.algo !== allowed.type || !context.key.data.equals(allowed.getPublicSSH())) return false;
  // Without a signature the client only asks whether the key would do.
  if (context.signature === undefined || context.blob === undefined) return true;
  return allowed.verify(context.blob, context.signature, context.hashAlgo) === true;
}

/** Ties a command to its channel. What it returns lets go of the command, which goes on without its streams. */
function join(channel: ServerChannel, command: ChildProcessWithoutNullStreams): () => void {
  channel.pipe(command.stdin);
  const hand = inTurn(channel);
  hand(command.stdout, channel);
  hand(command.stderr, channel.stderr);
  // EPIPE: the command ended, or closed its input, before it had read everything.
  command.stdin.on('error', () => {});
  channel.on('error', () => {});
  channel.stderr.on('error', () => {});

  command.on('error', (error) => {
    channel.stderr.write(`${error.message}\n`);
    channel.exit(255);
    channel.end();
  });
  command.on('exit', (code, signal) => {
    if (signal !== null) channel.exit(signal, false, '');
    else channel.exit(code ?? 255);
  });
  // Descendants may hold the output open after the command is gone; the channel stays open as long as they do.
  command.on('close', () => channel.stderr.end(() => channel.end()));

  return () => {
    command.stdin.end();
    command.stdout.destroy();
    command.stderr.destroy();
  };
}

/**
 * Hands on what both streams of a command bring, a piece of one at a time. ssh2 keeps a piece that had to wait for room at the client, and never forgets it: where the other stream has to
 * wait later, or both at once, it sends the wrong one once more, and the other never.
 */
function inTurn(channel: ServerChannel): (from: Readable, to: Writable) => void {
  let turn: Promise<void> = Promise.resolve();
  return (from, to) => {
    from.on('data', (chunk: Buffer) => {
      from.pause();
      turn = turn.then(() => new Promise((resolve) => to.write(chunk, () => resolve())));
      void turn.then(() => {
        Object.assign(channel, {
          _chunk: undefined,
          _chunkcb: undefined,
          _chunkErr: undefined,
          _chunkcbErr: undefined,
        });
        from.resume();
      });
    });
  };
}
