import * as Type from 'typebox';
import { action } from '../../core/action.ts';
import type { Json } from '../../core/json.ts';
import { type Seen, type Trouble, trouble } from '../../core/result.ts';
import { cappedSurvey, type Survey, wholly } from '../../core/survey.ts';

const lists = [
  'services',
  'listeners',
  'connections',
  'sessions',
  'last_logins',
  'timers',
  'cron',
  'mounts',
  'exports',
  'disks',
  'databases',
  'guests',
  'roles',
  'addresses',
  'routes',
  'parts',
] as const;
const sections = ['identity', 'os', ...lists, 'load'] as const;
type Section = (typeof sections)[number];

const Input = Type.Object(
  {
    wants: Type.Optional(
      Type.Array(Type.Enum([...sections]), {
        minItems: 1,
        description: 'Sections that have to be read whole. Without it, what could not be read is only told.',
      }),
    ),
  },
  { additionalProperties: false, description: 'Records what is on the host.' },
);

/** Bytes of a survey that a line of the log has room for, beside what else stands on it. */
const room = 32_768;
const caps = [100, 50, 20, 10, 5, 2, 0] as const;

export const hostSurvey = action<typeof Input, Seen<Survey>>({
  kind: 'host.survey',
  about:
    'Asks the host in one command what it is, what runs on it, who uses it and what it is made of, and puts it on record.',
  effect: 'none',
  once: false,
  irreversible: false,
  input: Input,
  output: Type.Object({
    root: Type.Boolean(),
    unknown: Type.Array(Type.String()),
    survey: Type.Object({}, { additionalProperties: true }),
  }),

  inspect: (_input, probe) => probe({ kind: 'host.survey' }),
  plan: ({ wants = [] }, survey, { host }) => {
    const lacking = lacksOf(wants, survey, host.name);
    return lacking === undefined ? [] : { blocked: lacking };
  },

  verify: ({ wants = [] }, survey, { host }) => {
    const lacking = lacksOf(wants, survey, host.name);
    if (lacking !== undefined) return { ok: false, trouble: lacking };
    if (!survey.known) return { ok: false, trouble: survey.trouble };
    const unknown = sections.filter((section) => whyNotWhole(survey.value, section) !== undefined);
    const rows = caps.find((most) => Buffer.byteLength(JSON.stringify(cappedSurvey(survey.value, most))) <= room) ?? 0;
    const recorded = cappedSurvey(survey.value, rows);
    const counts = (['services', 'listeners', 'connections', 'sessions', 'mounts', 'disks'] as const).flatMap(
      (name) => {
        const section = survey.value[name];
        return section.known ? [`${section.value.total} ${name}`] : [];
      },
    );
    return {
      ok: true,
      output: { root: survey.value.root, unknown, survey: recordable(recorded) },
      evidence: [],
      said: `${counts.join(', ')}${unknown.length === 0 ? '' : `; not all that there is of: ${unknown.join(', ')}`}${survey.value.root ? '' : '; asked without root'}`,
    };
  },
});

/** As a line of the log may hold it: other numbers than whole ones (averages) are written as texts. */
const recordable = (survey: Survey): Json =>
  JSON.parse(JSON.stringify(survey), (_key, value: Json) =>
    typeof value === 'number' && !Number.isSafeInteger(value) ? String(value) : value,
  ) as Json;

/** Why the host does not tell all that the runbook wants; undefined where it does. */
function lacksOf(wants: readonly Section[], survey: Seen<Survey>, host: string): Trouble | undefined {
  if (!survey.known) return survey.trouble;
  const lacking = wants.flatMap((section) => {
    const why = whyNotWhole(survey.value, section);
    return why === undefined ? [] : [`${section}: ${why}`];
  });
  if (lacking.length === 0) return undefined;
  return trouble(
    'survey-incomplete',
    `${host} did not tell all that the step wants to know: ${lacking.join('; ')}`,
    'Let the login become root by sudo, or mend the program that is named; or leave the section out of "wants".',
  );
}

function whyNotWhole(survey: Survey, name: Section): string | undefined {
  const section = survey[name];
  if (!section.known) return section.trouble.what;
  if (name === 'identity' || name === 'os' || name === 'load') return undefined;
  const list = survey[name];
  if (wholly<unknown>(list) !== undefined || !list.known) return undefined;
  const { rows, total, lacks = [] } = list.value;
  return lacks.length > 0 ? lacks.map(({ what }) => what).join(', ') : `${rows.length} of ${total} were read`;
}
