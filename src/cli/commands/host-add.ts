import { existsSync } from 'node:fs';
import { resolve } from 'node:path';
import type { BmcSettings, Host } from '../../core/host.ts';
import { mayBePlaceholder } from '../../core/placeholder.ts';
import type { BmcIdentity, HostIdentity } from '../../core/probe.ts';
import { fail, ok, type Result, type Seen, type Trouble, trouble } from '../../core/result.ts';
import type { SecretRef } from '../../core/secret.ts';
import type { SshSettings } from '../../core/ssh-settings.ts';
import { fingerprintOf } from '../../core/sshsig.ts';
import { addToInventory, type HostWorld } from '../compose.ts';
import { type Desk, openDesk } from '../desk.ts';
import { type ExitCode, exit } from '../exit.ts';
import type { Invocation } from '../invocation.ts';
import { refuse } from '../refuse.ts';
import { dim, good, pairs, type Span, strong, warn } from '../view/text.ts';
import { readHosts } from '../workspace.ts';

export interface HostAddOptions {
  readonly address: readonly string[];
  readonly fqdn?: string;
  readonly user?: string;
  readonly port?: number;
  readonly identity?: readonly string[];
  readonly sudo?: boolean;
  readonly acceptHostKey?: string;
  readonly bmc?: 'ipmi' | 'redfish' | 'command';
  readonly bmcAddress?: string;
  readonly bmcPort?: number;
  readonly bmcUser?: string;
  readonly bmcPasswordEnv?: string;
  readonly bmcPasswordFile?: string;
  readonly bmcTlsPin?: string;
  readonly bmcProgram?: readonly string[];
}

/**
 * Fills an entry of the inventory from what the host says of itself. Such an entry is no independent source of identity, so it is
 * marked as adopted until somebody has compared it with the label. A host key nobody vouches for is refused.
 */
export async function hostAdd(invocation: Invocation, name: string, options: HostAddOptions): Promise<ExitCode> {
  const desk = openDesk(invocation);
  if (!desk.ok) return refuse(invocation, desk.error);
  const { folder, hostsFile } = desk.value.workspace;
  const path = resolve(folder, hostsFile);
  if (!/^[A-Za-z0-9][A-Za-z0-9._-]{0,62}$/.test(name)) {
    const fix = 'Use letters, digits, ".", "_" and "-", at most 63, beginning with a letter or digit.';
    return refuse(invocation, [trouble('host-name', `"${name}" cannot be the name of a host`, fix)]);
  }
  const taken = existsSync(path) ? readHosts(desk.value.workspace) : undefined;
  if (taken?.ok && taken.value.some((host) => host.name === name)) {
    const what = `${hostsFile} has a host "${name}" already`;
    return refuse(invocation, [trouble('host-known', what, 'Choose another name, or edit that entry.')]);
  }
  const bmc = bmcOf(options);
  if (!bmc.ok) return refuse(invocation, [bmc.error]);
  const draft = draftOf(name, options, bmc.value);

  const trusted = await trustHostKey(desk.value, draft, options.acceptHostKey);
  if (!trusted.ok) return refuse(invocation, [trusted.error], folder, exit.blocked);
  const survey = await surveyOf(desk.value, trusted.value);
  if (!survey.ok) return refuse(invocation, [survey.error], folder, exit.blocked);
  const { serial, identity, bmcIdentity } = survey.value;
  const same = taken?.ok ? taken.value.find((other) => other.serial === serial) : undefined;
  if (same !== undefined) {
    const what = `the serial that ${name} tells ("${serial}") is that of ${same.name} in ${hostsFile}`;
    const fix =
      'If it is the same machine, edit that entry. If not, one of the two serials is wrong: read both labels.';
    return refuse(invocation, [trouble('duplicate-serial', what, fix)], folder, exit.blocked);
  }
  const host: Host = {
    ...trusted.value,
    serial,
    ...(identity.uuid.known ? { uuid: identity.uuid.value.toLowerCase() } : {}),
    ...(identity.machine_id.known ? { machine_id: identity.machine_id.value } : {}),
    ...(bmc.value === undefined
      ? {}
      : { bmc: { ...bmc.value, ...(bmcIdentity?.guid.known ? { guid: bmcIdentity.guid.value } : {}) } }),
    adopted: {
      by: desk.value.operator,
      at: invocation
        .now()
        .toISOString()
        .replace(/\.\d+Z$/, 'Z'),
      note: 'compare with the label',
    },
  };
  const added = await addToInventory(path, desk.value.operator, host);
  if (!added.ok) return refuse(invocation, [added.error]);
  invocation.output.result({ type: 'host.added', message: `${name} added to ${hostsFile}`, host }, [
    [good('✓ added'), ` ${name} to ${hostsFile}, as it says of itself:`],
    ...pairs(rowsOf(survey.value, host)),
    [
      warn('Compare the serial with the label on the machine'),
      ': an entry taken from the host itself proves nothing about which host it is.',
    ],
    `Next: decom plan ${name}`,
  ]);
  return exit.done;
}

