import type { Secrets } from '../../core/ports.ts';
import type { Trouble } from '../../core/result.ts';
import type { SecretRef } from '../../core/secret.ts';
import type { AlgorithmLimits } from './algorithms.ts';
import type { SshShared } from './shared.ts';

/** A machine to reach by SSH. */
export interface SshTarget {
  readonly name: string;
  /** Said where its address is no name that is known: which declared machine may have been meant. */
  readonly mayMean?: string;
  readonly address: string;
  readonly port: number;
  readonly user: string;
  /** Private keys to offer before the agent's; default: the agent, then those that ssh looks for in ~/.ssh. */
  readonly identityFiles?: readonly string[];
  /** Whether the agent may offer only the keys of `identityFiles`. */
  readonly identitiesOnly?: boolean;
  /** Where the passphrase of an encrypted key is kept; without it a person is asked. */
  readonly passphrase?: SecretRef;
  /** The agent's socket instead of the surroundings' own; null for none. */
  readonly agent?: string | null;
  /** A known_hosts file to use instead of ~/.ssh/known_hosts and /etc/ssh/ssh_known_hosts. */
  readonly knownHosts?: string;
  /** The known_hosts files to read where `knownHosts` names none; default: ~/.ssh/known_hosts and /etc/ssh/ssh_known_hosts. */
  readonly knownHostsFiles?: readonly string[];
  /** Name that known_hosts has the host under, instead of address and port. */
  readonly hostKeyAlias?: string;
  /** A program of the operator's that tells known keys, in the words of ssh_config(5); only the ssh program runs it. */
  readonly knownHostsCommand?: string;
  /** Files of public keys that are never accepted, one a line. */
  readonly revokedKeys?: readonly string[];
  /** The keys that the inventory expects (`ssh-ed25519 AAAA…`); with any of them, known_hosts is not asked. */
  readonly hostKeys?: readonly string[];
  /** Whether sudo may be used where root is needed. */
  readonly sudo: boolean;
  /** Where the password is kept that sudo asks for; without it sudo must not ask. */
  readonly sudoPassword?: SecretRef;
  /** The machines it is reached by way of, in order. */
  readonly jumps?: readonly SshTarget[];
  /** Whether a program of the operator's makes the connection (ProxyCommand): then nothing can be told by connecting from here. */
  readonly proxied?: boolean;
  /** The IP version to resolve its name to. */
  readonly family?: 4 | 6;
  /** The address of this machine to connect from. */
  readonly localAddress?: string;
  /** Milliseconds for connecting and logging in, instead of the usual. */
  readonly connectWithin?: number;
  /** Whether algorithms that no longer count as safe may be used. */
  readonly legacy?: boolean;
  /** The only algorithms to use. */
  readonly algorithms?: AlgorithmLimits;
  /** The login waits for a hand: which machine's key, or a bastion's on the way, is on a security key. */
  readonly touched?: string;
  /** Why it must not be tried at all: settings that cannot be read, or cannot be kept. */
  readonly refused?: Trouble;
}

/** What an SSH machine takes from its surroundings. */
export interface SshDeps {
  /** The operator's home folder: known_hosts and keys are looked for in its .ssh. */
  readonly home: string;
  /** The agent's socket ($SSH_AUTH_SOCK). */
  readonly agent?: string;
  /** What the `ssh` program gets; that of this process if absent. */
  readonly environment?: NodeJS.ProcessEnv;
  /** Gives passphrases; without it an encrypted key cannot be opened. */
  readonly secrets?: Secrets;
  /** What all machines of this process share; without it this one is alone. */
  readonly shared?: SshShared;
  readonly patience?: Partial<Patience>;
  /** Tells a person that something waits for them; without it nobody is told. */
  readonly tell?: (line: string) => void;
}

/** The same with what is shared, be it with nobody. */
export interface SshAround extends SshDeps {
  readonly shared: SshShared;
}

/** How long to wait, in milliseconds. */
export interface Patience {
  /** For TCP, key exchange and login together. */
  readonly ready: number;
  /** For somebody to touch a security key, besides. */
  readonly touch: number;
  /** Before somebody is told that it waits for that. */
  readonly hint: number;
  /** Between keepalives; the connection is given up after three without an answer. */
  readonly keepalive: number;
  /** Between TERM and KILL when a program is aborted. */
  readonly abort: number;
  /** For more output of an ended program whose streams something else still holds open. */
  readonly settle: number;
}

export const usualPatience: Patience = {
  ready: 20_000,
  touch: 60_000,
  hint: 1500,
  keepalive: 10_000,
  abort: 5000,
  settle: 5000,
};

/** A machine and where it is, for people. */
export const placeOf = (target: SshTarget): string => `${target.name} (${target.address}, port ${target.port})`;
