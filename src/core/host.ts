import type { Static } from 'typebox';
import * as Type from 'typebox';
import { ApprovalsShape } from './approval.ts';
import { durationPattern } from './duration.ts';
import { HelperEntry, helperName } from './helper.ts';
import { RecordOf } from './record-of.ts';
import { SecretRef } from './secret.ts';
import { SshSettings } from './ssh-settings.ts';

const closed = { additionalProperties: false } as const;
const text = (description: string) => Type.String({ minLength: 1, description });

const expectedGuid = Type.Optional(text('Expected GUID: equals the DMI UUID on most machines.'));

/** A BMC that is spoken to over the network. */
const NetworkBmc = Type.Object(
  {
    kind: Type.Enum(['ipmi', 'redfish'], {
      description: 'ipmi (lanplus), redfish (HTTPS), or command (a program of yours).',
    }),
    address: text('Name or address of the BMC.'),
    port: Type.Optional(
      Type.Integer({ minimum: 1, maximum: 65535, description: 'Default 623 (ipmi) or 443 (redfish).' }),
    ),
    user: text('Login name at the BMC.'),
    password: SecretRef,
    guid: expectedGuid,
    tls_pin: Type.Optional(
      Type.String({
        pattern: '^sha256:[0-9a-fA-F]{64}$',
        patternErrorMessage: '"sha256:" and 64 hexadecimal digits',
        description: 'SHA-256 of the BMC’s DER certificate.',
      }),
    ),
    spacing: Type.Optional(
      Type.String({ pattern: durationPattern, description: 'IPMI: least time between two commands. Default 5s.' }),
    ),
    cipher_suite: Type.Optional(
      Type.Enum([17, 3], {
        description:
          'IPMI: the only cipher suite to use, for a BMC that is silent when it is asked for another. Default 17, then 3.',
      }),
    ),
    system: Type.Optional(text('Redfish: Id of the ComputerSystem, where the BMC manages several.')),
    legacy: Type.Optional(
      Type.Boolean({
        description:
          'Redfish: allow TLS 1.0 and 1.1 and weak ciphers. Its certificate has to be pinned. Default false.',
      }),
    ),
  },
  { ...closed, description: 'The management controller that switches the power.' },
);
export type NetworkBmc = Static<typeof NetworkBmc>;

/** Power by a program that runs here: for libvirt, Proxmox, vSphere, power strips. What it reads and answers is in docs/power-by-command.md. */
const CommandBmc = Type.Object(
  {
    kind: Type.Enum(['command'], { description: 'command: a program here that switches the power.' }),
    argv: Type.Array(Type.String({ minLength: 1 }), {
      minItems: 1,
      description: 'The program and its arguments. A relative path starts at the folder of the hosts file.',
    }),
    environment: Type.Optional(
      RecordOf('^[A-Za-z_][A-Za-z0-9_]*$', SecretRef, {
        ...closed,
        minProperties: 1,
        patternErrorMessage: 'Names are letters, digits and "_", no digit first.',
        description: 'Secrets that only this program gets, by the name of an environment variable.',
      }),
    ),
    guid: expectedGuid,
    timeout: Type.Optional(
      Type.String({ pattern: durationPattern, description: 'Longest time for one answer. Default 30s.' }),
    ),
    spacing: Type.Optional(
      Type.String({ pattern: durationPattern, description: 'Least time between two questions. Default none.' }),
    ),
  },
  { ...closed, description: 'A program that switches the power.' },
);
export type CommandBmc = Static<typeof CommandBmc>;

/** What holds the power of a host: a baseboard management controller, or a program that stands for one. */
export const BmcSettings = Type.Union([NetworkBmc, CommandBmc], {
  description: 'What switches the power: a management controller, or a program of yours (kind: command).',
});
export type BmcSettings = Static<typeof BmcSettings>;

/** One entry of the inventory: the reference that identity is compared with. */
export const HostEntry = Type.Object(
  {
    fqdn: Type.Optional(text('Full name in DNS.')),
    addresses: Type.Array(Type.String({ minLength: 1 }), {
      minItems: 1,
      description: 'Addresses, the first is used for SSH.',
    }),
    serial: text('Serial number as on the label (DMI type 1). Quote it.'),
    uuid: Type.Optional(
      Type.String({
        pattern: '^[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}$',
        patternErrorMessage: 'a UUID like a1234567-89ab-cdef-a123-456789abcdef',
        description: 'DMI system UUID.',
      }),
    ),
    machine_id: Type.Optional(
      Type.String({
        pattern: '^[0-9a-f]{32}$',
        patternErrorMessage: '32 hexadecimal digits in lower case',
        description: '/etc/machine-id.',
      }),
    ),
    asset_tag: Type.Optional(text('The organisation’s own number.')),
    owner: Type.Optional(text('Person or team that owns the host.')),
    location: Type.Optional(
      Type.Object(
        {
          site: Type.Optional(text('Site.')),
          room: Type.Optional(text('Room.')),
          rack: Type.Optional(text('Rack.')),
          unit: Type.Optional(Type.Integer({ minimum: 1, maximum: 100, description: 'Lowest rack unit.' })),
        },
        { ...closed, description: 'Where it stands.' },
      ),
    ),
    ssh: Type.Optional(SshSettings),
    bmc: Type.Optional(BmcSettings),
    disks: Type.Optional(
      Type.Array(
        Type.Object(
          { serial: text('Serial of the disk.'), wwn: Type.Optional(text('World wide name.')) },
          { ...closed, description: 'One disk.' },
        ),
        { minItems: 1, description: 'Disks by serial.' },
      ),
    ),
    adopted: Type.Optional(
      Type.Object(
        {
          by: text('Who took the entry over from a survey.'),
          at: text('When (RFC 3339).'),
          note: text('What is left to do.'),
        },
        { ...closed, description: 'Written by "host add": the values come from the host itself.' },
      ),
    ),
    status: Type.Optional(Type.Enum(['active', 'decommissioning', 'retired'], { description: 'Default active.' })),
    retired: Type.Optional(
      Type.Object(
        { at: text('When (RFC 3339).'), by: text('Who.'), run: text('The run that retired it.') },
        { ...closed, description: 'Written by inventory.retire.' },
      ),
    ),
  },
  { ...closed, description: 'One host.' },
);
export type HostEntry = Static<typeof HostEntry>;

