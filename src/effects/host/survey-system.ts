import { isPlaceholder } from '../../core/placeholder.ts';
import { type Seen, seen, trouble, unseen } from '../../core/result.ts';
import type { Listed, LoadDay, PartRow, SurveyIdentity, SurveyLoad, SurveyOs } from '../../core/survey.ts';
import { type Answers, clean, linesOf, listed, needsRoot } from './survey-answers.ts';

export interface SystemFacts {
  readonly identity: Seen<SurveyIdentity>;
  readonly os: Seen<SurveyOs>;
  readonly parts: Seen<Listed<PartRow>>;
  readonly load: Seen<SurveyLoad>;
  /** `CLIENT PORT SERVER PORT` of the connection that this came by; empty where it could not be told. */
  readonly own: string;
  /** Its session of systemd-logind; empty where there is none. */
  readonly session: string;
}

/** What /proc and /sys say of the machine, and dmidecode of its parts. */
export function systemFacts(answers: Answers): SystemFacts {
  const facts = answers.of('facts');
  const parts = dmiRecords(answers);
  if (facts.how !== 'read' || facts.exit !== 0) {
    const why =
      facts.how === 'unread'
        ? facts.trouble
        : trouble('no-answer', `${answers.host} told nothing of itself`, 'Check that its sh works.');
    return {
      identity: unseen(why),
      os: unseen(why),
      parts: partsOf(parts),
      load: unseen(why),
      own: '',
      session: '',
    };
  }
  const said = new Map<string, string>();
  for (const line of facts.lines) {
    const [, key, value] = /^([A-Za-z_-]+):? *(.*)$/.exec(line) ?? [];
    if (key !== undefined && !said.has(key)) said.set(key, clean(value ?? ''));
  }
  return {
    identity: seen(identityOf(answers, said, parts)),
    os: seen(osOf(answers, said)),
    parts: partsOf(parts),
    load: loadOf(answers, said),
    own: said.get('own') ?? '',
    session: said.get('session') ?? '',
  };
}

type Said = ReadonlyMap<string, string>;

function identityOf(answers: Answers, said: Said, parts: Seen<readonly DmiRecord[]>): SurveyIdentity {
  const system = parts.known ? parts.value.find(({ type }) => type === 1) : undefined;
  const firmware = (what: string, key: string, field: string): Seen<string> => {
    const found = system?.fields.get(field) ?? said.get(key);
    if (found !== undefined && found !== '' && !isPlaceholder(found)) return seen(found);
    if (said.has(`${key}-closed`)) return unseen(needsRoot(answers.host, `the ${what}`, answers.noRoot));
    return unseen(
      found === undefined || found === ''
        ? trouble('no-dmi', `${answers.host} tells no ${what}`, 'Use the other sources.')
        : trouble(
            'placeholder',
            `the ${what} of ${answers.host} is a placeholder ("${found}")`,
            'Use the other sources.',
          ),
    );
  };
  const id = (what: string, text: string): Seen<string> =>
    /^[0-9a-f]{32}$/.test(text.replaceAll('-', '')) && !isPlaceholder(text.replaceAll('-', ''))
      ? seen(text)
      : unseen(trouble('no-id', `${answers.host} tells no ${what}`, 'Use the other sources.', text));
  const uuid = firmware('UUID', 'uuid', 'UUID');
  return {
    serial: firmware('serial number', 'serial', 'Serial Number'),
    uuid: uuid.known ? seen(uuid.value.toLowerCase()) : uuid,
    machine_id: id('machine-id', said.get('machine_id') ?? ''),
    boot_id: id('boot id', said.get('boot_id') ?? ''),
    vendor: firmware('vendor', 'vendor', 'Manufacturer'),
    product: firmware('product name', 'product', 'Product Name'),
  };
}

