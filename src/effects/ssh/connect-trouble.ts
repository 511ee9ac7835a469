import { isIP } from 'node:net';
import { type Trouble, trouble } from '../../core/result.ts';
import { kinds, kindWords, needsNoMac, type Offer, offer } from './algorithms.ts';
import { byHand } from './by-hand.ts';
import type { ServerHello } from './server-offer.ts';
import { placeOf, type SshTarget } from './target.ts';

/** An error as ssh2 tells it. */
export type Failure = Error & { readonly level?: string; readonly code?: string };

export interface Circumstances {
  readonly hello: ServerHello;
  /** What was offered to the server. */
  readonly offered: Offer;
  /** The trouble where it lets nobody in. */
  readonly refused: () => Trouble;
}

/** Why there is no connection. */
export function explain(error: Failure | undefined, target: SshTarget, around: Circumstances): Trouble {
  const where = placeOf(target);
  if (error?.level === 'client-authentication') return around.refused();
  const unreached = unreachable(error, target);
  if (unreached !== undefined) return unreached;
  if (error?.message.startsWith('Handshake failed: no matching')) {
    const nothing = nothingInCommon(target, around);
    if (nothing !== undefined) return nothing;
  }
  if (
    error === undefined ||
    error.code === 'ECONNRESET' ||
    error.message.startsWith('Connection lost before handshake')
  ) {
    return trouble(
      'dropped',
      `${where} closed the connection before the login`,
      'Look at its sshd log: MaxStartups, DenyUsers, hosts.deny and fail2ban do this.',
      around.hello.greeting === '' ? error?.message : around.hello.greeting,
    );
  }
  return trouble(
    'ssh-failed',
    `no SSH connection to ${where}: ${error.message}`,
    `Try: ${byHand(target, { flags: ['-v'] })}`,
  );
}

/** A bastion that is misspelled is taken for a name of the network, and found to be none. */
export const nameFix = ({ mayMean }: SshTarget): string =>
  `${mayMean === undefined ? '' : `${mayMean} Else: `}${mayMean === undefined ? 'Check' : 'check'} the address in hosts.yaml, and DNS.`;

/** What is wrong where no connection came about at all. */
export function unreachable(error: Failure | undefined, target: SshTarget): Trouble | undefined {
  const where = placeOf(target);
  if (error?.level === 'client-timeout' || error?.code === 'ETIMEDOUT') {
    return trouble(
      'timeout',
      `${where} did not answer in time`,
      'Check that it is up and that no firewall drops the connection.',
    );
  }
  switch (error?.code) {
    case 'ECONNREFUSED':
      return trouble(
        'refused',
        `${where} refuses connections: nothing listens there`,
        'Check the port, and that sshd runs.',
      );
    case 'ENOTFOUND':
    case 'EAI_AGAIN':
      return trouble(
        'name-unknown',
        `the name "${target.address}" of ${target.name} cannot be resolved`,
        nameFix(target),
      );
    case 'EHOSTUNREACH':
    case 'ENETUNREACH':
    case 'EHOSTDOWN':
    case 'EADDRNOTAVAIL':
      return trouble(
        'no-route',
        `there is no route to ${where}`,
        'Check the address in hosts.yaml, the network and the VPN.',
      );
    default:
      return undefined;
  }
}

/** Says what the server speaks where that is nothing that was offered, and whether the setting for old machines would help. */
function nothingInCommon(target: SshTarget, { hello, offered }: Circumstances): Trouble | undefined {
  const theirs = hello.offer;
  if (theirs === undefined) return undefined;
  const lacking = (mine: Offer) =>
    kinds.filter((kind) => {
      const names: readonly string[] = mine[kind];
      if (kind === 'mac' && mine.cipher.some((c) => theirs.cipher.includes(c) && needsNoMac(c))) return false;
      return !theirs[kind].some((name) => names.includes(name));
    });
  const missing = lacking(offered);
  if (missing.length === 0) return undefined;
  const words = missing.map((kind) => `${kindWords[kind]} ${theirs[kind].join(', ')}`).join('; ');
  const detail = hello.version === '' ? undefined : `It calls itself ${hello.version}.`;
  if (target.legacy !== true && lacking(offer(true, target.algorithms)).length === 0) {
    return trouble(
      'legacy-needed',
      `${placeOf(target)} offers only algorithms that no longer count as safe: ${words}`,
      `Update its SSH server; or, if it is too old for that, set ssh.legacy: true for ${target.name} in hosts.yaml. The plan, the log and the report will name it.`,
      detail,
    );
  }
  return trouble(
    'no-common-algorithm',
    `${placeOf(target)} offers nothing that can be spoken here: ${words}`,
    'Try the other transport, the ssh program; or allow one of the usual algorithms in its sshd_config.',
    detail,
  );
}

/** An address that cannot be connected to from here as it stands. */
export function addressTrouble({ name, address }: SshTarget): Trouble | undefined {
  if (!/^fe[89ab][0-9a-f]:/i.test(address) || isIP(address.replace(/%.*$/, '')) !== 6) return undefined;
  return trouble(
    'address-unusable',
    `the address ${address} of ${name} is link-local: it means another machine on every network that this one is on`,
    'Give a global or unique local address, or a name, in "addresses" of hosts.yaml.',
  );
}

export const lostConnection = (target: SshTarget, error: Error | undefined, bastion: Trouble | undefined): Trouble =>
  trouble(
    'connection-lost',
    `the SSH connection to ${target.name} was lost${
      bastion !== undefined
        ? `: ${bastion.what}`
        : error?.message === 'Keepalive timeout'
          ? ': it stopped answering'
          : ''
    }`,
    'Check that the host is up, then go on: decom resume',
    error?.message,
  );

export const closedMeanwhile = (target: SshTarget): Trouble =>
  trouble('connection-closed', `the SSH connection to ${target.name} was closed here`, 'Start again.');
