import { createServer, type Socket } from 'node:net';
import { listenOn } from './lasting-port.ts';
import type { Printed } from './systemctl.ts';

/** How the stand-in programs of a practice machine reach the process that plays its service manager. */
export interface InitLine {
  readonly port: number;
  cut(): Promise<void>;
}

export type AnswerProgram = (program: string, argv: readonly string[]) => Promise<Printed>;

/** Listens on 127.0.0.1 for one JSON line `{key, program, argv}` a connection and answers with one `{exit, stdout, stderr}`. */
export async function startInitLine(key: string, port: number, answer: AnswerProgram): Promise<InitLine> {
  const sockets = new Set<Socket>();
  const listener = createServer((socket) => {
    sockets.add(socket);
    socket.on('close', () => sockets.delete(socket));
    socket.on('error', () => {});
    socket.setEncoding('utf8');
    let text = '';
    socket.on('data', (chunk: string) => {
      text += chunk;
      const end = text.indexOf('\n');
      if (end === -1) return;
      const request = read(text.slice(0, end));
      if (request === undefined || request.key !== key) {
        socket.destroy();
        return;
      }
      answer(request.program, request.argv).then(
        (said) => socket.end(`${JSON.stringify(said)}\n`),
        (error: unknown) => socket.end(`${JSON.stringify({ exit: 1, stdout: '', stderr: `${String(error)}\n` })}\n`),
      );
    });
  });
  const given = await listenOn(listener, port);
  return {
    port: given,
    cut: async () => {
      const closed = new Promise((resolve) => listener.close(resolve));
      for (const socket of sockets) socket.destroy();
      await closed;
    },
  };
}

/** The stand-in's side: a CommonJS program that any Node runs, called as `node ask-init.cjs PROGRAM ARGV…`. */
export const askInitProgram = (key: string, port: number): string => `'use strict';
const [program, ...argv] = process.argv.slice(2);
const socket = require('node:net').connect(${port}, '127.0.0.1');
let text = '';
const lost = () => {
  process.stderr.write('Failed to connect to bus: Connection refused\\n');
  process.exitCode = 1;
};
socket.setEncoding('utf8');
socket.on('error', lost);
socket.on('connect', () => socket.write(JSON.stringify({ key: ${JSON.stringify(key)}, program, argv }) + '\\n'));
socket.on('data', (chunk) => { text += chunk; });
socket.on('end', () => {
  if (text === '') return lost();
  const said = JSON.parse(text);
  process.stdout.write(said.stdout);
  process.stderr.write(said.stderr);
  process.exitCode = said.exit;
});
`;

interface Request {
  readonly key: string;
  readonly program: string;
  readonly argv: readonly string[];
}

function read(line: string): Request | undefined {
  try {
    const value: unknown = JSON.parse(line);
    if (typeof value !== 'object' || value === null) return undefined;
    const { key, program, argv } = value as Partial<Request>;
    if (typeof key !== 'string' || typeof program !== 'string' || !Array.isArray(argv)) return undefined;
    return { key, program, argv };
  } catch {
    return undefined;
  }
}