function osOf(answers: Answers, said: Said): SurveyOs {
  const release = new Map<string, string>();
  for (const line of linesOf(answers, 'os', [])) {
    const [, key, value] = /^([A-Z_]+)=["']?(.*?)["']?$/.exec(line) ?? [];
    if (key !== undefined) release.set(key, clean(value ?? ''));
  }
  const kernel = said.get('kernel') ?? '';
  const manager = said.get('manager');
  return {
    hostname: said.get('hostname') ?? '',
    id: release.get('ID') ?? '',
    name: release.get('PRETTY_NAME') ?? release.get('NAME') ?? kernel,
    version: release.get('VERSION_ID') ?? '',
    kernel,
    uptime: number(/^[\d.]+/.exec(said.get('uptime') ?? '')?.[0], Math.floor),
    init: manager === 'systemd' || manager === 'openrc' || manager === 'sysv' ? manager : 'other',
  };
}

const number = (text: string | undefined, change: (value: number) => number = (value) => value): number | null =>
  text !== undefined && /^\d+(\.\d+)?$/.test(text) && Number.isFinite(Number(text)) ? change(Number(text)) : null;

function loadOf(answers: Answers, said: Said): Seen<SurveyLoad> {
  const [one, five, fifteen] = (said.get('loadavg') ?? '').split(' ').map((word) => number(word));
  if (typeof one !== 'number' || typeof five !== 'number' || typeof fifteen !== 'number') {
    return unseen(
      trouble('no-load', `${answers.host} tells no load: /proc/loadavg cannot be read`, 'Mount /proc there.'),
    );
  }
  const kib = (key: string): number | null =>
    number(/^(\d+) kB$/.exec(said.get(key) ?? '')?.[1], (value) => value * 1024);
  const [total, available] = [kib('MemTotal'), kib('MemAvailable') ?? kib('MemFree')];
  return seen({
    now: [one, five, fifteen],
    processors: number(said.get('processors'), (value) => value) || null,
    memory: total === null || available === null ? null : { total, available },
    history: historyOf(answers),
  });
}

/** `Linux 6.1 (host) 11/22/26 …` names the day, `Average: all user nice system iowait steal idle` follows it. */
function historyOf(answers: Answers): Seen<Listed<LoadDay>> {
  const none = trouble(
    'no-sysstat',
    `${answers.host} keeps no history of its load`,
    'Watch it for a while, where sysstat was not installed.',
  );
  const answer = answers.of('sysstat');
  if (answer.how === 'unread') return unseen(answer.trouble);
  if (answer.how === 'absent' || answer.exit !== 0) return unseen(none);
  const days: LoadDay[] = [];
  let day: string | undefined;
  for (const line of answer.lines) {
    const [, month, date, year] = /^Linux .*?\s(\d\d)\/(\d\d)\/(\d\d(?:\d\d)?)\s/.exec(line) ?? [];
    const iso = /^Linux .*?\s(\d{4}-\d\d-\d\d)\s/.exec(line)?.[1];
    if (/^Linux /.test(line))
      day = iso ?? (year === undefined ? undefined : `${year.length === 2 ? '20' : ''}${year}-${month}-${date}`);
    const idle = /^Average:\s+all\s.*?(\d+\.\d+)\s*$/.exec(line)?.[1];
    if (day !== undefined && idle !== undefined) days.push({ day, busy: Math.round((100 - Number(idle)) * 100) / 100 });
  }
  return days.length === 0 ? unseen(none) : seen(listed(days.toSorted((a, b) => (a.day < b.day ? -1 : 1))));
}

interface DmiRecord {
  readonly type: number;
  readonly fields: ReadonlyMap<string, string>;
}

function dmiRecords(answers: Answers): Seen<readonly DmiRecord[]> {
  const answer = answers.of('dmi');
  if (answer.how === 'absent') {
    return unseen(
      trouble('no-dmidecode', `${answers.host} has no dmidecode, which tells its parts`, 'Install dmidecode there.'),
    );
  }
  if (answer.how === 'unread') return unseen(answer.trouble);
  if (!answers.root) return unseen(needsRoot(answers.host, 'the list of parts', answers.noRoot));
  const records: { readonly type: number; readonly fields: Map<string, string> }[] = [];
  for (const line of answer.lines) {
    const type = /^Handle 0x[0-9A-F]+, DMI type (\d+),/.exec(line)?.[1];
    if (type !== undefined) records.push({ type: Number(type), fields: new Map() });
    const [, key, value] = /^\t([A-Za-z][A-Za-z ]*): (.*)$/.exec(line) ?? [];
    if (key !== undefined) records.at(-1)?.fields.set(key, clean(value ?? ''));
  }
  return records.length === 0
    ? unseen(
        trouble(
          'no-dmi',
          `${answers.host} has no table of its parts, or dmidecode cannot read it`,
          'Note the serials from the labels.',
          answer.lines
            .slice(0, 3)
            .map((line) => clean(line))
            .join('\n'),
        ),
      )
    : seen(records);
}

const partKinds: { readonly [type: number]: PartRow['kind'] } = {
  0: 'firmware',
  1: 'system',
  2: 'board',
  3: 'chassis',
  4: 'cpu',
  17: 'memory',
  39: 'psu',
};

function partsOf(records: Seen<readonly DmiRecord[]>): Seen<Listed<PartRow>> {
  if (!records.known) return records;
  const rows = records.value.flatMap(({ type, fields }): readonly PartRow[] => {
    const kind = partKinds[type];
    const get = (...keys: readonly string[]) =>
      keys.map((key) => fields.get(key)).find((value) => value !== undefined && value !== '') ?? '';
    if (kind === undefined || (kind === 'memory' && /^No Module|^$/.test(get('Size')))) return [];
    const serial = get('Serial Number');
    const model = [
      get('Manufacturer', 'Vendor'),
      get('Product Name', 'Part Number', 'Model Part Number', 'Version'),
      kind === 'memory' ? get('Size') : '',
    ]
      .filter((word) => word !== '' && !isPlaceholder(word))
      .join(' ');
    return [
      {
        kind,
        slot: get('Locator', 'Socket Designation', 'Location'),
        model: clean(model),
        serial: serial === '' || isPlaceholder(serial) ? null : serial,
      },
    ];
  });
  return seen(listed(rows));
}
