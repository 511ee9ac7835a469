import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Machine } from '../../core/ports.ts';
import type { Trouble } from '../../core/result.ts';

/** A remote shell for rsync whose connection is the machine's own, already verified one. */
export interface RemoteShell {
  /** The value of rsync's `-e`. */
  readonly command: string;
  /** What befell the machine's connection, if that is why rsync ended. */
  trouble(): Trouble | undefined;
  close(): Promise<void>;
}

interface Serving {
  readonly machine: Machine;
  readonly root: boolean;
  readonly trouble: (trouble: Trouble) => void;
}

/**
 * Listens on a socket in a folder that only this user can enter, and runs on `machine` what `decom-rsh` asks for there: only
 * rsync in its role of sender. The frames are described in `bin/decom-rsh.js`.
 */
export async function remoteShell(
  machine: Machine,
  root: boolean,
  rsh: string,
  signal: AbortSignal,
): Promise<RemoteShell> {
  const folder = mkdtempSync(join(tmpdir().length < 60 ? tmpdir() : '/tmp', 'decom-rsh-'));
  const path = join(folder, 's');
  let trouble: Trouble | undefined;
  const sockets = new Set<Socket>();
  const server = createServer({ allowHalfOpen: true }, (socket) => {
    sockets.add(socket);
    socket.on('close', () => sockets.delete(socket));
    serve(socket, {
      machine,
      root,
      trouble: (found) => {
        trouble ??= found;
      },
    });
  });
  // The rsync here ends by its own signal; the one on the host may be busy and would go on until it next writes.
  const hangUp = (): void => {
    for (const socket of sockets) socket.destroy();
  };
  signal.addEventListener('abort', hangUp, { once: true });
  server.listen(path);
  await once(server, 'listening');
  return {
    command: [process.execPath, rsh, path].map((word) => `"${word}"`).join(' '),
    trouble: () => trouble,
    async close() {
      signal.removeEventListener('abort', hangUp);
      hangUp();
      await new Promise((done) => server.close(done));
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

const mayRun = (argv: readonly string[]): boolean =>
  argv[0] === 'rsync' && argv[1] === '--server' && argv[2] === '--sender';

function serve(socket: Socket, { machine, root, trouble }: Serving): void {
  const gone = new AbortController();
  socket.on('error', () => gone.abort());
  socket.on('close', () => gone.abort());

  const send = async (type: string, bytes: Buffer): Promise<void> => {
    if (socket.destroyed) return;
    const head = Buffer.alloc(5);
    head.write(type, 0, 'latin1');
    head.writeUInt32BE(bytes.length, 1);
    socket.write(head);
    if (!socket.write(bytes)) await once(socket, 'drain', { signal: gone.signal }).catch(() => undefined);
  };
  const exit = async (code: number, why?: string): Promise<void> => {
    if (why !== undefined) await send('R', Buffer.from(`${why}\n`));
    await send('X', Buffer.from(JSON.stringify(code)));
    socket.end();
  };

  const run = async (frames: AsyncIterator<Frame>): Promise<void> => {
    const first = await frames.next();
    const argv = first.done || first.value.type !== 'A' ? undefined : words(first.value.bytes);
    if (argv === undefined || !mayRun(argv)) return exit(126, 'decom runs only rsync as a sender here');
    const started = await machine.start({ argv: ['env', 'LC_ALL=C', ...argv], root }, { signal: gone.signal });
    if (!started.ok) {
      trouble(started.error);
      return exit(255, started.error.what);
    }
    const process = started.value;
    process.stdin.on('error', () => undefined);
    const feeding = (async () => {
      for (let frame = await frames.next(); !frame.done; frame = await frames.next()) {
        if (frame.value.type === 'E') break;
        if (!process.stdin.write(frame.value.bytes)) {
          await Promise.race([once(process.stdin, 'drain', { signal: gone.signal }), process.ended]).catch(
            () => undefined,
          );
        }
      }
      process.stdin.end();
      for (let frame = await frames.next(); !frame.done; ) frame = await frames.next();
    })().catch(() => gone.abort());
    const forward = async (type: string, stream: AsyncIterable<Buffer>): Promise<void> => {
      for await (const chunk of stream) await send(type, chunk);
    };
    await Promise.all([forward('O', process.stdout), forward('R', process.stderr)]).catch(() => undefined);
    const ended = await process.ended;
    switch (ended.how) {
      case 'exit':
        await exit(ended.code);
        break;
      case 'signal':
        await exit(255, `rsync on ${machine.name} was ended by ${ended.signal}`);
        break;
      case 'lost':
      case 'aborted':
        trouble(ended.trouble);
        await exit(255, ended.trouble.what);
    }
    await feeding;
  };
  void run(framesOf(socket)).catch(() => socket.destroy());
}

interface Frame {
  readonly type: string;
  /** A piece of the payload; only `A` comes whole. */
  readonly bytes: Buffer;
}

async function* framesOf(socket: Socket): AsyncGenerator<Frame> {
  const head = Buffer.alloc(5);
  let filled = 0;
  let left = 0;
  let type = '';
  let whole: Buffer[] = [];
  for await (const chunk of socket as AsyncIterable<Buffer>) {
    let at = 0;
    while (at < chunk.length) {
      if (left === 0) {
        const step = Math.min(5 - filled, chunk.length - at);
        chunk.copy(head, filled, at, at + step);
        filled += step;
        at += step;
        if (filled < 5) break;
        filled = 0;
        type = String.fromCharCode(head[0] ?? 0);
        left = head.readUInt32BE(1);
        if (left === 0) yield { type, bytes: Buffer.alloc(0) };
        continue;
      }
      const bytes = chunk.subarray(at, at + left);
      at += bytes.length;
      left -= bytes.length;
      if (type !== 'A') {
        yield { type, bytes };
      } else {
        whole.push(bytes);
        if (left === 0) {
          yield { type, bytes: Buffer.concat(whole) };
          whole = [];
        }
      }
    }
  }
}

function words(bytes: Buffer): readonly string[] | undefined {
  const value: unknown = JSON.parse(bytes.toString('utf8'));
  return Array.isArray(value) && value.every((word) => typeof word === 'string') ? value : undefined;
}
