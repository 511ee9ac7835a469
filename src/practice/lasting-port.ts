import type { AddressInfo, Server } from 'node:net';

/** Ports that no system gives by itself: Linux gives from 32768 on, others from 49152. */
const [lowest, beyond] = [20_000, 32_768];

/**
 * Has a server listen on 127.0.0.1 and returns its port: the one that is given or, for 0, one that stays free while a machine is off. Of the ports that a
 * system gives, anybody may have been given that one by the time when it is switched on again.
 */
export async function listenOn(server: Server, port: number): Promise<number> {
  if (port !== 0) return listen(server, port);
  for (let tries = 0; ; tries++) {
    try {
      return await listen(server, lowest + Math.floor(Math.random() * (beyond - lowest)));
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EADDRINUSE' || tries === 50) throw error;
    }
  }
}

async function listen(server: Server, port: number): Promise<number> {
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, '127.0.0.1', () => {
      server.off('error', reject);
      resolve();
    });
  });
  return (server.address() as AddressInfo).port;
}
