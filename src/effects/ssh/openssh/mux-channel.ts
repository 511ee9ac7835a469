import { Readable, Writable } from 'node:stream';
import type { Asked } from '../carrier.ts';
import type { Wire } from '../follow.ts';
import { type PacketReader, text, uint32 } from './packet.ts';

/** A session channel (RFC 4254) in which one command runs. */
export interface MuxChannel {
  open(): void;
  /** A packet for this channel, its recipient already read. */
  take(type: number, packet: PacketReader): void;
  /** The connection is gone. */
  lose(): void;
}

export interface MuxChannelOptions {
  readonly id: number;
  readonly command: string;
  send(type: number, ...parts: readonly Buffer[]): void;
  /** Called once: the command began, was refused, or nobody knows. */
  answer(asked: Asked): void;
  /** The channel's number is free again. */
  done(): void;
}

// RFC 4254, section 9.
const [open, confirmed, refused, adjust, data, extended, eof, close, request, success, failure] = [
  90, 91, 92, 93, 94, 95, 96, 97, 98, 99, 100,
];
/** Bytes that may be under way to us; what a slow reader makes us hold. */
const window = 2 * 1024 * 1024;
const longestPiece = 32 * 1024;

/** Opens a channel, asks for the command in it, and makes streams of its packets, with the windows of SSH as their backpressure. */
export function muxChannel({ id, command, send, answer, done }: MuxChannelOptions): MuxChannel {
  let stage: 'opening' | 'asking' | 'running' | 'over' = 'opening';
  let remote = 0;
  let mayTake = 0;
  let piece = longestPiece;
  let consumed = 0;
  let closeSent = false;
  let ended: readonly [code: number | null, signal: string | null] | undefined;
  const exits: ((code: number | null, signal: string | null) => void)[] = [];
  const closes: (() => void)[] = [];

  const credit = (bytes: number): void => {
    consumed += bytes;
    if (consumed < window / 2 || stage === 'over' || closeSent) return;
    send(adjust, uint32(remote, consumed));
    consumed = 0;
  };
  const stdout = incoming(credit);
  const stderr = incoming(credit);

  let waiting: { chunk: Buffer; readonly sent: (error?: Error | null) => void } | undefined;
  const flush = (): void => {
    while (waiting !== undefined && mayTake > 0 && !closeSent) {
      const part = waiting.chunk.subarray(0, Math.min(mayTake, piece));
      send(data, uint32(remote, part.length), part);
      mayTake -= part.length;
      waiting.chunk = waiting.chunk.subarray(part.length);
      if (waiting.chunk.length > 0) continue;
      const { sent } = waiting;
      waiting = undefined;
      sent();
    }
  };
  const stdin = new Writable({
    highWaterMark: 256 * 1024,
    write: (chunk: Buffer, _encoding, sent) => {
      waiting = { chunk, sent };
      flush();
    },
    final: (finished) => {
      if (stage === 'running' && !closeSent) send(eof, uint32(remote));
      finished();
    },
  });
  stdin.on('error', () => undefined);

  const sendClose = (): void => {
    if (closeSent || stage === 'opening' || stage === 'over') return;
    closeSent = true;
    send(close, uint32(remote));
  };
  const over = (): void => {
    if (stage === 'over') return;
    stage = 'over';
    const unsent = waiting;
    waiting = undefined;
    unsent?.sent(new Error('the program reads no more'));
    stdin.destroy();
    stdout.end();
    stderr.end();
    void Promise.all([stdout.read, stderr.read]).then(() => {
      for (const listener of closes) listener();
    });
    done();
  };
  const exit = (code: number | null, signal: string | null): void => {
    ended = [code, signal];
    for (const listener of exits) listener(code, signal);
  };

  const wire: Wire = {
    stdin,
    stdout: stdout.stream,
    stderr: stderr.stream,
    onExit: (listener) => {
      if (ended === undefined) exits.push(listener);
      else listener(...ended);
    },
    onClose: (listener) => {
      closes.push(listener);
    },
    hangUp: () => {
      stdout.stream.resume();
      stderr.stream.resume();
      sendClose();
    },
  };

  const toldOf = (packet: PacketReader): void => {
    const what = packet.bytes().toString();
    const reply = packet.boolean();
    if (what === 'exit-status') exit(packet.uint32(), null);
    else if (what === 'exit-signal') exit(null, `SIG${packet.bytes().toString()}`);
    if (reply) send(failure, uint32(remote));
  };

  return {
    open: () => send(open, text('session'), uint32(id, window, longestPiece)),
    take: (type, packet) => {
      switch (type) {
        case confirmed:
          remote = packet.uint32();
          mayTake = packet.uint32();
          piece = Math.min(longestPiece, packet.uint32());
          stage = 'asking';
          send(request, uint32(remote), text('exec'), Buffer.from([1]), text(command));
          break;
        case refused: {
          const reason = packet.uint32();
          over();
          answer({ sent: false, refused: 'channel', said: `${packet.bytes()} (${reason})` });
          break;
        }
        case success:
          if (stage !== 'asking') break;
          stage = 'running';
          answer({ sent: true, wire, said: '' });
          break;
        case failure:
          if (stage !== 'asking') break;
          stage = 'running';
          answer({ sent: true, refused: 'exec', said: 'the request was refused' });
          sendClose();
          break;
        case adjust:
          mayTake += packet.uint32();
          flush();
          break;
        case data:
          stdout.take(packet.bytes());
          break;
        case extended:
          packet.uint32();
          stderr.take(packet.bytes());
          break;
        case eof:
          stdout.end();
          stderr.end();
          break;
        case request:
          toldOf(packet);
          break;
        case close:
          sendClose();
          if (stage === 'asking') answer({ sent: true, said: 'the channel was closed' });
          over();
          break;
        default:
      }
    },
    lose: () => {
      if (stage === 'opening') answer({ sent: false, said: 'the connection was lost' });
      if (stage === 'asking') answer({ sent: true, said: 'the connection was lost' });
      over();
    },
  };
}

interface Incoming {
  readonly stream: Readable;
  /** Settles when all has been read, or the reader has gone. */
  readonly read: Promise<void>;
  take(bytes: Buffer): void;
  end(): void;
}

/** What comes from the other side; it may send more only for what has been read here. */
function incoming(credit: (bytes: number) => void): Incoming {
  let owed = 0;
  let over = false;
  const stream = new Readable({
    highWaterMark: 64 * 1024,
    read: () => {
      const read = owed;
      owed = 0;
      if (read > 0) credit(read);
    },
  });
  stream.on('error', () => undefined);
  return {
    stream,
    read: new Promise((resolve) => {
      stream.once('close', () => resolve());
    }),
    take: (bytes) => {
      if (over || stream.destroyed) credit(bytes.length);
      else if (stream.push(bytes)) credit(bytes.length);
      else owed += bytes.length;
    },
    end: () => {
      if (over) return;
      over = true;
      if (!stream.destroyed) stream.push(null);
    },
  };
}
