import { connect, createServer, type Socket } from 'node:net';

/** A wire to a port of 127.0.0.1 that can be cut. */
export interface Wire {
  readonly port: number;
  /** Drops every connection at once, as a pulled cable's reset does; new ones go through again. */
  cut(): void;
  /** Lets nothing through, on open connections and on new ones, without closing any; `false` lets all through again. */
  freeze(frozen: boolean): void;
  /** Keeps every byte back for that many milliseconds, each way. */
  slow(milliseconds: number): void;
  /** Leads new connections to another port of 127.0.0.1. */
  redirect(port: number): void;
  /** Cuts once, as soon as that many bytes more came back from the other side. */
  cutAfter(bytes: number): void;
  /** How often it was cut. */
  cuts(): number;
  /** How many connections are open. */
  open(): number;
  close(): Promise<void>;
}

/** Listens on a free port of 127.0.0.1 and passes every byte on to port `to`. */
export async function startWire(to: number): Promise<Wire> {
  let port = to;
  const pairs = new Set<readonly [Socket, Socket]>();
  let left: number | undefined;
  let cuts = 0;
  let frozen = false;
  let delay = 0;
  const later = (act: () => void): void => {
    if (delay === 0) act();
    else setTimeout(act, delay);
  };
  const cut = (): void => {
    cuts += 1;
    left = undefined;
    for (const pair of pairs) for (const socket of pair) socket.destroy();
  };
  const server = createServer((near) => {
    const far = connect(port, '127.0.0.1');
    const pair = [near, far] as const;
    pairs.add(pair);
    const end = (): void => {
      pairs.delete(pair);
      near.destroy();
      far.destroy();
    };
    near.on('data', (chunk) => later(() => far.write(chunk)));
    far.on('data', (chunk) => {
      later(() => near.write(chunk));
      if (left === undefined) return;
      left -= chunk.length;
      if (left <= 0) cut();
    });
    for (const socket of pair) {
      socket.setNoDelay(true);
      socket.on('error', end);
      socket.on('close', () => later(end));
      if (frozen) socket.pause();
    }
  });
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(0, '127.0.0.1', resolve);
  });
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('the wire has no port');
  return {
    port: address.port,
    cut,
    cuts: () => cuts,
    open: () => pairs.size,
    freeze: (on) => {
      frozen = on;
      for (const pair of pairs) for (const socket of pair) socket[on ? 'pause' : 'resume']();
    },
    slow: (milliseconds) => {
      delay = milliseconds;
    },
    redirect: (other) => {
      port = other;
    },
    cutAfter: (bytes) => {
      left = bytes;
    },
    close: async () => {
      const closed = new Promise((resolve) => server.close(resolve));
      for (const pair of pairs) for (const socket of pair) socket.destroy();
      await closed;
    },
  };
}
