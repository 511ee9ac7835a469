import { createConnection } from 'node:net';

/** Says one line to qemu's monitor and gives back what it answers; '' where qemu ended upon it. */
export const askMonitor = (socket: string, line: string): Promise<string> =>
  new Promise((resolve, reject) => {
    const connection = createConnection(socket);
    let heard = '';
    let asked = false;
    const prompts = (): number => heard.split('(qemu) ').length - 1;
    connection.setEncoding('utf8');
    connection.on('data', (chunk: string) => {
      heard += chunk;
      if (!asked && prompts() > 0) {
        asked = true;
        connection.write(`${line}\n`);
      } else if (prompts() > 1) connection.end();
    });
    connection.on('error', (error) => (asked ? resolve('') : reject(error)));
    connection.on('close', () => resolve(heard));
  });

/** Whether qemu listens there already: its socket is a file before that. */
export const answers = (socket: string): Promise<boolean> =>
  askMonitor(socket, '').then(
    (heard) => heard !== '',
    () => false,
  );
