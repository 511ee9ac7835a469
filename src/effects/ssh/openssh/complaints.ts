import { type Trouble, trouble } from '../../../core/result.ts';
import { byHand } from '../by-hand.ts';
import { nameFix } from '../connect-trouble.ts';
import { placeOf, type SshTarget } from '../target.ts';
import type { OpenSshSettings } from './settings.ts';

/** What kept `ssh` from logging in to a machine, from its own words. `judged`: what is wrong with the key that it was shown. */
export function explain(
  target: SshTarget,
  settings: OpenSshSettings,
  said: string,
  judged: Trouble | undefined,
): Trouble {
  const where = placeOf(target);
  const rule = rules.find(([words]) => words.test(said));
  if (rule?.[1] === 'host-key') {
    return (
      judged ??
      trouble('host-key-unknown', `ssh did not accept the host key of ${where}`, 'Look at what it says.', said)
    );
  }
  switch (rule?.[1]) {
    case 'no-ssh-program':
      return trouble(
        'no-ssh-program',
        `${where} is to be reached by the ssh program, and there is none here`,
        'Install it (on Debian: apt-get install openssh-client), or set ssh.transport: ssh2.',
      );
    case 'too-old':
      return tooOld(target, said);
    case 'auth-refused':
      return (
        notSigned(target, settings, said) ??
        trouble(
          'auth-refused',
          `${target.user}@${where} refused the login by ssh`,
          `${asksForPin.test(said) ? 'The token wants its PIN, and nobody is asked: give the token to an agent (ssh-add -s PROVIDER), without IdentitiesOnly.' : 'Check the user and the key. A key with a passphrase has to be in an agent (ssh-add), as nobody is asked.'} By hand: ${byHand(target, settings)}`,
          said,
        )
      );
    case 'refused':
      return trouble(
        'refused',
        `${where} refuses connections: nothing listens there`,
        'Check the port, and that sshd runs.',
        said,
      );
    case 'name-unknown':
      return trouble(
        'name-unknown',
        `the name "${target.address}" of ${target.name} cannot be resolved`,
        nameFix(target),
        said,
      );
    case 'no-route':
      return trouble(
        'no-route',
        `there is no route to ${where}`,
        'Check the address in hosts.yaml, the network and the VPN.',
        said,
      );
    case 'timeout':
      return trouble(
        'timeout',
        `${where} did not answer in time`,
        'Check that it is up and that no firewall drops the connection.',
        said,
      );
    case 'no-algorithm':
      return trouble(
        'no-common-algorithm',
        `${where} and this ssh have no algorithm in common`,
        'For an old server set ssh.legacy: true for it in hosts.yaml; for a new one, a newer ssh is needed here.',
        said,
      );
    case 'dropped':
      return trouble(
        'dropped',
        `${where} closed the connection before the login`,
        'Look at its sshd log: MaxStartups, DenyUsers, hosts.deny and fail2ban do this.',
        said,
      );
    default:
      return trouble(
        'ssh-failed',
        `no SSH connection to ${where} by the ssh program`,
        `Try: ${byHand(target, { ...settings, flags: ['-v'] })}`,
        said,
      );
  }
}

/** Whether what it said names a cause of its own, and not only that the other side went away. */
export function namesCause(said: string): boolean {
  const rule = rules.find(([words]) => words.test(said));
  return rule !== undefined && rule[1] !== 'dropped';
}

// The first that fits; ssh may add "Connection closed" to any of the others. LogLevel=INFO, never translated.
const rules: readonly (readonly [RegExp, string])[] = [
  [/^no-ssh-program$/, 'no-ssh-program'],
  [/Bad configuration option/i, 'too-old'],
  [/Host key verification failed|REVOKED HOST KEY|host key .* is revoked/i, 'host-key'],
  [/Permission denied|Too many authentication failures|no more authentication methods/i, 'auth-refused'],
  [/no matching (key exchange method|host key type|cipher|MAC)/, 'no-algorithm'],
  [/Could not resolve hostname|Name or service not known/, 'name-unknown'],
  [/Connection refused/, 'refused'],
  [/No route to host|Network is unreachable|Cannot assign requested address|Permission denied \(connect\)/, 'no-route'],
  [/timed out/i, 'timeout'],
  [/Connection (closed|reset)|kex_exchange_identification|Broken pipe/, 'dropped'],
];

