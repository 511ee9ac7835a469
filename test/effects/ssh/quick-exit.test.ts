import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import ssh2 from 'ssh2';
import { expect, test } from 'vitest';
import { sshMachine } from '../../../src/effects/ssh/machine.ts';
import { newKeyPair } from '../../../src/practice/key-pair.ts';

test('the status of a program that ends at once is not missed, though it comes in one packet with the word that it began', async () => {
  const key = newKeyPair('quick host');
  const server = new ssh2.Server({ hostKeys: [key.private] }, (connection) => {
    connection.on('error', () => {});
    connection.on('authentication', (context) =>
      context.method === 'none' ? context.reject(['publickey']) : context.accept(),
    );
    connection.on('session', (accept) => {
      accept().on('exec', (begin, _refuse, { command }) => {
        const [socket] = sockets;
        socket?.cork();
        const channel = begin();
        const mark = /decom-[0-9a-f]+/.exec(command)?.[0];
        channel.stderr.write(`${mark} 4711\n`);
        channel.write(`${mark}\ndone\n`);
        channel.exit(3);
        channel.end();
        // After what ssh2 itself has put off to a later turn.
        setTimeout(() => socket?.uncork(), 20);
      });
    });
  });
  const sockets: Socket[] = [];
  const listener = createServer((socket) => {
    sockets.push(socket);
    server.injectSocket(socket);
  });
  await new Promise<void>((resolve) => listener.listen(0, '127.0.0.1', resolve));
  const address = listener.address();
  const port = typeof address === 'object' && address !== null ? address.port : 0;
  const folder = mkdtempSync(join(tmpdir(), 'decom-quick-'));
  const identity = join(folder, 'key');
  writeFileSync(identity, newKeyPair('quick').private, { mode: 0o600 });
  const [type, blob] = key.public.split(' ');
  const machine = sshMachine(
    {
      name: 'quick',
      address: '127.0.0.1',
      port,
      user: 'root',
      identityFiles: [identity],
      hostKeys: [`${type} ${blob}`],
      sudo: false,
    },
    { home: folder },
  );
  try {
    const ran = await machine.exec({ argv: ['true'], root: false });
    expect(ran).toMatchObject({ ok: true, value: { ended: { how: 'exit', code: 3 } } });
  } finally {
    await machine.close();
    for (const socket of sockets) socket.destroy();
    listener.close();
    rmSync(folder, { recursive: true });
  }
});
