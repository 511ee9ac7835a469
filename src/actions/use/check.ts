import type { Static } from 'typebox';
import * as Type from 'typebox';
import { action, type Setting, type Verdict } from '../../core/action.ts';
import { durationPattern, durationText, milliseconds } from '../../core/duration.ts';
import { type Seen, seen, type Trouble, trouble, unseen } from '../../core/result.ts';
import type { HostUse } from '../../core/survey.ts';
import { type Answered, answeringFor, type Find, type UseKind, useKinds } from '../../core/use.ts';
import { badAllowed } from '../parts/allowed.ts';
import { type Around, connectionFinds } from '../parts/use-connections.ts';
import { surveyFinds, unknownOf } from '../parts/use-seen.ts';

const name = (description: string) => Type.String({ minLength: 1, description });

const Input = Type.Object(
  {
    watch: Type.Optional(
      Type.String({
        pattern: durationPattern,
        patternErrorMessage: 'a duration like 15m or 2h',
        description: 'How long the host is watched. Default 15m.',
      }),
    ),
    allow: Type.Optional(
      Type.Array(
        Type.Object(
          {
            peer: Type.Optional(name('An address or a network (CIDR) on the other side: 192.0.2.4, 192.0.2.0/24.')),
            process: Type.Optional(name('The process on the host that holds the connection.')),
            port: Type.Optional(
              Type.Integer({
                minimum: 1,
                maximum: 65_535,
                description: 'Of the service: the host’s own port of what comes in, the peer’s of what goes out.',
              }),
            ),
            user: Type.Optional(name('Whose sessions.')),
            why: name('Why this is no use of the host.'),
          },
          { additionalProperties: false },
        ),
        {
          minItems: 1,
          description:
            'What is no use of the host: monitoring, the bastion, agents. All that an entry names has to fit.',
        },
      ),
    ),
    protect: Type.Optional(
      Type.Array(Type.Enum([...useKinds]), {
        minItems: 1,
        description: 'Kinds of use that nobody may answer for (decom waive).',
      }),
    ),
    load: Type.Optional(
      Type.Integer({
        minimum: 0,
        maximum: 10_000,
        description:
          'The load average over 15 minutes, in per cent of the processors, above which the host counts as used. Default: it is not judged.',
      }),
    ),
  },
  { additionalProperties: false, description: 'Watches a host for whoever still uses it.' },
);
type Input = Static<typeof Input>;

/** What a look came to. `samples` is 1 for a single look, which tells of that moment alone. */
interface Use {
  readonly from: string;
  readonly to: string;
  readonly watched: number;
  readonly samples: number;
  readonly allowed: number;
  readonly finds: readonly Find[];
}

const watchOf = ({ watch }: Input): number => milliseconds(watch ?? '15m') ?? 0;

/** Finds that are listed one by one; who is beyond them blocks as unknown. */
const most = 150;
/** Of them, those that are told with the trouble; all are kept beside the log. */
const told = 20;

