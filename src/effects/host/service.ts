import type { ProbeHandlers } from '../../core/action.ts';
import type { Machine } from '../../core/ports.ts';
import type { ServiceState } from '../../core/probe.ts';
import { fail, ok, type Result, seen, type Trouble, trouble, unseen } from '../../core/result.ts';
import { decode, lastLines, plainText } from './plain-text.ts';
import { serviceWithoutSystemd } from './service-without-systemd.ts';

type Properties = ReadonlyMap<string, string>;

/**
 * `service`: a unit's state by `systemctl show`, and the states of what would start it again. Where systemctl does not answer and
 * systemd is not there, SysV init or OpenRC is asked.
 */
export const serviceProbe =
  (machine: Machine, under = ''): ProbeHandlers['service'] =>
  async ({ unit }) => {
    const shown = await show(machine, ['LoadState', 'ActiveState', 'SubState', 'UnitFileState', 'TriggeredBy'], [unit]);
    if (!shown.ok) {
      const other = shown.error.code === 'no-systemd' ? await serviceWithoutSystemd(machine, unit, under) : undefined;
      return other ?? unseen(shown.error);
    }
    const properties = shown.value[0] ?? new Map<string, string>();
    const load = properties.get('LoadState');
    const active = properties.get('ActiveState');
    if (load === undefined || active === undefined) return unseen(notUnderstood(machine, unit));
    const names = (properties.get('TriggeredBy') ?? '').split(' ').filter((name) => name !== '');
    let triggers: ServiceState['triggers'] = [];
    if (names.length > 0) {
      const states = await show(machine, ['ActiveState'], names);
      if (!states.ok) return unseen(states.error);
      if (states.value.length !== names.length) return unseen(notUnderstood(machine, names.join(' ')));
      triggers = names.map((name, i) => ({ unit: name, active: states.value[i]?.get('ActiveState') ?? 'unknown' }));
    }
    return seen({
      unit,
      load,
      active,
      sub: properties.get('SubState') ?? '',
      enabled: properties.get('UnitFileState') ?? '',
      triggers,
    });
  };

/** The properties of each unit, in the order asked. */
async function show(
  machine: Machine,
  names: readonly string[],
  units: readonly string[],
): Promise<Result<readonly Properties[]>> {
  const argv = ['systemctl', 'show', '--no-pager', `--property=${names.join(',')}`, '--', ...units];
  const asked = await machine.exec({ argv, root: false, environment: { LC_ALL: 'C' } });
  if (!asked.ok) return asked;
  const { ended, stdout, stderr } = asked.value;
  if (ended.how === 'lost' || ended.how === 'aborted') return fail(ended.trouble);
  const said = lastLines(plainText(stderr), 5);
  if (ended.how === 'exit' && ended.code === 127) return fail(noSystemd(machine, said));
  if (/not been booted with systemd|Failed to (connect to|get D-)/i.test(said)) return fail(noSystemd(machine, said));
  if (ended.how !== 'exit' || ended.code !== 0) {
    return fail(
      trouble(
        'service-unknown',
        `systemctl on ${machine.name} could not tell about ${units.join(', ')}`,
        `Try on the host: ${argv.join(' ')}`,
        said,
      ),
    );
  }
  return ok(decode(stdout).trim().split(/\n\n+/).map(parse));
}

const parse = (block: string): Properties =>
  new Map(
    block.split('\n').flatMap((line): [string, string][] => {
      const at = line.indexOf('=');
      return at === -1 ? [] : [[line.slice(0, at), line.slice(at + 1)]];
    }),
  );

const noSystemd = (machine: Machine, said: string): Trouble =>
  trouble(
    'no-systemd',
    `the services of ${machine.name} cannot be told: systemd does not answer there`,
    'Use command.run with the commands of its own init system, and a probe that proves them.',
    said,
  );

const notUnderstood = (machine: Machine, unit: string): Trouble =>
  trouble(
    'service-unknown',
    `systemctl on ${machine.name} gave no state of ${unit}`,
    `Try on the host: systemctl show -- ${unit}`,
  );
