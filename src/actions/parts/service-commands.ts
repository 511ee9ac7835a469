import type { Operation } from '../../core/operation.ts';
import type { OtherInit, ServiceState } from '../../core/probe.ts';
import { type Seen, seen, type Trouble } from '../../core/result.ts';
import { notEnabled, startsAtBoot, startsLost } from './systemd.ts';

type Commands = readonly Operation[];
type States = readonly ServiceState[];

/** Stops them: systemd all at once, other init systems one by one. */
export const stopping = (states: States): Commands => started('stop', states);

export const starting = (states: States): Commands => started('start', states);

/** Keeps them from starting at boot. */
export const disabling = (states: States): Commands => [
  ...together(states, (units) => systemctl('disable', '--', ...units)),
  ...others(states).flatMap(({ init, name }): Commands => {
    switch (program(init)) {
      case 'update-rc.d':
        return [command(init.boot, name, 'disable')];
      case 'chkconfig':
        return [command(init.boot, name, 'off')];
      case 'rc-update':
        return [command(init.boot, 'del', name, ...init.starts)];
      default:
        // As update-rc.d does it: a link that starts becomes one that stops, and keeps its number for the way back.
        return init.starts.map((link) => command('mv', '-n', '--', link, asKill(link)));
    }
  }),
];

/** Has one start at boot that did not. */
export function enabling(state: ServiceState): Commands | { readonly blocked: Trouble } {
  const { unit, init } = state;
  if (init === undefined) return [systemctl('enable', '--', unit)];
  const name = nameOf(unit);
  switch (program(init)) {
    case 'update-rc.d':
      // The first makes links where there are none, the second turns those that only stop it.
      return [command(init.boot, name, 'defaults'), command(init.boot, name, 'enable')];
    case 'chkconfig':
      return [command(init.boot, name, 'on')];
    case 'rc-update':
      return [command(init.boot, 'add', name, 'default')];
    default:
      return {
        blocked: {
          ...notEnabled(state, 'cannot be made to start at boot: the host has no update-rc.d and no chkconfig'),
          fix: `Set enable: false, and make its links by hand, like /etc/rc3.d/S20${name}.`,
        },
      };
  }
}

/** Gives back what starts them at boot, as it was before `disabling`. */
export function enablingAgain(was: States, now: States): Commands {
  const is = (s: ServiceState): ServiceState | undefined => now.find((other) => other.unit === s.unit);
  const units = (enabled: string): States =>
    was.filter((s) => s.init === undefined && s.enabled === enabled && is(s)?.enabled !== enabled);
  return [
    ...together(units('enabled'), (names) => systemctl('enable', '--', ...names)),
    ...together(units('enabled-runtime'), (names) => systemctl('enable', '--runtime', '--', ...names)),
    ...others(was.filter(startsAtBoot)).flatMap(({ init, name, state }): Commands => {
      const gone = startsLost(state, is(state));
      if (gone.length === 0) return [];
      switch (program(init)) {
        case 'update-rc.d':
          return [command(init.boot, name, 'enable')];
        case 'chkconfig': {
          const levels = gone.map((link) => /rc([2-5])\.d\//.exec(link)?.[1] ?? '').join('');
          return [command(init.boot, '--level', levels === '' ? '2345' : levels, name, 'on')];
        }
        case 'rc-update':
          return [command(init.boot, 'add', name, ...gone)];
        default:
          return gone.map((link) => command('mv', '-n', '--', asKill(link), link));
      }
    }),
  ];
}

/** The state that a unit is in once these operations are done, as far as they are commands of this file. */
export function leftBy(operations: Commands, unit: Seen<ServiceState>): Seen<ServiceState> {
  if (!unit.known) return unit;
  let state = unit.value;
  for (const operation of operations) if (operation.kind === 'exec') state = leftByOne(operation.argv, state);
  return seen(state);
}

function leftByOne(argv: readonly string[], state: ServiceState): ServiceState {
  const { init } = state;
  switch (init === undefined ? verbOfSystemctl(argv, state.unit) : verbOf(argv, init, nameOf(state.unit))) {
    case 'stop':
      return { ...state, active: 'inactive', sub: 'dead' };
    case 'start':
      return { ...state, active: 'active', sub: 'running' };
    case 'enable':
      return { ...state, enabled: 'enabled' };
    case 'disable':
      return { ...state, enabled: 'disabled', ...(init === undefined ? {} : { init: { ...init, starts: [] } }) };
    default:
      return state;
  }
}

function verbOfSystemctl([program, , verb, ...rest]: readonly string[], unit: string): string | undefined {
  return program === 'systemctl' && rest.includes(unit) ? verb : undefined;
}

const meaning: { readonly [word: string]: 'enable' | 'disable' } = {
  ...{ enable: 'enable', on: 'enable', add: 'enable' },
  ...{ disable: 'disable', off: 'disable', del: 'disable' },
};

function verbOf(argv: readonly string[], init: OtherInit, name: string): string | undefined {
  const last = argv.at(-1) ?? '';
  if (argv.length === init.run.length + 1 && init.run.every((word, i) => word === argv[i])) return last;
  // What chkconfig and update-rc.d are told stands after the name, and what rc-update is told before it.
  if (argv[0] === init.boot && argv.slice(1, 3).includes(name))
    return argv.slice(1).flatMap((word) => meaning[word] ?? [])[0];
  return argv[0] === 'mv' && init.starts.includes(argv[3] ?? '') ? 'disable' : undefined;
}

const started = (verb: 'start' | 'stop', states: States): Commands => [
  ...together(states, (units) => systemctl(verb, '--', ...units)),
  ...others(states).map(({ init }) => command(...init.run, verb)),
];

const together = (states: States, of: (units: readonly string[]) => Operation): Commands => {
  const units = states.filter((s) => s.init === undefined).map((s) => s.unit);
  return units.length === 0 ? [] : [of(units)];
};

const others = (states: States) =>
  states.flatMap((state) => (state.init === undefined ? [] : [{ state, init: state.init, name: nameOf(state.unit) }]));

const nameOf = (unit: string): string => unit.replace(/\.service$/, '');
const program = ({ boot }: OtherInit): string => boot?.split('/').pop() ?? '';
const asKill = (link: string): string => link.replace(/S(\d\d[^/]*)$/, 'K$1');
const systemctl = (...words: readonly string[]): Operation => command('systemctl', '--no-ask-password', ...words);
const command = (...argv: readonly (string | null)[]): Operation => ({
  kind: 'exec',
  on: 'host',
  argv: argv.filter((word) => word !== null),
  root: true,
});
