import { createSocket, type Socket } from 'node:dgram';

/** A way for datagrams to a port of 127.0.0.1, which can be led to another port: a cable that is plugged in elsewhere. */
export interface UdpRelay {
  readonly port: number;
  redirect(port: number): void;
  close(): Promise<void>;
}

export async function startUdpRelay(to: number): Promise<UdpRelay> {
  let port = to;
  const near = createSocket('udp4');
  /** By who asks: the socket that asks for them. */
  const asking = new Map<string, Socket>();
  near.on('message', (message, from) => {
    const key = `${from.port} ${port}`;
    let far = asking.get(key);
    if (far === undefined) {
      far = createSocket('udp4');
      far.on('message', (answer) => near.send(answer, from.port, from.address));
      // What refuses is as silent as what is not there.
      far.on('error', () => undefined);
      asking.set(key, far);
    }
    far.send(message, port, '127.0.0.1');
  });
  await new Promise<void>((resolve, reject) => {
    near.once('error', reject);
    near.bind(0, '127.0.0.1', resolve);
  });
  return {
    port: near.address().port,
    redirect(other) {
      port = other;
    },
    async close() {
      for (const socket of [near, ...asking.values()]) await new Promise<void>((resolve) => socket.close(resolve));
    },
  };
}
