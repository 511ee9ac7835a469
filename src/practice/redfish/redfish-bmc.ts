import { randomBytes } from 'node:crypto';
import { createServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { selfSigned } from './certificate.ts';
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
  const find = resources({ ...options, base, faults, sessions: open, resets: tasks });

  let requests = 0;
  const server = createServer({ cert: certificate.cert, key: certificate.key }, (request, response) => {
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
      const reply = await answer(request, find, (token) => open.use(token) !== undefined);
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
    close: () =>
      new Promise<void>((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}
