import { isObject } from './json-in.ts';

/** One question to the program, as the JSON object that it reads. */
export type Asked =
  | { readonly ask: 'power' | 'identity' | 'indicator' | 'reset' }
  | { readonly ask: 'set'; readonly want: 'on' | 'off'; readonly how: 'soft' | 'hard' }
  | { readonly ask: 'locate'; readonly want: 'on' | 'off' };

const whys = ['unreachable', 'refused', 'declined', 'unsupported'] as const;

/** What a program may answer. `no`: it did nothing, and says why. */
export type Answered =
  | { readonly is: 'state'; readonly state: 'on' | 'off' | 'unknown' }
  | { readonly is: 'identity'; readonly guid: string | null; readonly serial: string | null }
  | { readonly is: 'accepted' }
  | { readonly is: 'no'; readonly trouble: (typeof whys)[number]; readonly why: string }
  | { readonly is: 'odd'; readonly why: string };

const odd = (why: string): Answered => ({ is: 'odd', why });

/** Reads an answer: exactly one JSON object, with the members of this question and no others. */
export function readAnswer(text: string, { ask }: Asked): Answered {
  if (text.trim() === '') return odd('it printed nothing');
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return odd('what it printed is not one JSON object');
  }
  if (!isObject(value)) return odd('what it printed is not a JSON object');
  const { why = '', ...members } = value;
  if (typeof why !== 'string') return odd('"why" is no text');
  if ('trouble' in members) {
    const trouble = whys.find((each) => each === members.trouble);
    if (trouble === undefined) return odd(`"trouble" is none of ${whys.join(', ')}`);
    return only(members, ['trouble']) ?? { is: 'no', trouble, why };
  }
  switch (ask) {
    case 'power':
    case 'indicator': {
      const state = members[ask];
      if (state !== 'on' && state !== 'off' && state !== 'unknown') return odd(`"${ask}" is not on, off or unknown`);
      return only(members, [ask]) ?? { is: 'state', state };
    }
    case 'identity': {
      const { guid = null, serial = null } = members;
      if (guid !== null && (typeof guid !== 'string' || !/^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i.test(guid))) {
        return odd('"guid" is no UUID like a1234567-89ab-cdef-a123-456789abcdef');
      }
      if (serial !== null && (typeof serial !== 'string' || serial.trim() === '')) return odd('"serial" is no text');
      return only(members, ['guid', 'serial']) ?? { is: 'identity', guid: guid?.toLowerCase() ?? null, serial };
    }
    case 'set':
    case 'locate':
    case 'reset':
      if (members.accepted !== true) return odd('"accepted" is not true');
      return only(members, ['accepted']) ?? { is: 'accepted' };
  }
}

/** A complaint about the first member that does not belong there. */
function only(members: object, names: readonly string[]): Answered | undefined {
  const stranger = Object.keys(members).find((name) => !names.includes(name));
  return stranger === undefined ? undefined : odd(`"${stranger.slice(0, 60)}" does not belong in this answer`);
}
