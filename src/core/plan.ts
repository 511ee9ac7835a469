import type { Setting } from './action.ts';
import type { ApprovalsWanted } from './approval.ts';
import type { Coverage, NotKept } from './coverage.ts';
import type { Helper } from './helper.ts';
import type { BmcSettings, Host } from './host.ts';
import type { Json, JsonObject } from './json.ts';
import { digestOf } from './json.ts';
import type { Operation } from './operation.ts';
import { argvWords } from './operation-words.ts';
import type { Precondition } from './precondition.ts';
import type { HostIdentity } from './probe.ts';
import type { Seen, Trouble } from './result.ts';
import type { OnFailure, RetryPolicy } from './runbook.ts';
import { sudoOf } from './ssh-settings.ts';
import type { Survey } from './survey.ts';
import type { Freeze, Window } from './window.ts';

/** A step of a plan. `with` keeps the references that only a run can fill; everything here is bound by the intent digest. */
export interface PlannedStep {
  readonly id: string;
  readonly phase: string;
  readonly title: string;
  readonly uses: string;
  readonly with: Json;
  readonly when: string | null;
  readonly needs: readonly string[];
  readonly timeout: number | null;
  readonly retry: RetryPolicy | null;
  readonly on_failure: OnFailure;
  readonly effect: 'none' | 'adds' | 'changes' | 'destroys';
  readonly reversible: boolean;
  readonly irreversible: boolean;
  readonly once: boolean;
  /** When it may be begun; absent where it may be at any time, and for a step without an effect. */
  readonly window?: Window;
  /** Who has to approve the plan before it begins; absent where nobody has to. */
  readonly approvals?: ApprovalsWanted;
  /** Of what destroys or cannot be undone, and runs on the host: what the host must say of itself in the same command. */
  readonly precondition?: Precondition;
  /** What would be done; null where it could not be told (a blocker says why). */
  readonly operations: readonly Operation[] | null;
}

export interface PlannedPhase {
  readonly phase: string;
  readonly title: string;
}

/** The host as bound: what the inventory said of it when the plan was made. */
export interface BoundHost {
  readonly name: string;
  readonly fqdn: string | null;
  readonly address: string;
  readonly serial: string;
  readonly uuid: string | null;
  readonly machine_id: string | null;
  readonly host_keys: readonly string[];
  readonly bmc: { readonly kind: string; readonly address: string; readonly guid: string | null } | null;
  readonly asset_tag: string | null;
  readonly owner: string | null;
  readonly location: string | null;
  readonly sudo: boolean;
  readonly disks: readonly string[];
  /** The whole entry, for references; what a run itself writes into it and where secrets are kept are left out. */
  readonly entry: JsonObject;
}

/** A helper as bound: which machine it is, and what of it may be changed. */
export interface BoundHelper {
  readonly address: string;
  readonly folder: string;
  readonly host_keys: readonly string[];
  /** Its SSH settings, without where secrets are kept. */
  readonly ssh: JsonObject;
}

/** The helpers of a workspace by name. */
export type BoundHelpers = { readonly [name: string]: BoundHelper };

/** What a plan binds. Its digest is what approvals, tokens and single use refer to. */
export interface Intent {
  readonly id: string;
  /** RFC 3339, seconds. */
  readonly created: string;
  readonly expires: string;
  readonly journal: 1;
  readonly host: BoundHost;
  /** Absent where the workspace declares none. */
  readonly helpers?: BoundHelpers;
  readonly runbook: {
    readonly name: string;
    readonly title: string;
    readonly sources: readonly { readonly file: string; readonly sha256: string }[];
  };
  readonly params: { readonly [name: string]: Json };
  readonly phases: readonly PlannedPhase[];
  /** File systems that nothing of is kept, on purpose; absent where none is named. */
  readonly not_kept?: readonly NotKept[];
  readonly steps: readonly PlannedStep[];
}

/** What must be cleared before the plan can go through. */
export interface Blocker {
  readonly step: string | null;
  readonly trouble: Trouble;
}

/** What was seen while planning: recorded, shown, not bound. */
export interface PlanFacts {
  readonly observed: string;
  readonly tool: string;
  readonly identity: Seen<HostIdentity>;
  readonly power: 'on' | 'off' | 'unknown';
  /** By step id: what it inspected (null where it could not yet be asked), whether it was already so, and what is worth knowing. */
  readonly steps: {
    readonly [id: string]: { readonly already: boolean; readonly seen: Json; readonly remarks?: readonly string[] };
  };
  readonly blockers: readonly Blocker[];
  /** What is on the host, with no more than a hundred rows of a list; absent in plans of before it was asked. */
  readonly survey?: Seen<Survey>;
  /** How each file system with data would be kept; absent where no step asks for that. */
  readonly coverage?: Seen<readonly Coverage[]>;
  /** How the host is reached, in sentences: what the SSH configuration gave, bastions, old algorithms that are allowed. */
  readonly way?: readonly string[];
  /** Freezes of the workspace that were not over yet. They are read anew before each step. */
  readonly freezes?: readonly Freeze[];
  /** Steps that could not have been begun then, with the instant from which they could (RFC 3339, UTC). */
  readonly closed?: readonly { readonly steps: readonly string[]; readonly until: string; readonly why: string }[];
  /** True if the facts came from a file (`--facts`): such a plan can never be run. */
  readonly borrowed: boolean;
}

