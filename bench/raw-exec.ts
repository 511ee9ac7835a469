import { readFileSync } from 'node:fs';
import ssh2 from 'ssh2';
import type { Sshd } from '../test/lab/sshd.ts';

/** Programs over one plain ssh2 connection: what everything else is measured against. */
export async function rawConnection(sshd: Sshd): Promise<{ exec(command: string): Promise<void>; end(): void }> {
  const raw = new ssh2.Client();
  await new Promise((resolve, reject) => {
    raw.on('ready', () => resolve(undefined)).on('error', reject);
    raw.connect({ host: sshd.address, port: sshd.port, username: sshd.user, privateKey: readFileSync(sshd.userKey) });
    (raw as unknown as { setNoDelay(on: boolean): void }).setNoDelay(true);
  });
  return {
    exec: (command) =>
      new Promise((resolve, reject) => {
        raw.exec(command, (error, channel) => {
          if (error) return reject(error);
          channel.on('close', () => resolve());
          channel.resume();
          channel.stderr.resume();
          channel.end();
        });
      }),
    end: () => raw.end(),
  };
}
