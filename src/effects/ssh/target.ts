/** A machine to reach by SSH. */
export interface SshTarget {
  readonly name: string;
  readonly address: string;
  readonly port: number;
  readonly user: string;
  /** Private keys to offer before the agent's; default: the agent, then ~/.ssh/id_ed25519, id_ecdsa, id_rsa. */
  readonly identityFiles?: readonly string[];
  /** A known_hosts file to use instead of ~/.ssh/known_hosts and /etc/ssh/ssh_known_hosts. */
  readonly knownHosts?: string;
  /** The keys that the inventory expects (`ssh-ed25519 AAAA…`); with any of them, known_hosts is not asked. */
  readonly hostKeys?: readonly string[];
  /** Whether `sudo -n` may be used where root is needed. */
  readonly sudo: boolean;
}

/** What an SSH machine takes from its surroundings. */
export interface SshDeps {
  /** The operator's home folder: known_hosts and keys are looked for in its .ssh. */
  readonly home: string;
  /** The agent's socket ($SSH_AUTH_SOCK). */
  readonly agent?: string;
  readonly patience?: Partial<Patience>;
}

/** How long to wait, in milliseconds. */
export interface Patience {
  /** For TCP, key exchange and login together. */
  readonly ready: number;
  /** Between keepalives; the connection is given up after three without an answer. */
  readonly keepalive: number;
  /** Between TERM and KILL when a program is aborted. */
  readonly abort: number;
  /** For more output of an ended program whose streams something else still holds open. */
  readonly settle: number;
}

export const usualPatience: Patience = { ready: 20_000, keepalive: 10_000, abort: 5000, settle: 5000 };
