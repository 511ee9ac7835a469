import * as Type from 'typebox';
import type { Probe } from '../../core/action.ts';
import type { ServiceState } from '../../core/probe.ts';
import { type Seen, type Trouble, trouble } from '../../core/result.ts';

const Unit = Type.String({
  pattern: '^[A-Za-z0-9@:_.\\\\-]+\\.(service|socket|timer|path|target|mount|automount|swap|slice|scope)$',
  patternErrorMessage: 'a unit with its suffix, like nginx.service',
  description: 'A systemd unit with its suffix: nginx.service. With SysV init and OpenRC it is the service nginx.',
});

/** The two ways to name units; exactly one of them is given (`namesOneWay`). */
export const unitFields = {
  unit: Type.Optional(Unit),
  units: Type.Optional(
    Type.Array(Unit, { minItems: 1, uniqueItems: true, description: 'Several units, in the order of the work.' }),
  ),
};

interface UnitInput {
  readonly unit?: string;
  readonly units?: readonly string[];
}

export const namesOneWay = ({ unit, units }: UnitInput): string | undefined =>
  (unit === undefined) === (units === undefined) ? 'give either "unit" or "units"' : undefined;

export const unitsOf = ({ unit, units }: UnitInput): readonly string[] => units ?? (unit === undefined ? [] : [unit]);

/** A unit, and each socket, timer or path that would start it again, asked for itself. */
export interface UnitFacts {
  readonly unit: Seen<ServiceState>;
  readonly triggers: readonly Seen<ServiceState>[];
}

export async function askUnit(probe: Probe, unit: string): Promise<UnitFacts> {
  const seen = await probe({ kind: 'service', unit });
  if (!seen.known) return { unit: seen, triggers: [] };
  const triggers = await Promise.all(seen.value.triggers.map((t) => probe({ kind: 'service', unit: t.unit })));
  return { unit: seen, triggers };
}

/** What is known of the unit and its triggers, triggers first: they must go down before it, or they bring it back. */
export function statesOf(facts: UnitFacts): Seen<readonly ServiceState[]> {
  const states: ServiceState[] = [];
  for (const seen of [...facts.triggers, facts.unit]) {
    if (!seen.known) return seen;
    states.push(seen.value);
  }
  return { known: true, value: states };
}

/** Only these two count: `activating`, `deactivating`, `reloading` and words of later systemd versions are not "stopped". */
export const isStopped = (s: ServiceState): boolean => s.active === 'inactive' || s.active === 'failed';

/** `static`, `indirect` and `linked` have nothing that `systemctl disable` could take away. */
export const startsAtBoot = (s: ServiceState): boolean => s.enabled === 'enabled' || s.enabled === 'enabled-runtime';

/** What started it at boot and does so no more; the number in a link may change, because insserv and chkconfig work it out anew. */
export function startsLost(was: ServiceState, now: ServiceState | undefined): readonly string[] {
  const unnumbered = (what: string): string => what.replace(/\/S\d\d([^/]*)$/, '/S$1');
  const left = now?.init?.starts.map(unnumbered) ?? [];
  return was.init?.starts.filter((what) => !left.includes(unnumbered(what))) ?? [];
}

/** A unit that does not exist is not "stopped": more likely its name is wrong, and the real one still runs. */
export const notFound = ({ unit, init }: ServiceState): Trouble =>
  trouble(
    'unit-not-found',
    init === undefined
      ? `there is no unit ${unit} on the host`
      : `there is no service ${unit.replace(/\.service$/, '')} on the host, whose init is ${initNames[init.kind]}`,
    'Correct its name in the runbook or the params, or take it off the list.',
  );

export const initNames = { sysv: 'SysV init', openrc: 'OpenRC' } as const;

export const stillEnabled = (s: ServiceState): Trouble =>
  trouble(
    'still-enabled',
    `${s.unit} is stopped but would start at boot`,
    s.init === undefined
      ? `See what enables it: systemctl is-enabled --full ${s.unit}`
      : `See what starts it: ${s.init.starts.join(', ')}`,
  );

export const notEnabled = (s: ServiceState, what: string): Trouble =>
  trouble(
    'not-enabled',
    `${s.unit} ${what}`,
    s.init === undefined
      ? `See why with: systemctl is-enabled --full ${s.unit}`
      : `See with: ls -d /etc/${s.init.kind === 'sysv' ? 'rc*.d' : 'runlevels'}/*${s.unit.replace(/\.service$/, '')}`,
  );

/** Whether something starts it at boot could not be found out, and this step is about that. */
export const bootUnknown = (s: ServiceState, field: 'disable' | 'enable'): Trouble =>
  trouble(
    'boot-unknown',
    `what starts ${s.unit} at boot cannot be told: the host has no links of runlevels`,
    `Set ${field}: false, and see to its boot yourself (/etc/inittab, /etc/init.d/rcS).`,
  );

export const wrongState = (code: string, { unit, active, sub, init }: ServiceState, wanted: string): Trouble =>
  trouble(
    code,
    `${unit} is ${active} (${sub}), ${wanted}`,
    `See why with: ${init === undefined ? `systemctl status ${unit}` : [...init.run, 'status'].join(' ')}`,
  );
