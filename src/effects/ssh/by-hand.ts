import type { SshTarget } from './target.ts';

/** What to type to see for oneself how a machine answers: as this program reaches it, bastions included. */
export function byHand(target: SshTarget, { flags = [], destination = target.address, config }: ByHand = {}): string {
  const { address, port, user, jumps = [] } = target;
  const way = jumps.map((hop) => `${hop.user}@${bracketed(hop.address)}:${hop.port}`).join(',');
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

export interface ByHand {
  readonly flags?: readonly string[];
  /** The name that the SSH configuration has the machine under. */
  readonly destination?: string;
  readonly config?: string;
}

const bracketed = (address: string): string => (address.includes(':') ? `[${address}]` : address);

const shellWord = (word: string): string =>
  /^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", `'\\''`)}'`;
