import type { Duplex } from 'node:stream';
import type { AlgorithmLimits } from './algorithms.ts';

/** What a server says in clear before keys are exchanged. */
export interface ServerHello {
  /** Lines before its version: what an sshd that drops a connection gives as reason. */
  readonly greeting: string;
  /** `OpenSSH_9.2p1 …`; empty until it came. */
  readonly version: string;
  /** The algorithms it offers; undefined until they came. */
  readonly offer: Required<AlgorithmLimits> | undefined;
}

const greatest = 65_536;

/** Listens to a stream's first bytes beside whoever reads it, until the server has made its offer. */
export function watchHello(stream: Duplex): () => ServerHello {
  let bytes = Buffer.alloc(0);
  const listen = (chunk: Buffer): void => {
    bytes = Buffer.concat([bytes, chunk]);
    if (bytes.length > greatest || readHello(bytes).offer !== undefined) stream.off('data', listen);
  };
  stream.on('data', listen);
  return () => readHello(bytes);
}

/** Reads the version lines and the first packet (RFC 4253 §4.2, §6, §7.1). */
export function readHello(bytes: Buffer): ServerHello {
  const greeting: string[] = [];
  let at = 0;
  for (;;) {
    const end = bytes.indexOf(10, at);
    const line = bytes.toString('latin1', at, end === -1 ? bytes.length : end).replace(/\r$/, '');
    if (line.startsWith('SSH-') && end !== -1) {
      const version = line.replace(/^SSH-[^-]*-/, '');
      return { greeting: greeting.join('\n'), version, offer: readOffer(bytes.subarray(end + 1)) };
    }
    if (line !== '') greeting.push(line);
    if (end === -1) return { greeting: greeting.join('\n'), version: '', offer: undefined };
    at = end + 1;
  }
}

const kexInit = 20;
const cookie = 16;

function readOffer(bytes: Buffer): ServerHello['offer'] {
  if (bytes.length < 6 || bytes[5] !== kexInit) return undefined;
  const end = 4 + bytes.readUInt32BE(0);
  if (bytes.length < end) return undefined;
  const lists: string[][] = [];
  for (let at = 6 + cookie; lists.length < 6; ) {
    if (at + 4 > end) return undefined;
    const length = bytes.readUInt32BE(at);
    if (at + 4 + length > end) return undefined;
    lists.push(
      bytes
        .toString('latin1', at + 4, at + 4 + length)
        .split(',')
        .filter((name) => name !== ''),
    );
    at += 4 + length;
  }
  // To the server, then from it; servers offer the same both ways.
  const [kex = [], hostKey = [], cipher = [], , mac = []] = lists;
  return { kex: kex.filter((name) => !/^kex-strict-|^ext-info-/.test(name)), hostKey, cipher, mac };
}
