import ssh2, { type IdentityCallback, type ParsedKey, type SignCallback, type SigningRequestOptions } from 'ssh2';

/** Milliseconds for an agent to say what it holds: a frozen one must not stop every login. */
const within = 3000;

/** The public keys that an agent holds, as blobs in base64; undefined where it does not answer. */
export function agentKeys(socket: string): Promise<ReadonlySet<string> | undefined> {
  return new Promise((resolve) => {
    const timer = setTimeout(() => resolve(undefined), within);
    new ssh2.OpenSSHAgent(socket).getIdentities((error, keys) => {
      clearTimeout(timer);
      resolve(error || keys === undefined ? undefined : new Set(parsed(keys).map(blobOf)));
    });
  });
}

/** An agent that offers only some of its keys, and signs with SHA-1 only where that is allowed. It is never forwarded. */
export class LoginAgent extends ssh2.BaseAgent<ParsedKey> {
  private readonly agent: InstanceType<typeof ssh2.OpenSSHAgent>;
  private readonly only: ReadonlySet<string> | undefined;
  private readonly sha1: boolean;

  constructor(socket: string, only: ReadonlySet<string> | undefined, sha1: boolean) {
    super();
    this.agent = new ssh2.OpenSSHAgent(socket);
    this.only = only;
    this.sha1 = sha1;
  }

  override getIdentities(told: IdentityCallback<ParsedKey>): void {
    this.agent.getIdentities((error, keys) => {
      if (error || keys === undefined) told(error ?? new Error('the agent said nothing'));
      else
        told(
          undefined,
          parsed(keys).filter((key) => this.only?.has(blobOf(key)) ?? true),
        );
    });
  }

  override sign(
    key: ParsedKey,
    data: Buffer,
    options: SigningRequestOptions | SignCallback,
    done?: SignCallback,
  ): void {
    const asked = typeof options === 'function' ? {} : options;
    const tell = typeof options === 'function' ? options : done;
    if (asked.hash === 'sha1' && !this.sha1) tell?.(new Error(onlySha1));
    else this.agent.sign(key, data, asked, tell);
  }
}

export const onlySha1 = 'the server takes RSA signatures with SHA-1 only';

/** An agent's answer holds parsed keys; the type allows for what other agents of ssh2 give. */
const parsed = (keys: readonly unknown[]): readonly ParsedKey[] =>
  keys.filter((key): key is ParsedKey => typeof key === 'object' && key !== null && 'getPublicSSH' in key);

const blobOf = (key: ParsedKey): string => key.getPublicSSH().toString('base64');
