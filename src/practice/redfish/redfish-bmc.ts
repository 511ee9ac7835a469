import { randomBytes } from 'node:crypto';
import { createServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { selfSigned } from './certificate.ts';
import { locatorLight } from './light.ts';
import type { RedfishBmcOptions } from './options.ts';
import { answer, send } from './protocol.ts';
import { refusal } from './reply.ts';
import { type Resets, resets } from './resets.ts';
import { resources } from './resources.ts';
import { sessions } from './sessions.ts';

export interface RedfishBmc {
  /** `https://<address>:<port>` */
  readonly url: string;
  readonly port: number;
  /** SHA-256 of its DER certificate: `sha256:<hex>`. */
  readonly pin: string;
  /** How many sessions are open. */
  sessions(): number;
  /** How many requests came, whatever became of them. */
  requests(): number;
  light(): 'on' | 'off';
  /** How often it was told to start anew. */
  restarts(): number;
  close(): Promise<void>;
}

/**
 * A strict Redfish service (DSP0266) for one machine, over HTTPS with a certificate of its own making. URIs are drawn at random,
 * so a client has to follow links; a session is needed for all but the service root.
 */
export async function startRedfishBmc(options: RedfishBmcOptions): Promise<RedfishBmc> {
  const { power, port = 0, address = '127.0.0.1', faults = {} } = options;
  const certificate = await selfSigned(address);
  const base = `/redfish/v1/${randomBytes(5).toString('hex')}`;
  const open = sessions(() => faults.sessionLasts ?? 300_000);
  const tasks: Resets = resets(base, power, () => faults.taskFails === true);
  const light = locatorLight(faults);
  let restarts = 0;
  let goneAt: number | undefined;
  const restart = (): void => {
    restarts++;
    // Its answer to this leaves first. Whoever asks then finds nobody, and afterwards one who knows no session.
    setTimeout(() => {
      open.clear();
      goneAt = performance.now();
      server.closeAllConnections();
    }, 20).unref();
  };
  const find = resources({ ...options, base, faults, sessions: open, resets: tasks, restart }, light);
  const authorised = (token: string | undefined): boolean => {
    const session = open.use(token);
    if (session === undefined || (faults.forgetsSessions ?? 0) === 0) return session !== undefined;
    faults.forgetsSessions = (faults.forgetsSessions ?? 0) - 1;
    open.end(session.id);
    return false;
  };

  let requests = 0;
  const old =
    options.tls === 'old' ? ({ minVersion: 'TLSv1', maxVersion: 'TLSv1', ciphers: 'ALL:@SECLEVEL=0' } as const) : {};
  const server = createServer({ cert: certificate.cert, key: certificate.key, ...old }, (request, response) => {
    requests++;
    const serve = async (): Promise<void> => {
      if (faults.hang === true) return;
      if (faults.endless === true) {
        response.writeHead(200, { 'Content-Type': 'application/json' });
        const pour = (): void => {
          while (!response.destroyed && response.write(' '.repeat(65_536)));
        };
        response.on('drain', pour);
        return pour();
      }
      if (faults.slow !== undefined) await new Promise((resolve) => setTimeout(resolve, faults.slow));
      if ((faults.busyFor ?? 0) > 0) {
        faults.busyFor = (faults.busyFor ?? 0) - 1;
        const headers = faults.retryAfter === undefined ? {} : { 'Retry-After': faults.retryAfter };
        const busy = refusal(faults.busyWith ?? 503, 'ServiceTemporarilyUnavailable', 'The service is busy.', {
          headers,
        });
        return send(response, request.method, busy);
      }
      const reply = await answer(request, find, authorised);
      if (reply.status === 202 && request.method === 'POST' && faults.dropAfterAccept === true) {
        response.destroy();
        return;
      }
      send(response, request.method, reply);
    };
    serve().catch((error: unknown) => {
      if (response.headersSent) {
        response.destroy();
        return;
      }
      const message = error instanceof Error ? error.message : 'unknown';
      send(response, request.method, refusal(500, 'InternalError', `The request failed: ${message}`));
    });
  });
  server.on('connection', (socket) => {
    if (goneAt !== undefined && performance.now() < goneAt + (faults.restartTakes ?? 15_000)) socket.destroy();
  });
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, address, resolve);
  });
  const bound = (server.address() as AddressInfo).port;
  return {
    url: `https://${address}:${bound}`,
    port: bound,
    pin: certificate.pin,
    sessions: () => open.all().length,
    requests: () => requests,
    light: light.state,
    restarts: () => restarts,
    close: () =>
      new Promise<void>((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}