/** A host with its name, as the rest of the program knows it. */
export interface Host extends HostEntry {
  readonly name: string;
}

export const HostsFile = Type.Object(
  {
    hosts: RecordOf('^[A-Za-z0-9][A-Za-z0-9._-]{0,62}$', HostEntry, {
      ...closed,
      minProperties: 1,
      patternErrorMessage: 'Names are letters, digits, ".", "_" and "-", at most 63, a letter or digit first.',
      description: 'Hosts by name.',
    }),
  },
  { ...closed, title: 'decom hosts file' },
);
export type HostsFile = Static<typeof HostsFile>;

const cap = (description: string) => Type.Integer({ minimum: 1, maximum: 10_000, description });
const freezeTime = (description: string) =>
  Type.String({
    pattern: '^\\d{4}-\\d{2}-\\d{2}(T\\d{2}:\\d{2}(:\\d{2})?(Z|[+-]\\d{2}:\\d{2}))?$',
    patternErrorMessage: 'a date like 2026-12-20, or an instant with its zone like 2026-12-20T18:00:00+03:00',
    description,
  });

/** `decom.yaml`: the settings of a workspace. */
export const WorkspaceFile = Type.Object(
  {
    decom: Type.Literal(1, { description: 'Version of this format.' }),
    organisation: Type.Optional(
      Type.Object(
        {
          name: text('Full name.'),
          locale: Type.Optional(text('Language of documents.')),
          timezone: Type.Optional(text('IANA zone.')),
        },
        { ...closed, description: 'Who retires the servers.' },
      ),
    ),
    state: Type.Optional(text('Folder for runs and locks; default $DECOM_STATE_DIR or $XDG_STATE_HOME/decom.')),
    group: Type.Optional(
      text(
        'The Unix group that shares the state folder: its members may read and write there, and nobody else. Default: its owner alone.',
      ),
    ),
    hosts: Type.Optional(text('The hosts file; default hosts.yaml.')),
    allowed_signers: Type.Optional(
      text(
        'Who may sign audit logs, in OpenSSH’s format (ssh-keygen(1), ALLOWED SIGNERS). Where it stands, every log is signed.',
      ),
    ),
    anchor: Type.Optional(
      Type.Object(
        {
          argv: Type.Array(Type.String({ minLength: 1 }), {
            minItems: 1,
            description: 'The program and its arguments. A relative path starts at this folder.',
          }),
          timeout: Type.Optional(
            Type.String({ pattern: durationPattern, description: 'Longest time that it may take. Default 30s.' }),
          ),
        },
        { ...closed, description: 'A program that keeps the head of a log where nobody who can change it can write.' },
      ),
    ),
    caps: Type.Optional(
      Type.Object(
        {
          hosts_at_once: Type.Optional(
            cap(
              'Hosts that may be under change at once: from the first change of a run until it has ended. Default 5.',
            ),
          ),
          per_hour: Type.Optional(
            cap('Hosts on which the first irreversible step may be begun within an hour. Default 5.'),
          ),
        },
        { ...closed, minProperties: 1, description: 'How many hosts may be changed.' },
      ),
    ),
    freezes: Type.Optional(
      Type.Array(
        Type.Object(
          {
            from: freezeTime('When it begins: 2026-12-20, or with a time and its zone, 2026-12-20T18:00:00+03:00.'),
            to: freezeTime('When it ends, as "from". A date counts whole.'),
            why: text('Why nothing is begun then.'),
          },
          { ...closed, description: 'Time in which no step that changes something is begun.' },
        ),
        { minItems: 1, maxItems: 1000, description: 'Times in which no step that changes something is begun.' },
      ),
    ),
    approvals: Type.Optional(ApprovalsShape),
    runbook: Type.Optional(text('The runbook that "plan" and "run" use when -r is not given.')),
    helpers: Type.Optional(
      RecordOf(helperName, HelperEntry, {
        ...closed,
        minProperties: 1,
        patternErrorMessage: 'Names are small letters, digits and "-", at most 63, and neither "host" nor "control".',
        description: 'Other machines that take part: where copies are kept, bastions, rescue systems.',
      }),
    ),
  },
  { ...closed, title: 'decom workspace', description: 'decom.yaml' },
);
export type WorkspaceFile = Static<typeof WorkspaceFile>;
