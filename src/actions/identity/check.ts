import * as Type from 'typebox';
import { action, type Setting, type Verdict } from '../../core/action.ts';
import type { Finding } from '../../core/evidence.ts';
import { isPlaceholder } from '../../core/placeholder.ts';
import type { BmcIdentity, HostIdentity, StorageSeen } from '../../core/probe.ts';
import { type Seen, type Trouble, trouble } from '../../core/result.ts';
import {
  bmcSources,
  boundBy,
  compare,
  otherMachine,
  type SourceVerdict,
  sameUuid,
  sourceText,
} from '../parts/bmc-match.ts';

const Input = Type.Object(
  {},
  { additionalProperties: false, description: 'Compares what the machine says of itself with the inventory.' },
);

/** `bmc` is null where the inventory names none. */
interface Facts {
  readonly host: Seen<HostIdentity>;
  readonly bmc: Seen<BmcIdentity> | null;
  /** Absent where the inventory lists no disks. */
  readonly storage?: Seen<StorageSeen>;
}

/** Sources that must agree before the machine counts as the one in the inventory. */
const quorum = 3;

export const identityCheck = action<typeof Input, Facts>({
  kind: 'identity.check',
  about: 'Checks that this is the machine in the inventory: at least three sources agree and none contradicts.',
  effect: 'none',
  once: false,
  irreversible: false,
  bmc: 'uses',
  input: Input,
  output: Type.Object({ boot_id: Type.String(), sources: Type.Array(Type.String()) }),
  yields: ['identity.confirmed', 'identity.bound'],

  inspect: async (_input, probe, _past, setting) => {
    const { disks = [] } = setting.expected;
    const [host, bmc, storage] = await Promise.all([
      probe({ kind: 'host.identity' }),
      setting.host.hasBmc ? probe({ kind: 'bmc.identity' }) : null,
      disks.length === 0 ? undefined : probe({ kind: 'host.storage' }),
    ]);
    return { host, bmc, ...(storage === undefined ? {} : { storage }) };
  },

  plan: (_input, facts, setting) => {
    const verdict = judge(facts, setting);
    return verdict.ok ? [] : { blocked: verdict.trouble };
  },

  verify: (_input, after, setting) => judge(after, setting),
});

function judge({ host, bmc, storage }: Facts, setting: Setting): Verdict {
  const { name } = setting.host;
  const rows = [...hostSources(host, setting), ...(bmc === null ? [] : bmcSources(setting.expected, bmc))];
  const wrong = rows.filter((r) => r.is === 'contradicts');
  const detail = rows.map(sourceText).join('\n');
  if (wrong.length > 0) {
    const onlyBmc = wrong.every((r) => r.source.startsWith('bmc'));
    return {
      ok: false,
      trouble: onlyBmc ? { ...otherMachine(setting.host, wrong), detail } : notThisHost(name, wrong, detail),
    };
  }
  // The BMC's GUID and its serial are one witness, not two.
  const agreeing = [...new Set(rows.filter((r) => r.is === 'agrees').map((r) => r.source.replace(/^bmc .*/, 'bmc')))];
  if (agreeing.length < quorum) {
    return { ok: false, trouble: silence(host) ?? tooFew(name, rows, agreeing, detail) };
  }
  if (!host.known || !host.value.boot_id.known) {
    const why =
      host.known && !host.value.boot_id.known ? host.value.boot_id.trouble.what : 'the host could not be asked';
    return {
      ok: false,
      trouble: trouble(
        'boot-id-unknown',
        `the boot id of ${name} is unknown: ${why}`,
        'Without it a later reboot would go unnoticed. Make /proc/sys/kernel/random/boot_id readable, and try again.',
      ),
    };
  }
  const boot_id = host.value.boot_id.value;
  const bound = bmc?.known ? boundBy(host.value, bmc.value) : undefined;
  const evidence: Finding[] = [
    { kind: 'identity.confirmed', sources: agreeing, boot_id, ...disksSeen(storage, setting) },
  ];
  if (bound !== undefined) evidence.push({ kind: 'identity.bound', ...bound });
  return {
    ok: true,
    output: { boot_id, sources: agreeing },
    evidence,
    said: [
      rows.map(sourceText).join('; '),
      boundText(bmc, bound),
      ...legacyText(host.value),
      ...disksText(storage, setting),
    ].join('; '),
  };
}

/** Which of the disks that the inventory lists are in the machine. Others may have been replaced: which machine it is they do not decide. */
const disksSeen = (storage: Facts['storage'], { expected }: Setting): { readonly disks?: readonly string[] } =>
  storage?.known === true
    ? { disks: (expected.disks ?? []).filter((serial) => storage.value.disks.includes(serial)) }
    : {};

