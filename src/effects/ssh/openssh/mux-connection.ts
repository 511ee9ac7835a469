import { connect } from 'node:net';
import type { Asked } from '../carrier.ts';
import { type MuxChannel, muxChannel } from './mux-channel.ts';
import { messageCutter, packetReader, uint32 } from './packet.ts';

/** A connection to the control socket of an `ssh` that is logged in (ControlMaster). */
export interface MuxConnection {
  /** See `Carrier.request`. */
  request(command: string): Promise<Asked>;
  open(): boolean;
  /** Calls once when the socket is gone. */
  onClosed(listener: () => void): void;
  close(): void;
}

// OpenSSH's PROTOCOL.mux.
const mux = { hello: 1, version: 4, terminate: 0x10000005, proxy: 0x1000000f, proxyAnswer: 0x8000000f };

/**
 * Makes a control socket pass packets of the SSH connection protocol through ("proxy", OpenSSH 7.4 and later). So the ends of programs
 * come as the server tells them, as exit status or as signal: the `ssh` program itself would end with 255 for a lost connection,
 * a signal and a program's own 255 alike. Undefined where nothing answers there, or it does not know this.
 */
export function muxConnection(path: string, signal: AbortSignal): Promise<MuxConnection | undefined> {
  return new Promise((resolve) => {
    const socket = connect(path);
    const channels = new Map<number, MuxChannel>();
    const closed = new Set<() => void>();
    let stage: 'hello' | 'proxy' | 'open' | 'closed' = 'hello';
    let next = 0;
    const giveUp = (): void => {
      socket.destroy();
    };
    signal.addEventListener('abort', giveUp, { once: true });
    const say = (...words: readonly number[]): void => {
      socket.write(Buffer.concat([uint32(4 * words.length), uint32(...words)]));
    };
    const send = (type: number, ...parts: readonly Buffer[]): void => {
      const body = Buffer.concat(parts);
      // A length of padding stands before the type; there is none.
      socket.write(Buffer.concat([uint32(body.length + 2), Buffer.from([0, type]), body]));
    };
    const take = (message: Buffer): void => {
      if (stage === 'open') {
        deliver(message);
        return;
      }
      const said = packetReader(message);
      const kind = said.uint32();
      if (stage === 'hello' && kind === mux.hello && said.uint32() === mux.version) {
        stage = 'proxy';
        say(mux.hello, mux.version);
        say(mux.proxy, 0);
      } else if (stage === 'proxy' && kind === mux.proxyAnswer) {
        stage = 'open';
        signal.removeEventListener('abort', giveUp);
        resolve(connection);
      } else giveUp();
    };
    const deliver = (message: Buffer): void => {
      const type = message.readUInt8(1);
      const reader = packetReader(message.subarray(2));
      channels.get(reader.uint32())?.take(type, reader);
    };
    const connection: MuxConnection = {
      request: (command) => {
        if (stage !== 'open') return Promise.resolve({ sent: false, said: 'the connection is closed' });
        const id = next++;
        return new Promise((answer) => {
          const channel = muxChannel({ id, command, send, answer, done: () => channels.delete(id) });
          channels.set(id, channel);
          channel.open();
        });
      },
      open: () => stage === 'open' && socket.writable,
      onClosed: (listener) => {
        if (stage === 'closed') listener();
        else closed.add(listener);
      },
      close: () => socket.destroy(),
    };
    const cut = messageCutter(take);
    socket.on('data', (chunk) => {
      try {
        if (!cut(chunk)) giveUp();
      } catch (error) {
        if (!(error instanceof RangeError)) throw error;
        giveUp();
      }
    });
    socket.on('error', () => undefined);
    socket.once('close', () => {
      signal.removeEventListener('abort', giveUp);
      stage = 'closed';
      for (const listener of closed) listener();
      for (const channel of channels.values()) channel.lose();
      channels.clear();
      resolve(undefined);
    });
  });
}

/** Tells an `ssh` at its control socket to end, with all that goes over it. */
export function endMaster(path: string): Promise<void> {
  return new Promise((resolve) => {
    const socket = connect(path);
    socket.on('error', () => undefined);
    socket.once('close', () => resolve());
    socket.once('connect', () => {
      for (const words of [
        [mux.hello, mux.version],
        [mux.terminate, 0],
      ]) {
        socket.write(Buffer.concat([uint32(4 * words.length), uint32(...words)]));
      }
    });
    socket.resume();
  });
}