export const useCheck = action<typeof Input, Seen<Use>>({
  kind: 'use.check',
  about:
    'Watches the host for whoever still uses it: connections, sessions, roles, exports, load. Whoever is found blocks.',
  effect: 'none',
  once: false,
  irreversible: false,
  input: Input,
  written: ['protect'],
  output: Type.Object({ samples: Type.Integer() }),
  yields: ['host.unused'],

  check: (input) => (watchOf(input) < 1000 ? '"watch" is shorter than a second' : badAllowed(input.allow ?? [])),
  waivable: ({ protect = [] }) => useKinds.filter((kind) => !protect.includes(kind)),
  lasts: watchOf,

  inspect: async (input, probe) => {
    const [survey, clock] = await Promise.all([probe({ kind: 'host.use' }), probe({ kind: 'clock' })]);
    if (!survey.known) return survey;
    if (!clock.known) return clock;
    const rows = survey.value.connections.known ? survey.value.connections.value.rows : [];
    const met = connectionFinds(rows, aroundOf(input, [survey.value]));
    const around = surveyFinds(survey.value, input.allow ?? [], input.load);
    const finds = [...met.finds, ...around.finds, ...unknownOf('connections', survey.value.connections)];
    const [at, allowed] = [clock.value, met.allowed + around.allowed];
    return seen({ from: at, to: at, watched: 0, samples: 1, allowed, finds: listed(finds) });
  },

  remarks: (use) => {
    if (!use.known || use.value.finds.length === 0) return [];
    const { finds } = use.value;
    const more = finds.length > 5 ? [`${finds.length - 5} more`] : [];
    return [`in use at this moment: ${[...finds.slice(0, 5).map(({ words }) => words), ...more].join('; ')}`];
  },

  plan: (_input, use) => (use.known ? [] : { blocked: use.trouble }),

  examine: async (input, _receipts, { probe, signal, progress }) => {
    const began = await probe({ kind: 'clock' });
    if (!began.known) return began;
    const long = watchOf(input);
    const first = probe({ kind: 'host.use' });
    let around: Around | undefined;
    void first.then((survey) => {
      if (survey.known) around = aroundOf(input, [survey.value]);
    });
    const tell = (time: number, finds: readonly Find[]): void =>
      progress({ what: watchingWords(finds.length), time: Math.min(time, long), totalTime: long });
    tell(0, []);
    const watched = await probe(
      { kind: 'host.connections', for: long },
      {
        ...{ signal, progress },
        watched: (time, met) => {
          if (around !== undefined) tell(time, connectionFinds(met, around).finds);
        },
      },
    );
    const before = await first;
    if (!watched.known) return watched;
    if (!before.known) return before;
    const after = await probe({ kind: 'host.use' });
    if (!after.known) return after;
    const ended = await probe({ kind: 'clock' });
    if (!ended.known) return ended;
    if (watched.value.watched < long) return unseen(tooShort(watched.value.watched, long));
    const { connections, samples, watched: time } = watched.value;
    const met = connectionFinds(connections.rows, { ...aroundOf(input, [before.value, after.value]), samples });
    const both = [before.value, after.value].map((survey) => surveyFinds(survey, input.allow ?? [], input.load));
    const finds = [...met.finds, ...both.flatMap((one) => one.finds), ...unknownOf('connections', seen(connections))];
    const allowed = met.allowed + Math.max(...both.map((one) => one.allowed));
    return seen({ from: began.value, to: ended.value, watched: time, samples, allowed, finds: listed(finds) });
  },

  verify: (input, use, setting): Verdict => {
    if (!use.known) return { ok: false, trouble: use.trouble };
    const { from, to, watched, samples, allowed, finds } = use.value;
    const answered = new Map<Answered, Find[]>();
    const left: Find[] = [];
    for (const find of finds) {
      const answer = isProtected(input, find) ? undefined : answeringFor(setting.answers ?? [], find);
      if (answer === undefined) left.push(find);
      else answered.set(answer, [...(answered.get(answer) ?? []), find]);
    }
    if (left.length > 0) return { ok: false, trouble: inUse(input, left, setting), found: finds };
    const waived = [...answered].map(([answer, of]) => ({ answer, trouble: inUse(input, of, setting) }));
    const who = [...answered.keys()].map(({ gate, by }) => ({ gate, by }));
    const besides = [
      ...(allowed === 0 ? [] : [`${allowed} allowed`]),
      ...waived.map(({ answer }) => `${answer.by} answers for ${answer.gate}`),
    ];
    return {
      ok: true,
      output: { samples },
      evidence: [{ kind: 'host.unused', from, to, samples, allowed, waived: who }],
      said: `${samples === 1 ? 'nobody uses it at this moment' : `nobody used it in ${durationText(watched)}, by ${samples} looks`}${besides.length === 0 ? '' : ` (${besides.join('; ')})`}`,
      waived,
    };
  },
});

function aroundOf({ allow = [] }: Input, surveys: readonly HostUse[]): Around {
  const rows = <T>(of: (survey: HostUse) => Seen<{ readonly rows: readonly T[] }>): readonly T[] =>
    surveys.flatMap((survey) => {
      const section = of(survey);
      return section.known ? section.value.rows : [];
    });
  return {
    allow,
    addresses: rows(({ addresses }) => addresses).map(({ address }) => address.replace(/\/\d+$/, '')),
    listeners: rows(({ listeners }) => listeners),
  };
}

/** Each once, those that are told by two looks too; at most so many. */
function listed(finds: readonly Find[]): readonly Find[] {
  const once = [...new Map(finds.map((find) => [`${find.gate} ${find.key}`, find])).values()];
  if (once.length <= most) return once;
  const words = `${once.length - most} more finds than are listed`;
  return [...once.slice(0, most), { gate: 'unknown', key: 'unlisted', words }];
}

const isProtected = ({ protect = [] }: Input, { gate }: Find): boolean => protect.includes(gate as UseKind);

const watchingWords = (peers: number): string =>
  `watching for whoever uses it, ${peers === 0 ? 'nobody' : peers === 1 ? '1 peer' : `${peers} peers`} found until now`;

function inUse(input: Input, finds: readonly Find[], { host, step }: Setting): Trouble {
  const kinds = useKinds.filter((kind) => finds.some(({ gate }) => gate === kind));
  const counts = kinds.map((kind) => `${kind} (${finds.filter(({ gate }) => gate === kind).length})`).join(', ');
  const open = kinds.filter((kind) => !(input.protect ?? []).includes(kind));
  const shut = kinds.filter((kind) => !open.includes(kind));
  const more = finds.length > told ? [`and ${finds.length - told} more`] : [];
  return trouble(
    'in-use',
    `${host.name} is in use: ${counts}`,
    [
      `Have them leave, or name in "allow" what is no use; then: decom resume ${host.name}.`,
      ...(open.length === 0
        ? []
        : [
            `Or somebody answers for it by name: ${open.map((kind) => `decom waive ${host.name} ${step}/${kind} --reason TEXT`).join(', ')}.`,
          ]),
      ...(shut.length === 0 ? [] : [`Nobody can answer for ${shut.join(' and ')}: the runbook protects it.`]),
    ].join(' '),
    [...finds.slice(0, told).map(({ gate, words }) => `${gate}: ${words}`), ...more].join('\n'),
  );
}

const tooShort = (watched: number, long: number): Trouble =>
  trouble(
    'watch-short',
    `it was watched for ${durationText(watched)} of ${durationText(long)}`,
    'Have it watched once more: decom resume',
  );
