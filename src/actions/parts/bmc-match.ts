import type { Setting } from '../../core/action.ts';
import { isPlaceholder, mayBePlaceholder } from '../../core/placeholder.ts';
import type { BmcIdentity, HostIdentity } from '../../core/probe.ts';
import { type Seen, type Trouble, trouble } from '../../core/result.ts';

/** How one source of identity compares with what the inventory expects of it. */
export type SourceVerdict =
  | { readonly source: string; readonly is: 'agrees' }
  | { readonly source: string; readonly is: 'contradicts'; readonly expected: string; readonly seen: string }
  | { readonly source: string; readonly is: 'unknown'; readonly why: string }
  | { readonly source: string; readonly is: 'not in inventory' };

/** Compares one source; `same` decides equality where it is not plain. */
export function compare(
  source: string,
  expected: string | undefined,
  seen: Seen<string>,
  same: (expected: string, seen: string) => boolean = (a, b) => a.trim() === b.trim(),
): SourceVerdict {
  if (expected === undefined) return { source, is: 'not in inventory' };
  if (!seen.known) return { source, is: 'unknown', why: seen.trouble.what };
  if (isPlaceholder(seen.value)) return { source, is: 'unknown', why: `"${seen.value}" is a placeholder` };
  if (!same(expected, seen.value)) return { source, is: 'contradicts', expected, seen: seen.value };
  return mayBePlaceholder(seen.value)
    ? { source, is: 'unknown', why: `"${seen.value}" may be a placeholder` }
    : { source, is: 'agrees' };
}

export const sameUuid = (a: string, b: string): boolean => a.trim().toLowerCase() === b.trim().toLowerCase();

/** The same 16 bytes with the first three fields in the other byte order, as SMBIOS and IPMI differ over them. */
export function swapped(uuid: string): string {
  const [a = '', b = '', c = '', ...rest] = uuid.trim().toLowerCase().split('-');
  const turn = (hex: string) => (hex.match(/../g) ?? []).reverse().join('');
  return [turn(a), turn(b), turn(c), ...rest].join('-');
}

/** Whether a BMC's GUID, in any of its four byte orders, is this UUID. */
const isGuid = (uuid: string, bmc: BmcIdentity, seen: string): boolean =>
  [seen, ...(bmc.guid_swapped.known ? [bmc.guid_swapped.value] : [])].some(
    (guid) => sameUuid(uuid, guid) || sameUuid(uuid, swapped(guid)),
  );

/** The BMC's own sources: its GUID against the inventory's, its serial against the host's. */
export function bmcSources(expected: Setting['expected'], bmc: Seen<BmcIdentity>): readonly SourceVerdict[] {
  if (!bmc.known) {
    const unknown = { is: 'unknown', why: bmc.trouble.what } as const;
    return [
      expected.bmc_guid === undefined
        ? { source: 'bmc guid', is: 'not in inventory' }
        : { source: 'bmc guid', ...unknown },
      { source: 'bmc serial', ...unknown },
    ];
  }
  return [
    compare('bmc guid', expected.bmc_guid, bmc.value.guid, (want, seen) => isGuid(want, bmc.value, seen)),
    compare('bmc serial', expected.serial, bmc.value.serial),
  ];
}

/** What proves that the BMC and the running machine are one: its GUID is the DMI UUID, or its serial the DMI serial. */
export function boundBy(
  host: HostIdentity,
  bmc: BmcIdentity,
): { readonly bmc: string; readonly dmi: string } | undefined {
  if (usable(host.uuid) && usable(bmc.guid) && isGuid(host.uuid.value, bmc, bmc.guid.value)) {
    return { bmc: bmc.guid.value, dmi: host.uuid.value };
  }
  if (usable(host.serial) && usable(bmc.serial) && host.serial.value.trim() === bmc.serial.value.trim()) {
    return { bmc: bmc.serial.value, dmi: host.serial.value };
  }
  return undefined;
}

const usable = (seen: Seen<string>): seen is { readonly known: true; readonly value: string } =>
  seen.known && !mayBePlaceholder(seen.value);

/** Why a BMC must not be told anything: it is another machine's, or it could not be told whose it is. */
export function notThisBmc(setting: Setting, bmc: Seen<BmcIdentity>): Trouble | undefined {
  const { name, powerProgram } = setting.host;
  if (!bmc.known) return bmc.trouble;
  const sources = bmcSources(setting.expected, bmc);
  const wrong = sources.filter((s) => s.is === 'contradicts');
  if (wrong.length > 0) return otherMachine(setting.host, wrong);
  if (sources.some((s) => s.is === 'agrees')) return undefined;
  const { uuid } = setting.expected;
  // On most machines the GUID is the DMI UUID, so this tells even where the inventory holds no GUID of its own.
  if (uuid !== undefined && usable(bmc.value.guid) && isGuid(uuid, bmc.value, bmc.value.guid.value)) return undefined;
  return trouble(
    'bmc-unknown',
    powerProgram === undefined
      ? `it cannot be told whether the BMC of ${name} is this machine's: ${sources.map(sourceText).join('; ')}`
      : `it cannot be told whether what the program ${powerProgram} switches is ${name}: ${sources.map(sourceText).join('; ')}`,
    powerProgram === undefined
      ? `Add the BMC's GUID to the inventory entry of ${name} (bmc.guid).`
      : `Have the program tell the serial or the UUID of the machine ("ask": "identity"), or add the GUID that it tells to the inventory entry of ${name} (bmc.guid).`,
  );
}

export const otherMachine = ({ name, powerProgram }: Setting['host'], wrong: readonly SourceVerdict[]): Trouble =>
  trouble(
    'bmc-other-machine',
    powerProgram === undefined
      ? `the BMC in the inventory entry of ${name} belongs to another machine: ${wrong.map(sourceText).join('; ')}`
      : `the program ${powerProgram} switches another machine than ${name}: ${wrong.map(sourceText).join('; ')}`,
    powerProgram === undefined
      ? `Correct bmc.address in the inventory entry of ${name}, or what is wrong there of its serial and GUID, then run the same command again.`
      : `Correct bmc.argv in the inventory entry of ${name}, or the settings of the program, then run the same command again.`,
  );

export function sourceText(s: SourceVerdict): string {
  switch (s.is) {
    case 'agrees':
      return `${s.source} agrees`;
    case 'contradicts':
      return `${s.source} contradicts (expected "${s.expected}", seen "${s.seen}")`;
    case 'unknown':
      return `${s.source} unknown (${s.why})`;
    case 'not in inventory':
      return `${s.source} not in inventory`;
  }
}

/** Trouble of every BMC step on a host that has none. */
export const noBmc = (host: string): Trouble =>
  trouble(
    'no-bmc',
    `the inventory entry of ${host} names no BMC`,
    `Add "bmc" to the inventory entry of ${host}, or take this step out of the runbook.`,
  );