/** A security key that the login needed and that gave no signature. Undefined where there was none. */
function notSigned(target: SshTarget, settings: OpenSshSettings, said: string): Trouble | undefined {
  const [, file, why] = /signing failed for \S+-SK "(.*?)"(?: from agent)?: (.+)$/m.exec(said) ?? [];
  if (file === undefined || why === undefined) return undefined;
  const [reason, remedy] = /incorrect passphrase/.test(why)
    ? [
        'it wants its PIN',
        'Nobody is asked for it: give the key to an agent that can ask (SSH_ASKPASS), or make one without -O verify-required.',
      ]
    : [
        // What ssh makes of every other trouble, an untouched key among them.
        why === 'invalid format' ? 'it was not touched in time, or could not be asked' : why,
        'Plug it in, and touch it when it blinks; where SecurityKeyProvider is set, check that its library is there.',
      ];
  return trouble(
    'auth-refused',
    `the login as ${target.user}@${placeOf(target)} needs the security key of ${file}, and it did not sign: ${reason}`,
    `${remedy} By hand: ${byHand(target, settings)}`,
    said,
  );
}

/** What ssh says of a PKCS#11 token in batch mode. */
const asksForPin = /^(pin required|need pin entry)/im;

/** `within`: milliseconds. */
export const loginHangs = (target: SshTarget, within: number): Trouble =>
  trouble(
    'timeout',
    `${placeOf(target)} showed its key, and the login did not end within ${Math.ceil(within / 1000)} s`,
    'A security key may have waited for a touch, an agent for a confirmation, or the server for its directory of users.',
  );

export const tooOld = (target: SshTarget, said: string): Trouble =>
  trouble(
    'ssh-too-old',
    `the ssh program here cannot carry decom to ${placeOf(target)}: OpenSSH 8.5 or newer is needed`,
    'Install a newer OpenSSH client, or set ssh.transport: ssh2 for it in hosts.yaml.',
    said,
  );

export const notShown = (target: SshTarget): Trouble =>
  trouble(
    'host-key-unknown',
    `ssh logged in to ${placeOf(target)} without telling which host key it was shown`,
    'Check its configuration (ssh -G): with GSSAPIKeyExchange a server shows no key, so set GSSAPIKeyExchange no for it. Or set ssh.transport: ssh2.',
  );

/** `hops`: what the ssh to each bastion said. One that ends without a word tells only that somebody on the way is gone. */
export function lostMaster(target: SshTarget, said: string, hops: readonly string[]): Trouble {
  const { jumps = [] } = target;
  const silent = jumps.find((_, n) => /not responding/.test(hops[n] ?? ''));
  const names = jumps.map(({ name }) => name).join(', ');
  // Who is frozen on the way silences all behind it as well, and which ssh gives up first is chance.
  const gone = /not responding/.test(said) ? 'it stopped answering' : jumps.length > 0 ? 'it is gone' : undefined;
  const why =
    silent !== undefined
      ? `: ${silent.name}, by way of which it is reached, stopped answering`
      : gone === undefined
        ? ''
        : `: ${gone}${jumps.length > 0 ? `, or what it is reached by way of: ${names}` : ''}`;
  return trouble(
    'connection-lost',
    `the SSH connection to ${target.name} was lost${why}`,
    `Check that ${jumps.length > 0 ? 'all of them are' : 'the host is'} up, then go on: decom resume`,
    said === '' ? undefined : said,
  );
}
