import type { UnitState, Units } from './units.ts';

/** What a program prints and how it ends. */
export interface Printed {
  readonly exit: number;
  readonly stdout: string;
  readonly stderr: string;
}

export const printed = (stdout: string, exit = 0): Printed => ({ exit, stdout, stderr: '' });
export const complained = (stderr: string, exit: number): Printed => ({ exit, stdout: '', stderr: `${stderr}\n` });

interface Parsed {
  readonly verb: string;
  readonly units: readonly string[];
  readonly properties: readonly string[];
  readonly value: boolean;
  readonly quiet: boolean;
  readonly now: boolean;
  readonly strange: string | undefined;
}

const harmless = new Set([
  '--no-ask-password',
  '--no-pager',
  '--plain',
  '--no-legend',
  '--full',
  '-l',
  '--all',
  '-a',
  '--system',
]);

/** The part of systemctl(1) that retiring a server needs, with its words and exit codes. Power verbs are the machine's own. */
export async function systemctl(argv: readonly string[], units: Units): Promise<Printed> {
  const asked = parse(argv);
  if (asked.strange !== undefined) return complained(`systemctl: unrecognized option '${asked.strange}'`, 1);
  const { verb } = asked;
  if (verb === 'daemon-reload' || verb === 'reset-failed') return printed('');
  if (verb === 'is-system-running') return printed('running\n');
  if (verb === 'list-units' || verb === '') return printed(units.all().map(listLine).join(''));
  if (verb === 'list-unit-files')
    return printed(
      units
        .all()
        .map((s) => `${s.definition.unit} ${s.enabled}\n`)
        .join(''),
    );
  if (verb === 'show') return show(asked, units);
  const names = asked.units;
  if (names.length === 0) return complained('Too few arguments.', 1);
  switch (verb) {
    case 'start':
      return start(names, units);
    case 'stop':
      return stop(names, units);
    case 'restart': {
      const stopped = await stop(names, units);
      return stopped.exit === 0 ? start(names, units) : stopped;
    }
    case 'enable':
    case 'disable':
    case 'mask':
    case 'unmask':
      return setEnabled(verb, names, units, asked.now);
    case 'is-active': {
      const lines = names.map((name) => units.get(name)?.active ?? 'inactive');
      return {
        exit: lines.includes('active') ? 0 : 3,
        stdout: asked.quiet ? '' : `${lines.join('\n')}\n`,
        stderr: '',
      };
    }
    case 'is-enabled': {
      const missing = names.find((name) => units.get(name) === undefined);
      if (missing !== undefined)
        return complained(`Failed to get unit file state for ${missing}: No such file or directory`, 1);
      const lines = names.map((name) => units.get(name)?.enabled ?? '');
      return {
        exit: lines.includes('enabled') ? 0 : 1,
        stdout: asked.quiet ? '' : `${lines.join('\n')}\n`,
        stderr: '',
      };
    }
    case 'status': {
      const missing = names.find((name) => units.get(name) === undefined);
      if (missing !== undefined) return complained(`Unit ${missing} could not be found.`, 4);
      const states = names.flatMap((name) => units.get(name) ?? []);
      return printed(states.map(statusText).join('\n'), states.every((s) => s.active === 'active') ? 0 : 3);
    }
    default:
      return complained(`Unknown command verb '${verb}'.`, 1);
  }
}

function parse(argv: readonly string[]): Parsed {
  const words: string[] = [];
  const properties: string[] = [];
  let value = false;
  let quiet = false;
  let now = false;
  let strange: string | undefined;
  for (let i = 0; i < argv.length; i++) {
    const word = argv[i] ?? '';
    if (word === '--') {
      words.push(...argv.slice(i + 1));
      break;
    }
    const property = /^(?:--property=|-p(?=.))(.*)$/s.exec(word)?.[1];
    if (property !== undefined) properties.push(...property.split(','));
    else if (word === '-p' || word === '--property') properties.push(...(argv[++i] ?? '').split(','));
    else if (word === '--value') value = true;
    else if (word === '-q' || word === '--quiet') quiet = true;
    else if (word === '--now') now = true;
    else if (harmless.has(word)) continue;
    else if (word.startsWith('-')) strange ??= word;
    else words.push(word);
  }
  // A name without a suffix means the service, as systemctl reads it.
  const units = words.slice(1).map((name) => (name.includes('.') ? name : `${name}.service`));
  return { verb: words[0] ?? '', units, properties, value, quiet, now, strange };
}

