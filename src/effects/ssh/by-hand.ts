import { shellWord } from '../../core/shell-word.ts';
import type { SshTarget } from './target.ts';

/** What to type to see for oneself how a machine answers: as this program reaches it, bastions included. */
export function byHand(target: SshTarget, { flags = [], destination = target.address, config }: ByHand = {}): string {
  const { address, port, user } = target;
  const way = wayOf(target);
  return [
    'ssh',
    ...flags,
    ...(config === undefined ? [] : ['-F', config]),
    ...(way === '' ? [] : ['-J', way]),
    ...(destination === address ? [] : ['-o', `HostName=${address}`]),
    ...['-p', String(port), `${user}@${destination}`],
  ]
    .map(shellWord)
    .join(' ');
}

/** What to type to have the public key put where the machine looks for it. */
export function copyIdByHand(target: SshTarget): string {
  const way = wayOf(target);
  const { address, port, user } = target;
  return ['ssh-copy-id', ...(way === '' ? [] : ['-o', `ProxyJump=${way}`]), '-p', String(port), `${user}@${address}`]
    .map(shellWord)
    .join(' ');
}

const wayOf = ({ jumps = [] }: SshTarget): string =>
  jumps.map((hop) => `${hop.user}@${bracketed(hop.address)}:${hop.port}`).join(',');

export interface ByHand {
  readonly flags?: readonly string[];
  /** The name that the SSH configuration has the machine under. */
  readonly destination?: string;
  readonly config?: string;
}

const bracketed = (address: string): string => (address.includes(':') ? `[${address}]` : address);
