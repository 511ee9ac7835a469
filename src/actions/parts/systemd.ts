import * as Type from 'typebox';
import type { Probe } from '../../core/action.ts';
import type { Operation } from '../../core/operation.ts';
import type { ServiceState } from '../../core/probe.ts';
import { type Seen, type Trouble, trouble } from '../../core/result.ts';

const Unit = Type.String({
  pattern: '^[A-Za-z0-9@:_.\\\\-]+\\.(service|socket|timer|path|target|mount|automount|swap|slice|scope)$',
  patternErrorMessage: 'a unit with its suffix, like nginx.service',
  description: 'A systemd unit with its suffix: nginx.service.',
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

export const systemctl = (...words: readonly string[]): Operation => ({
  kind: 'exec',
  on: 'host',
  argv: ['systemctl', '--no-ask-password', ...words],
  root: true,
});

/** A unit that does not exist is not "stopped": more likely its name is wrong, and the real one still runs. */
export const notFound = (unit: string): Trouble =>
  trouble(
    'unit-not-found',
    `there is no unit ${unit} on the host`,
    'Correct its name in the runbook or the params, or take it off the list.',
  );

export const stillEnabled = (unit: string): Trouble =>
  trouble(
    'still-enabled',
    `${unit} is stopped but would start at boot`,
    `See what enables it: systemctl is-enabled --full ${unit}`,
  );

export const wrongState = (code: string, { unit, active, sub }: ServiceState, wanted: string): Trouble =>
  trouble(code, `${unit} is ${active} (${sub}), ${wanted}`, `See why with: systemctl status ${unit}`);