function disksText(storage: Facts['storage'], setting: Setting): readonly string[] {
  if (storage === undefined) return [];
  if (!storage.known) return [`disks unknown (${storage.trouble.what})`];
  const { disks = [] } = disksSeen(storage, setting);
  const absent = (setting.expected.disks ?? []).filter((serial) => !disks.includes(serial));
  return [
    ...(disks.length === 0 ? [] : [`disks there: ${disks.join(', ')}`]),
    ...(absent.length === 0 ? [] : [`disks of the inventory not seen: ${absent.join(', ')}`]),
  ];
}

/** Old algorithms weaken what the host key proves, so they are told with it. */
const legacyText = ({ legacy = [] }: HostIdentity): readonly string[] =>
  legacy.length === 0 ? [] : [`legacy SSH algorithms: ${legacy.join(', ')}`];

function hostSources(host: Seen<HostIdentity>, { expected }: Setting): readonly SourceVerdict[] {
  const source = (pick: (identity: HostIdentity) => Seen<string>): Seen<string> =>
    host.known ? pick(host.value) : host;
  const serial: SourceVerdict = isPlaceholder(expected.serial)
    ? { source: 'serial', is: 'not in inventory' }
    : compare(
        'serial',
        expected.serial,
        source((i) => i.serial),
      );
  return [
    serial,
    compare(
      'uuid',
      expected.uuid,
      source((i) => i.uuid),
      sameUuid,
    ),
    compare(
      'machine-id',
      expected.machine_id,
      source((i) => i.machine_id),
    ),
    hostKey(
      expected.host_keys,
      source((i) => i.host_key),
    ),
  ];
}

/** Keys are compared by type and body; a comment is not part of the key, and a type that the inventory lacks proves nothing. */
function hostKey(expected: readonly string[] | undefined, seen: Seen<string>): SourceVerdict {
  const bare = (key: string) => key.trim().split(/\s+/).slice(0, 2).join(' ');
  const type = (key: string) => bare(key).split(' ')[0];
  if (expected === undefined || expected.length === 0) return { source: 'host key', is: 'not in inventory' };
  if (!seen.known) return { source: 'host key', is: 'unknown', why: seen.trouble.what };
  const sameType = expected.filter((key) => type(key) === type(seen.value));
  if (sameType.length === 0) {
    return { source: 'host key', is: 'unknown', why: `the inventory holds no ${type(seen.value)} key` };
  }
  return sameType.some((key) => bare(key) === bare(seen.value))
    ? { source: 'host key', is: 'agrees' }
    : { source: 'host key', is: 'contradicts', expected: sameType.map(bare).join(' or '), seen: bare(seen.value) };
}

/** Why the host said nothing of itself, where it is one and the same reason: it tells better what to do than four unknown sources. */
function silence(host: Seen<HostIdentity>): Trouble | undefined {
  if (!host.known) return host.trouble;
  const { serial, uuid, machine_id, host_key } = host.value;
  const troubles = [serial, uuid, machine_id, host_key].map((source) => (source.known ? undefined : source.trouble));
  const [first] = troubles;
  return troubles.every((why) => why !== undefined && why.code === first?.code) ? first : undefined;
}

const boundText = (bmc: Facts['bmc'], bound: { readonly bmc: string } | undefined): string => {
  if (bmc === null) return 'no BMC in the inventory';
  return bound === undefined
    ? 'the BMC could not be bound to this machine'
    : `the BMC is this machine's (${bound.bmc})`;
};

const notThisHost = (name: string, wrong: readonly SourceVerdict[], detail: string): Trouble =>
  trouble(
    'identity-contradicts',
    `the machine that answers as ${name} is not the one in the inventory: ${wrong.map(sourceText).join('; ')}`,
    `Compare the label on the machine with the inventory entry of ${name}. Correct the address or the entry, then try again.`,
    detail,
  );

function tooFew(name: string, rows: readonly SourceVerdict[], agreeing: readonly string[], detail: string): Trouble {
  const unknown = rows.filter((r) => r.is === 'unknown').map((r) => r.source);
  const absent = rows.filter((r) => r.is === 'not in inventory').map((r) => r.source);
  const fixes = [
    ...(unknown.length > 0 ? [`Make readable: ${unknown.join(', ')}.`] : []),
    ...(absent.length > 0 ? [`Add to the inventory entry of ${name}: ${absent.join(', ')}.`] : []),
  ];
  const count =
    agreeing.length === 0
      ? 'no source of identity agrees'
      : `only ${agreeing.join(' and ')} agree${agreeing.length === 1 ? 's' : ''}`;
  return trouble(
    'identity-too-few',
    `${name}: ${count} with the inventory, and ${quorum} sources must`,
    fixes.join(' '),
    detail,
  );
}
