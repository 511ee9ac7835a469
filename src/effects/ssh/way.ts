import { connect as dial } from 'node:net';
import type { Duplex } from 'node:stream';
import type { ClientChannel } from 'ssh2';
import { fail, ok, type Result, type Seen, seen, type Trouble, trouble, unseen } from '../../core/result.ts';
import type { Lease } from './bastions.ts';
import { byHand } from './by-hand.ts';
import { type Failure, unreachable } from './connect-trouble.ts';
import type { Connection } from './connection.ts';
import { placeOf, type SshAround, type SshTarget } from './target.ts';

/** The bytes to and from a server, over TCP or through a bastion. */
export interface Way {
  readonly stream: Duplex;
  /** Why it is gone, where it is the bastion that went away. */
  lost(): Trouble | undefined;
  /** Frees the bastion. */
  leave(): void;
}

/** Opens a connection to a bastion; given, because connecting and the way to what is connected need each other. */
export type OpenBastion = (bastion: SshTarget, signal: AbortSignal) => Promise<Result<Connection>>;

/** Begins to reach a server. Over TCP it comes back at once, and the stream tells how it went. Troubles: those of the bastion, `forwarding-refused`, `refused`, `no-route`, `name-unknown`, `timeout`, `aborted`. */
export async function openWay(
  target: SshTarget,
  deps: SshAround,
  within: number,
  signal: AbortSignal,
  open: OpenBastion,
): Promise<Result<Way>> {
  const bastion = bastionOf(target);
  if (bastion === undefined) {
    const stream = dial({ ...endOf(target), noDelay: true });
    return ok({ stream, lost: () => undefined, leave: () => undefined });
  }
  const leased = await leaseOf(bastion, deps, signal, open);
  if (!leased.ok) return fail(byWayOf(target, bastion, leased.error));
  const { connection, leave } = leased.value;
  const stream = await forward(connection, target, within, signal);
  if (!('reason' in stream)) {
    return ok({
      stream,
      lost: () => {
        const gone = connection.lost();
        return gone === undefined ? undefined : byWayOf(target, bastion, gone);
      },
      leave,
    });
  }
  const gone = connection.lost();
  leave();
  return fail(gone === undefined ? notForwarded(target, bastion, stream) : byWayOf(target, bastion, gone));
}

/** Whether something accepts connections there, where it can be reached without going through another machine. */
export async function reachFromHere(target: SshTarget, within: number): Promise<Seen<'yes' | 'no'>> {
  if (target.proxied !== true && bastionOf(target) === undefined) return answers(target, within);
  return unseen(
    trouble(
      'way-unknown',
      `whether ${placeOf(target)} can be reached cannot be told: the ssh program makes its own way there`,
      `Look yourself: ${byHand(target)} true`,
    ),
  );
}

/** The same, by way of its bastions. Unknown where the bastion cannot be asked: that says nothing of the host. */
export async function canReach(
  target: SshTarget,
  deps: SshAround,
  within: number,
  open: OpenBastion,
): Promise<Seen<'yes' | 'no'>> {
  const bastion = bastionOf(target);
  if (bastion === undefined) return reachFromHere(target, within);
  const signal = AbortSignal.timeout(within);
  const leased = await leaseOf(bastion, deps, signal, open);
  if (!leased.ok) return unseen(byWayOf(target, bastion, leased.error));
  const { connection, leave } = leased.value;
  try {
    const stream = await forward(connection, target, within, signal);
    if (!('reason' in stream)) {
      stream.destroy();
      return seen('yes');
    }
    const gone = connection.lost();
    if (gone !== undefined) return unseen(byWayOf(target, bastion, gone));
    if (stream.reason === connectFailed) return refusedThere(target, bastion, stream.said);
    // No answer: of the host, if the bastion itself still answers anything at all.
    const asked = stream.reason === undefined && (await stillThere(connection, within));
    return asked ? seen('no') : unseen(notForwarded(target, bastion, stream));
  } finally {
    leave();
  }
}

export const bastionOf = ({ jumps = [] }: SshTarget): SshTarget | undefined => {
  const last = jumps.at(-1);
  return last === undefined ? undefined : { ...last, jumps: jumps.slice(0, -1) };
};

const endOf = ({ address, port, family, localAddress }: SshTarget) => ({
  host: address,
  port,
  ...(family === undefined ? {} : { family }),
  ...(localAddress === undefined ? {} : { localAddress }),
});

function answers(target: SshTarget, within: number): Promise<Seen<'yes' | 'no'>> {
  return new Promise((resolve) => {
    const socket = dial(endOf(target));
    const say = (answer: Seen<'yes' | 'no'>): void => {
      clearTimeout(timer);
      socket.destroy();
      resolve(answer);
    };
    const timer = setTimeout(() => say(seen('no')), within);
    socket.once('connect', () => say(seen('yes')));
    socket.on('error', (error: Failure) => {
      say(
        saysNothing.includes(error.code ?? '')
          ? unseen(unreachable(error, target) ?? noWay(target, error))
          : seen('no'),
      );
    });
  });
}

