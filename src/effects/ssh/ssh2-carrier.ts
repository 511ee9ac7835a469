import type { ClientChannel } from 'ssh2';
import type { Asked, Carrier } from './carrier.ts';
import type { Connection } from './connection.ts';
import type { Wire } from './follow.ts';

/** A connection of ssh2, as programs are started over it. */
export const ssh2Carrier = (connection: Connection): Carrier => ({
  hostKey: connection.hostKey,
  legacy: connection.legacy,
  lost: () => connection.lost(),
  usable: () => connection.usable(),
  onLost: (listener) => connection.onLost(listener),
  request: (text) => requestExec(connection, text),
  close: () => connection.close(),
});

function requestExec(on: Connection, text: string): Promise<Asked> {
  return new Promise((resolve) => {
    try {
      on.client.exec(text, (error: (Error & { readonly reason?: unknown }) | undefined, channel) => {
        if (error === undefined) resolve({ sent: true, wire: wireOf(channel), said: '' });
        else if (!on.usable()) resolve({ sent: true, said: error.message });
        else resolve({ sent: true, refused: error.reason === undefined ? 'exec' : 'channel', said: error.message });
      });
    } catch (error) {
      resolve({ sent: false, said: (error as Error).message });
    }
  });
}

/**
 * The status of a quick program may come in the same packet as the server's word that it began, so it is listened for from the
 * first moment and told to whoever asks later. `close` cannot be missed: it waits until the streams have been read.
 */
const wireOf = (channel: ClientChannel): Wire => {
  let ended: readonly [code: number | null, signal: string | null] | undefined;
  channel.once('exit', (code: number | null, signal?: string) => {
    ended = [code, signal ?? null];
  });
  return {
    stdin: channel,
    stdout: channel,
    stderr: channel.stderr,
    onExit: (listener) => {
      if (ended !== undefined) listener(...ended);
      else channel.once('exit', (code: number | null, signal?: string) => listener(code, signal ?? null));
    },
    onClose: (listener) => {
      channel.once('close', () => listener());
    },
    hangUp: () => {
      channel.resume();
      channel.stderr.resume();
      channel.close();
    },
  };
};
