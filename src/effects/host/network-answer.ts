import type { Machine } from '../../core/ports.ts';
import { printable } from '../../core/printable.ts';
import type { NetworkLack, NetworkSeen } from '../../core/probe.ts';
import { fail, ok, type Result, type Trouble, trouble } from '../../core/result.ts';
import { decode, lastLines, plainText } from './plain-text.ts';

/** What a script of `network-script.ts` said. */
export interface NetworkSaid extends Omit<NetworkSeen, 'from'> {
  /** Why nothing was done. */
  readonly refused: string | null;
  /** What the firewall said that did not take the rules. */
  readonly failed: string | null;
}

/** Why nothing is known; `begun`: it may have been done all the same. */
export interface NetworkUntold {
  readonly trouble: Trouble;
  readonly begun: boolean;
}

/** Runs a script (the first word) as root and reads its lines; what else is printed is a login script's. */
export async function askNetwork(
  machine: Machine,
  [script = '', ...words]: readonly string[],
  nonce: string,
  signal?: AbortSignal,
): Promise<Result<NetworkSaid, NetworkUntold>> {
  const ran = await machine.exec(
    { argv: ['sh', '-c', script, 'sh', nonce, ...words], root: true },
    signal === undefined ? {} : { signal },
  );
  if (!ran.ok) return fail({ trouble: ran.error, begun: false });
  const { ended, stdout, stderr } = ran.value;
  const lines = decode(stdout)
    .split('\n')
    .flatMap((line): readonly (readonly [string, string])[] => {
      if (!line.startsWith(`${nonce} `)) return [];
      const [word = '', ...rest] = line.slice(nonce.length + 1).split(' ');
      return [[word, printable(rest.join(' ').trim().slice(0, 300))]];
    });
  if (!lines.some(([word]) => word === 'end')) {
    if (ended.how === 'lost' || ended.how === 'aborted') return fail({ trouble: ended.trouble, begun: true });
    return fail({ trouble: untold(machine.name, lastLines(plainText(stderr), 5)), begun: true });
  }
  const one = (word: string): string | null => lines.find(([name]) => name === word)?.[1] || null;
  const among = <T extends string>(word: string, known: readonly T[]): T | null =>
    known.find((value) => value === one(word)) ?? null;
  const state = among('state', states);
  const refused = one('refused');
  // A refusal before anything was looked at tells no state; it is open then.
  if (state === null && refused === null) return fail({ trouble: untold(machine.name, ''), begun: true });
  const dropped = one('dropped');
  return ok({
    state: state ?? 'open',
    run: one('run'),
    since: one('since'),
    boot: one('boot'),
    ended: among('ended', endings) ?? 'never',
    dropped: dropped !== null && /^\d{1,15}$/.test(dropped) ? Number(dropped) : null,
    way: among('way', ['nft', 'iptables']),
    lack: among('lack', lacks),
    relies: lines.flatMap(([word, value]) => (word === 'relies' ? [value] : [])).slice(0, 50),
    refused,
    failed: one('failed'),
  });
}

const states: readonly NetworkSeen['state'][] = ['open', 'pending', 'isolated', 'altered'];
const endings: readonly NetworkSeen['ended'][] = ['never', 'reboot', 'guard', 'reopened', 'removed'];
const lacks: readonly NetworkLack[] = ['no-firewall', 'no-ip6tables', 'no-bridge', 'no-boot-id', 'network-root'];

const untold = (name: string, said: string): Trouble =>
  trouble(
    'network-unknown',
    `${name} did not tell whether it is cut off the network`,
    'Try on the host, as root: nft list ruleset',
    said,
  );