function bmcOf(options: HostAddOptions): Result<BmcSettings | undefined> {
  const { bmc, bmcAddress, bmcUser, bmcPasswordEnv, bmcPasswordFile, bmcProgram } = options;
  if (bmc === undefined) {
    return bmcAddress === undefined && bmcProgram === undefined
      ? ok(undefined)
      : fail(trouble('usage', 'a BMC needs its kind', 'Add: --bmc ipmi, --bmc redfish, or --bmc command'));
  }
  if (bmc === 'command') return programOf(options);
  const password: SecretRef | undefined =
    bmcPasswordEnv !== undefined
      ? { env: bmcPasswordEnv }
      : bmcPasswordFile !== undefined
        ? { file: bmcPasswordFile }
        : undefined;
  if (bmcAddress === undefined || bmcUser === undefined || password === undefined) {
    const fix = 'Add: --bmc-address ADDRESS --bmc-user NAME --bmc-password-env VARIABLE (or --bmc-password-file FILE)';
    return fail(trouble('usage', 'a BMC needs an address, a user and where its password is kept', fix));
  }
  return ok({
    kind: bmc,
    address: bmcAddress,
    user: bmcUser,
    password,
    ...(options.bmcPort === undefined ? {} : { port: options.bmcPort }),
    ...(options.bmcTlsPin === undefined ? {} : { tls_pin: options.bmcTlsPin }),
  });
}

function programOf({ bmcProgram, bmcPasswordEnv, bmcPasswordFile, bmcAddress, bmcUser }: HostAddOptions) {
  if (bmcAddress !== undefined || bmcUser !== undefined || bmcPasswordFile !== undefined) {
    const fix = 'Hand them to it as arguments (--bmc-program), and a secret in the environment (--bmc-password-env).';
    return fail(trouble('usage', 'a program that stands for a BMC has no address, user or password file', fix));
  }
  const [program, ...given] = bmcProgram ?? [];
  if (program === undefined) {
    return fail(trouble('usage', 'the program is missing', 'Add: --bmc-program PROGRAM --bmc-program ARGUMENT …'));
  }
  return ok<BmcSettings>({
    kind: 'command',
    argv: [program.includes('/') ? fromFolder(program) : program, ...given],
    ...(bmcPasswordEnv === undefined ? {} : { environment: { [bmcPasswordEnv]: { env: bmcPasswordEnv } } }),
  });
}

/** A path as it was typed here, for a file in which paths start elsewhere. */
const fromFolder = (file: string): string => (file.startsWith('~/') ? file : resolve(file));

/** What is known before the host is asked. Its serial is filled in by the survey, or there is no entry. */
function draftOf(name: string, options: HostAddOptions, bmc: BmcSettings | undefined): Host {
  const ssh: SshSettings = {
    ...(options.user === undefined ? {} : { user: options.user }),
    ...(options.port === undefined ? {} : { port: options.port }),
    ...(options.identity === undefined ? {} : { identity_files: options.identity.map(fromFolder) }),
    ...(options.sudo === true ? { sudo: true } : {}),
  };
  return {
    name,
    ...(options.fqdn === undefined ? {} : { fqdn: options.fqdn }),
    addresses: [...options.address],
    serial: '',
    ...(Object.keys(ssh).length === 0 ? {} : { ssh }),
    ...(bmc === undefined ? {} : { bmc }),
  };
}

