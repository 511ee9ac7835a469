import { createHash, timingSafeEqual } from 'node:crypto';
import type { TLSSocket } from 'node:tls';
import { Agent, buildConnector } from 'undici';

/** Why a server's certificate was not taken. Carried as the cause of the connection's error. */
export class CertificateRefused extends Error {
  /** Of the certificate that was shown: `sha256:<hex>`. */
  readonly shown: string;
  constructor(shown: string, why: string) {
    super(why);
    this.name = 'CertificateRefused';
    this.shown = shown;
  }
}

export interface AgentLimits {
  /** Milliseconds for each part of an answer. */
  readonly answer: number;
  /** Greatest answer in bytes. */
  readonly bytes: number;
}

export interface AgentOptions {
  readonly pin: string | undefined;
  /** Take TLS 1.0 and weak ciphers. What they carry can be read and changed, so without a pin nothing is taken at all. */
  readonly legacy: boolean;
  readonly limits: AgentLimits;
  /** Told of the version of TLS at every connection that was taken. */
  readonly told: (version: string) => void;
}

/** Milliseconds for TCP and TLS: slow BMCs take two or three seconds, and one that is not there should cost no more. */
const longestConnect = 8000;

/** `SECLEVEL=0` is OpenSSL's word for: short keys, SHA-1 and MD5 signatures, and every cipher that it still has. */
const oldTls = { minVersion: 'TLSv1', ciphers: 'DEFAULT:@SECLEVEL=0' } as const;

/**
 * Connections to one BMC and nobody else. With a pin the certificate's SHA-256 decides, and nothing else; without one it is checked
 * against the certificate authorities of this machine, name included. Nothing is sent before that is settled.
 */
export function pinnedAgent({ pin, legacy, limits, told }: AgentOptions): Agent {
  const connect = buildConnector({
    // Node is to finish the handshake so that the refusal can name the certificate; the verdict is ours, below.
    rejectUnauthorized: false,
    // A resumed session shows no certificate.
    maxCachedSessions: 0,
    timeout: Math.min(limits.answer, longestConnect),
    ...(legacy ? oldTls : {}),
  });
  return new Agent({
    connections: 1,
    headersTimeout: limits.answer,
    bodyTimeout: limits.answer,
    maxResponseSize: limits.bytes,
    connect: (options, callback) => {
      connect(options, (...[error, socket]) => {
        if (error !== null) return callback(error, null);
        const tls = socket as TLSSocket;
        const why = verdict(tls, pin, legacy);
        if (why === undefined) {
          told(tls.getProtocol() ?? 'unknown');
          return callback(null, socket);
        }
        socket.destroy();
        return callback(why, null);
      });
    },
  });
}

function verdict(socket: TLSSocket, pin: string | undefined, legacy: boolean): CertificateRefused | undefined {
  const der = socket.getPeerCertificate().raw;
  const hash = createHash('sha256').update(der).digest();
  const shown = `sha256:${hash.toString('hex')}`;
  if (pin === undefined) {
    if (legacy) return new CertificateRefused(shown, 'with old TLS only a pin counts');
    return socket.authorized ? undefined : new CertificateRefused(shown, String(socket.authorizationError));
  }
  const wanted = Buffer.from(pin.replace(/^sha256:/i, '').replaceAll(':', ''), 'hex');
  const same = wanted.length === hash.length && timingSafeEqual(wanted, hash);
  return same ? undefined : new CertificateRefused(shown, 'it is not the pinned one');
}