/** `plan.json` */
export interface Plan {
  readonly format: 1;
  readonly intent: Intent;
  readonly facts: PlanFacts;
}

/** The SHA-256 of the intent's canonical JSON: 64 hex digits. */
export const intentDigest = (plan: Plan): string => digestOf(plan.intent);

/** What `${{ host.* }}` and `when:` may name: the inventory's entry as bound, with the host's name. */
export const hostScope = (host: BoundHost): JsonObject => ({ ...host.entry, name: host.name });

/** Binds an inventory entry: what of it a plan depends on. */
export const boundHost = (host: Host): BoundHost => ({
  name: host.name,
  fqdn: host.fqdn ?? null,
  address: host.addresses[0] ?? '',
  serial: host.serial,
  uuid: host.uuid ?? null,
  machine_id: host.machine_id ?? null,
  host_keys: host.ssh?.host_keys ?? [],
  bmc: host.bmc ? { kind: host.bmc.kind, address: bmcAddress(host.bmc), guid: host.bmc.guid ?? null } : null,
  asset_tag: host.asset_tag ?? null,
  owner: host.owner ?? null,
  location: placeOf(host),
  sudo: sudoOf(host.ssh) !== 'no',
  disks: (host.disks ?? []).map((disk) => disk.serial),
  entry: entryOf(host),
});

/** The entry without what a run itself writes into it, and without where secrets are kept. */
function entryOf(host: Host): JsonObject {
  const { name: _name, status: _status, retired: _retired, adopted: _adopted, bmc, ssh, ...rest } = host;
  const entry = {
    ...rest,
    ...(ssh === undefined ? {} : { ssh: withoutSecrets(ssh) }),
    ...(bmc === undefined ? {} : { bmc: withoutSecrets(bmc) }),
  };
  return JSON.parse(JSON.stringify(entry)) as JsonObject;
}

/** Binds the helpers of a workspace; undefined where there are none. */
export const boundHelpers = (helpers: readonly Helper[]): BoundHelpers | undefined =>
  helpers.length === 0
    ? undefined
    : Object.fromEntries(
        helpers.map(({ name, address, folder, ssh = {} }) => [
          name,
          {
            ...{ address, folder, host_keys: ssh.host_keys ?? [] },
            ssh: JSON.parse(JSON.stringify(withoutSecrets(ssh))) as JsonObject,
          },
        ]),
      );

/** Keys of an entry that say where secrets are kept. */
const secretPlaces: readonly string[] = ['password', 'passphrase', 'sudo_password', 'environment'];

const withoutSecrets = (settings: object): object =>
  Object.fromEntries(Object.entries(settings).filter(([key]) => !secretPlaces.includes(key)));

/** What is out of the ordinary in how a host is reached by SSH; undefined where nothing is. */
export function sshWords({ entry }: BoundHost): string | undefined {
  const { legacy } = (entry.ssh ?? {}) as { readonly legacy?: Json };
  return legacy === true ? 'legacy: algorithms that no longer count as safe are allowed' : undefined;
}

/** Where a BMC is reached; of a program that stands for one, its argument vector. */
const bmcAddress = (bmc: BmcSettings): string => (bmc.kind === 'command' ? argvWords(bmc.argv) : bmc.address);

/** How the power of a host is reached, for people; undefined where nothing holds it. */
export function bmcWords({ bmc, entry }: BoundHost): string | undefined {
  if (bmc === null) return undefined;
  if (bmc.kind === 'command') return `the program ${bmc.address}`;
  const { legacy } = (entry.bmc ?? {}) as { readonly legacy?: Json };
  return `${bmc.kind} at ${bmc.address}${legacy === true ? ', legacy: TLS 1.0 and weak ciphers are allowed' : ''}`;
}

function placeOf(host: Host): string | null {
  const { site, room, rack, unit } = host.location ?? {};
  const parts = [site, room, rack, unit === undefined ? undefined : `U${unit}`].filter((part) => part !== undefined);
  return parts.length === 0 ? null : parts.join(' / ');
}

/** What every step may know of the plan it belongs to. `plan` names folders: the run's id, which is its first plan's. */
export const settingOf = (
  { host, helpers = {} }: Pick<Intent, 'host' | 'helpers'>,
  plan: string,
  step: string,
  scratch: string,
): Setting => ({
  host: {
    name: host.name,
    serial: host.serial,
    ...(host.uuid === null ? {} : { uuid: host.uuid }),
    sudo: host.sudo,
    hasBmc: host.bmc !== null,
    ...(host.bmc?.kind === 'command' ? { powerProgram: host.bmc.address } : {}),
  },
  expected: {
    serial: host.serial,
    ...(host.uuid === null ? {} : { uuid: host.uuid }),
    ...(host.machine_id === null ? {} : { machine_id: host.machine_id }),
    ...(host.host_keys.length === 0 ? {} : { host_keys: host.host_keys }),
    ...(host.bmc?.guid ? { bmc_guid: host.bmc.guid } : {}),
    ...(host.disks.length === 0 ? {} : { disks: host.disks }),
  },
  helpers: Object.fromEntries(Object.entries(helpers).map(([name, { folder }]) => [name, { folder }])),
  step,
  plan,
  scratch,
});