function start(names: readonly string[], units: Units): Printed {
  for (const name of names) {
    const state = units.get(name);
    if (!state) return complained(`Failed to start ${name}: Unit ${name} not found.`, 5);
    if (state.enabled === 'masked') return complained(`Failed to start ${name}: Unit ${name} is masked.`, 1);
    units.start(name);
  }
  return printed('');
}

async function stop(names: readonly string[], units: Units): Promise<Printed> {
  const missing = names.find((name) => units.get(name) === undefined);
  if (missing !== undefined) return complained(`Failed to stop ${missing}: Unit ${missing} not loaded.`, 5);
  await Promise.all(names.map((name) => units.stop(name)));
  return printed('');
}

async function setEnabled(
  verb: 'enable' | 'disable' | 'mask' | 'unmask',
  names: readonly string[],
  units: Units,
  now: boolean,
): Promise<Printed> {
  for (const name of names) {
    const state = units.get(name);
    if (!state) return complained(`Failed to ${verb} unit: Unit file ${name} does not exist.`, 1);
    if (verb === 'enable' && state.enabled === 'masked') {
      return complained(`Failed to enable unit: Unit file ${name} is masked.`, 1);
    }
    if (verb === 'unmask' && state.enabled !== 'masked') continue;
    units.set(name, verb === 'enable' ? 'enabled' : verb === 'mask' ? 'masked' : 'disabled');
    if (now && verb === 'enable') units.start(name);
    if (now && (verb === 'disable' || verb === 'mask')) await units.stop(name);
  }
  return printed('');
}

/** Properties come in systemctl's own order, not in the order asked; names that it does not know are left out. */
function show(asked: Parsed, units: Units): Printed {
  const blocks = asked.units.map((name) => {
    const wanted = propertiesOf(name, units).filter(
      ([key]) => asked.properties.length === 0 || asked.properties.includes(key),
    );
    return wanted.map(([key, text]) => (asked.value ? `${text}\n` : `${key}=${text}\n`)).join('');
  });
  return printed(blocks.join('\n'));
}

function propertiesOf(name: string, units: Units): readonly (readonly [string, string])[] {
  const state = units.get(name);
  if (!state) {
    return [
      ['Id', name],
      ['Names', name],
      ['Description', name],
      ['LoadState', 'not-found'],
      ['ActiveState', 'inactive'],
      ['SubState', 'dead'],
    ];
  }
  const triggeredBy = units.all().filter((other) => other.definition.triggers === name);
  return [
    ['Type', 'simple'],
    ['MainPID', String(state.pid)],
    ['Result', state.active === 'failed' ? 'exit-code' : 'success'],
    ['Id', name],
    ['Names', name],
    ['Triggers', state.definition.triggers ?? ''],
    ['TriggeredBy', triggeredBy.map((other) => other.definition.unit).join(' ')],
    ['Description', state.definition.description],
    ['LoadState', state.enabled === 'masked' ? 'masked' : 'loaded'],
    ['ActiveState', state.active],
    ['SubState', state.sub],
    ['FragmentPath', `/etc/systemd/system/${name}`],
    ['UnitFileState', state.enabled],
    ['NeedDaemonReload', 'no'],
  ];
}

const listLine = (s: UnitState): string =>
  `${s.definition.unit} loaded ${s.active} ${s.sub} ${s.definition.description}\n`;

const statusText = (s: UnitState): string =>
  [
    `* ${s.definition.unit} - ${s.definition.description}`,
    `     Loaded: loaded (/etc/systemd/system/${s.definition.unit}; ${s.enabled})`,
    `     Active: ${s.active} (${s.sub})`,
    ...(s.pid > 0 ? [`   Main PID: ${s.pid}`] : []),
    '',
  ].join('\n');
