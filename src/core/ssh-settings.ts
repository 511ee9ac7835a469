import type { Static } from 'typebox';
import * as Type from 'typebox';
import { SecretRef } from './secret.ts';

const text = (description: string) => Type.String({ minLength: 1, description });

/** How to reach a host over SSH. */
export const SshSettings = Type.Object(
  {
    user: Type.Optional(text('Login name; default: the operator’s own.')),
    port: Type.Optional(Type.Integer({ minimum: 1, maximum: 65535, description: 'Default 22.' })),
    identity_files: Type.Optional(
      Type.Array(Type.String({ minLength: 1 }), {
        minItems: 1,
        description: 'Private keys to offer; default: the agent, then ~/.ssh/id_*.',
      }),
    ),
    known_hosts: Type.Optional(text('A known_hosts file to use instead of ~/.ssh/known_hosts.')),
    host_keys: Type.Optional(
      Type.Array(Type.String({ minLength: 1 }), {
        minItems: 1,
        description: 'Expected public host keys ("ssh-ed25519 AAAA…").',
      }),
    ),
    alias: Type.Optional(
      text(
        'Name to ask the SSH configuration (ssh -G) about; default: the name of the host. What is said here wins over it.',
      ),
    ),
    config: Type.Optional(
      text('An SSH configuration to ask instead of ~/.ssh/config and /etc/ssh/ssh_config; "none" for none.'),
    ),
    jump: Type.Optional(
      Type.Array(Type.String({ minLength: 1 }), {
        description:
          'Bastions to go through, in order: hosts of this file, [user@]host[:port], or names of the SSH configuration. [] for none.',
      }),
    ),
    host_key_alias: Type.Optional(text('Name that known_hosts has the host under, instead of its address and port.')),
    passphrase: Type.Optional(SecretRef),
    legacy: Type.Optional(
      Type.Boolean({
        description:
          'Allow algorithms that no longer count as safe (SHA-1, CBC, ssh-rsa, ssh-dss), for a server that has no others. Default false.',
      }),
    ),
    transport: Type.Optional(
      Type.Enum(['auto', 'ssh2', 'openssh'], {
        description:
          'Who speaks SSH: ssh2 (built in) or openssh (the ssh program). Default auto: ssh2, unless something needs the program, such as a certificate, a security key or a ProxyCommand.',
      }),
    ),
    sudo: Type.Optional(
      Type.Boolean({
        description:
          'Use sudo where root is needed; without sudo_password it must not ask for one. Default: true where sudo_password is set, else false.',
      }),
    ),
    sudo_password: Type.Optional(SecretRef),
  },
  { additionalProperties: false, description: 'How to reach the host over SSH.' },
);
export type SshSettings = Static<typeof SshSettings>;

/** How root is come by for a login that is not root. */
export const sudoOf = ({ sudo, sudo_password }: SshSettings = {}): 'no' | 'yes' | 'password' =>
  sudo === false || (sudo === undefined && sudo_password === undefined)
    ? 'no'
    : sudo_password === undefined
      ? 'yes'
      : 'password';