/** Troubles of this computer, its resolver and its network, not of the host. */
const saysNothing: readonly string[] = ['ENOTFOUND', 'EAI_AGAIN', 'ENETUNREACH', 'ENETDOWN', 'EADDRNOTAVAIL', 'EINVAL'];

const noWay = (target: SshTarget, { message }: Error): Trouble =>
  trouble('no-route', `no way leads to ${placeOf(target)} from here`, 'Check the network of this computer.', message);

/** A place on the bastion's connection, unless it is given up before. */
async function leaseOf(
  bastion: SshTarget,
  deps: SshAround,
  signal: AbortSignal,
  open: OpenBastion,
): Promise<Result<Lease>> {
  const leasing = deps.shared.bastions.lease(bastion, (stop) => open(bastion, stop));
  return new Promise((resolve) => {
    const giveUp = (): void => {
      resolve(fail(notInTime(bastion)));
      void leasing.then((leased) => leased.ok && leased.value.leave());
    };
    if (signal.aborted) return giveUp();
    signal.addEventListener('abort', giveUp, { once: true });
    void leasing.then((leased) => {
      signal.removeEventListener('abort', giveUp);
      resolve(leased);
    });
  });
}

/** RFC 4254 §5.1: what a server says when it does not open a channel. */
export const prohibited = 1;
export const connectFailed = 2;

export interface NotOpened {
  /** Absent: no answer came. */
  readonly reason: number | undefined;
  readonly said: string;
}

function forward(
  { client, onLost }: Connection,
  { address, port }: SshTarget,
  within: number,
  signal: AbortSignal,
): Promise<ClientChannel | NotOpened> {
  return new Promise((resolve) => {
    let waiting = true;
    const end = (result: ClientChannel | NotOpened): void => {
      waiting = false;
      clearTimeout(timer);
      signal.removeEventListener('abort', giveUp);
      unwatch();
      resolve(result);
    };
    const giveUp = (): void => end({ reason: undefined, said: 'no answer' });
    const timer = setTimeout(giveUp, within);
    signal.addEventListener('abort', giveUp, { once: true });
    const unwatch = onLost(giveUp);
    try {
      client.forwardOut(
        '127.0.0.1',
        0,
        address,
        port,
        (error: (Error & { readonly reason?: unknown }) | undefined, channel) => {
          if (!waiting) channel?.destroy();
          else if (error === undefined) end(channel);
          else end({ reason: typeof error.reason === 'number' ? error.reason : prohibited, said: error.message });
        },
      );
    } catch (error) {
      end({ reason: undefined, said: (error as Error).message });
    }
  });
}

/** Whether a bastion answers: it is asked for its own discard port, and a refusal is an answer too. */
async function stillThere(connection: Connection, within: number): Promise<boolean> {
  const own = { name: '', address: '127.0.0.1', port: 9, user: '', sudo: false };
  const stream = await forward(connection, own, within, new AbortController().signal);
  if (!('reason' in stream)) stream.destroy();
  return !('reason' in stream) || stream.reason !== undefined;
}

/** A bastion's trouble, told as what keeps the host from being reached. */
export const byWayOf = (target: SshTarget, bastion: SshTarget, why: Trouble): Trouble => ({
  ...why,
  what: `${target.name} is reached by way of ${bastion.name}, and that does not work: ${why.what}`,
});

const notInTime = (bastion: SshTarget): Trouble =>
  trouble('timeout', `${placeOf(bastion)} was not logged in to in time`, 'Check that it is up.');

/** What a bastion says that tried to connect to the host and could not: nothing of the host, where the trouble is its own. */
export const refusedThere = (target: SshTarget, bastion: SshTarget, said: string): Seen<'yes' | 'no'> =>
  unresolved.test(said) || /network is (unreachable|down)|cannot assign/i.test(said)
    ? unseen(notForwarded(target, bastion, { reason: connectFailed, said }))
    : seen('no');

const unresolved = /not known|resol|no address|name or service/i;

export function notForwarded(target: SshTarget, bastion: SshTarget, { reason, said }: NotOpened): Trouble {
  const there = `${bastion.name} does not connect to ${placeOf(target)}`;
  if (reason === undefined) {
    return trouble(
      'timeout',
      `${there}: no answer came in time`,
      'Check that the host is up, as seen from there.',
      said,
    );
  }
  if (reason !== connectFailed) {
    return trouble(
      'forwarding-refused',
      `${there}: it forwards no connections for ${bastion.user}`,
      'Check AllowTcpForwarding and PermitOpen in its sshd_config, and the options in authorized_keys.',
      said,
    );
  }
  const [code, why, fix] = /refused/i.test(said)
    ? (['refused', 'nothing listens there', 'Check the port, and that sshd runs.'] as const)
    : unresolved.test(said)
      ? ([
          'name-unknown',
          'the name cannot be resolved there',
          'Check the address, and the DNS of the bastion.',
        ] as const)
      : /timed? ?out/i.test(said)
        ? (['timeout', 'it did not answer in time', 'Check that it is up, and the firewall between them.'] as const)
        : (['no-route', 'there is no route', 'Check the address, and the network of the bastion.'] as const);
  return trouble(code, `${there}: ${why}`, fix, said);
}