/** Makes sure that the host key is one that known_hosts, or the operator by its fingerprint, vouches for. */
async function trustHostKey(desk: Desk, draft: Host, accepted: string | undefined): Promise<Result<Host>> {
  const key = await asking(desk, draft, ({ machine }) => machine.hostKey());
  if (key.ok) {
    if (accepted === undefined || fingerprintOf(key.value) === accepted) return ok(withKey(draft, key.value));
    return fail(otherKey(draft.name, fingerprintOf(key.value), accepted));
  }
  if (key.error.code !== 'host-key-unknown' || key.error.detail === undefined) return key;
  const shown = fingerprintOf(key.error.detail);
  if (accepted === undefined) {
    const fix = `Compare it at the host's console (ssh-keygen -lf /etc/ssh/ssh_host_*_key.pub); if it is the same, add: --accept-host-key ${shown}`;
    return fail(
      trouble(
        'host-key-unknown',
        `nobody vouches for the host key that ${draft.name} shows: ${shown}`,
        fix,
        key.error.detail,
      ),
    );
  }
  return shown === accepted ? ok(withKey(draft, key.error.detail)) : fail(otherKey(draft.name, shown, accepted));
}

const otherKey = (name: string, shown: string, accepted: string): Trouble =>
  trouble(
    'host-key-changed',
    `${name} shows the host key ${shown}, and ${accepted} was to be accepted`,
    'Find out which machine answers at that address, and read the fingerprint at its console.',
  );

const withKey = (draft: Host, key: string): Host => ({ ...draft, ssh: { ...draft.ssh, host_keys: [key] } });

interface Survey {
  readonly serial: string;
  readonly identity: HostIdentity;
  readonly bmcIdentity: BmcIdentity | undefined;
}

async function surveyOf(desk: Desk, host: Host): Promise<Result<Survey>> {
  return asking(desk, host, async ({ engine }) => {
    const identity = await engine.probe({ kind: 'host.identity' });
    if (!identity.known) return fail(identity.trouble);
    const { serial } = identity.value;
    if (!serial.known) {
      const what = `${host.name} does not tell its serial: ${serial.trouble.what}`;
      return fail(
        trouble('no-serial', what, `${serial.trouble.fix} Or write the entry by hand, with the serial on the label.`),
      );
    }
    if (mayBePlaceholder(serial.value)) {
      const what = `the serial that ${host.name} tells ("${serial.value}") may be a placeholder, which many boards share`;
      return fail(trouble('no-serial', what, 'Write the entry by hand, with the serial on the label.'));
    }
    const bmc = host.bmc === undefined ? undefined : await engine.probe({ kind: 'bmc.identity' });
    if (bmc !== undefined && !bmc.known) return fail(bmc.trouble);
    return ok({ serial: serial.value, identity: identity.value, bmcIdentity: bmc?.value });
  });
}

async function asking<T>(desk: Desk, host: Host, ask: (world: HostWorld) => Promise<Result<T>>): Promise<Result<T>> {
  const world = await desk.compose(host, 'host-add');
  try {
    return await ask(world);
  } finally {
    await world.close();
  }
}

function rowsOf({ identity, bmcIdentity }: Survey, host: Host): readonly (readonly [string, Span | readonly Span[]])[] {
  return [
    ['serial', strong(host.serial)],
    ['UUID', seenText(identity.uuid)],
    ['machine-id', seenText(identity.machine_id)],
    ['host key', fingerprintOf(host.ssh?.host_keys?.[0] ?? '')],
    ...(bmcIdentity === undefined ? [] : ([['BMC GUID', bmcText(bmcIdentity, identity)]] as const)),
  ];
}

const seenText = (seen: Seen<string>): Span => (seen.known ? seen.value : dim(`not known: ${seen.trouble.what}`));

function bmcText({ guid, guid_swapped }: BmcIdentity, { uuid }: HostIdentity): readonly Span[] {
  if (!guid.known) return [seenText(guid)];
  if (!uuid.known) return [guid.value];
  const same = [guid, guid_swapped].some((g) => g.known && g.value.toLowerCase() === uuid.value.toLowerCase());
  return [
    guid.value,
    same ? ', the same as the UUID' : warn(', NOT the UUID of the machine: see that it is the right BMC'),
  ];
}
