import type { Seen, Trouble } from '../../core/result.ts';
import { type HostUse, type Listed, wholly } from '../../core/survey.ts';
import type { Find } from '../../core/use.ts';
import { type Allowed, isAllowed } from './allowed.ts';

/** What such a look tells of who uses the host, its connections aside. `load`: per cent of its processors that is busy; absent: not asked. */
export function surveyFinds(
  survey: HostUse,
  allow: readonly Allowed[],
  load: number | undefined,
): { readonly finds: readonly Find[]; readonly allowed: number } {
  const seen = [...sessions(survey, allow), ...exported(survey, allow)];
  return {
    finds: [
      ...seen.flatMap((one) => (one === 'allowed' ? [] : [one])),
      ...roles(survey),
      ...busy(survey, load),
      ...unknownOf('sessions', survey.sessions),
      ...unknownOf('exports', survey.exports),
      ...unknownOf('roles', survey.roles),
    ],
    allowed: seen.filter((one) => one === 'allowed').length,
  };
}

/** A section that was not read in full: somebody may stand in what is missing. */
export function unknownOf(section: string, seen: Seen<Listed<unknown>>): readonly Find[] {
  if (wholly(seen) !== undefined) return [];
  if (!seen.known) return [unknown(section, seen.trouble)];
  const { lacks = [], total, rows } = seen.value;
  if (lacks.length > 0) return lacks.map((why) => unknown(section, why));
  return [
    {
      gate: 'unknown',
      key: `${section} unlisted`,
      words: `${section}: ${total - rows.length} more than can be listed`,
    },
  ];
}

const unknown = (section: string, { code, what }: Trouble): Find => ({
  gate: 'unknown',
  key: `${section} ${code}`,
  words: `${section}: ${what}`,
});

type FoundOrAllowed = Find | 'allowed';
const rowsIn = <T>(section: Seen<Listed<T>>): readonly T[] => (section.known ? section.value.rows : []);

const sessions = (survey: HostUse, allow: readonly Allowed[]): readonly FoundOrAllowed[] =>
  rowsIn(survey.sessions)
    .filter(({ own }) => !own)
    .map(({ user, tty, from, since }) => {
      const peer = from === '' ? null : from;
      if (isAllowed(allow, { peer, process: null, port: null, user })) return 'allowed';
      const where = [tty === '' ? 'no terminal' : tty, ...(from === '' ? [] : [`from ${from}`])].join(', ');
      const words = `${user} is logged in (${where}${since === '' ? '' : `, since ${since}`})`;
      return { gate: 'sessions', key: `${user} ${from}`, words };
    });

const exported = (survey: HostUse, allow: readonly Allowed[]): readonly FoundOrAllowed[] =>
  rowsIn(survey.exports).flatMap(({ kind, what, clients }): readonly FoundOrAllowed[] => {
    if (clients === null)
      return [{ gate: 'exports', key: `${kind} ${what} ?`, words: `${kind} ${what}: who has it is not known` }];
    return clients.map((client) =>
      isAllowed(allow, { peer: client, process: null, port: null, user: null })
        ? 'allowed'
        : { gate: 'exports', key: `${kind} ${what} ${client}`, words: `${kind} ${what}: ${client} has it` },
    );
  });

const roles = (survey: HostUse): readonly Find[] =>
  rowsIn(survey.roles).flatMap(({ kind, name, role, why }) => {
    if (role !== 'primary' && role !== 'unknown') return [];
    const of = name === '' ? kind : `${kind} ${name}`;
    const words = role === 'primary' ? `${of} is the primary` : `${of} may be the primary`;
    return [{ gate: 'roles', key: `${kind} ${name} ${role}`, words: why === '' ? words : `${words}: ${why}` }];
  });

function busy({ load: seen }: HostUse, most: number | undefined): readonly Find[] {
  if (most === undefined) return [];
  if (!seen.known) return [unknown('load', seen.trouble)];
  const { now, processors } = seen.value;
  if (processors === null || processors === 0)
    return [{ gate: 'unknown', key: 'load processors', words: 'load: how many processors it has is not known' }];
  const percent = Math.round((now[2] / processors) * 100);
  return percent <= most
    ? []
    : [
        {
          gate: 'load',
          key: 'load',
          words: `load of ${now[2]} on ${processors} ${processors === 1 ? 'processor' : 'processors'} over 15 minutes: ${percent} %, and ${most} % is allowed`,
        },
      ];
}
