import type { Probe } from '../../src/core/action.ts';
import type { Json } from '../../src/core/json.ts';
import type { ProbeQuestion } from '../../src/core/probe.ts';
import { seen, trouble, unseen } from '../../src/core/result.ts';

/**
 * What probes see, as a table writes it: by the kind of question and its subject (`service nginx.service`, `place /vault`, `power`).
 * `{ unknown: why }` is an answer that could not be had, with its trouble's `code` where that matters; a list of powers is read one by one, and its last stays.
 */
export type Facts = { readonly [question: string]: Json };

/** A probe that answers from a table, and throws for what the table does not hold: an action that asks more is a different action. */
export function probeOf(facts: Facts): Probe {
  let readings = 0;
  const answer = (question: ProbeQuestion): unknown => {
    const key = keyOf(question);
    const written = facts[key];
    if (written === undefined) throw new Error(`the action asked "${key}", and the table's facts do not hold it`);
    if (question.kind === 'power' && Array.isArray(written)) {
      return seenOf(written[Math.min(readings++, written.length - 1)] ?? null);
    }
    switch (question.kind) {
      case 'service':
        return seenOf(written, (about) => ({
          unit: question.unit,
          load: 'loaded',
          sub: '',
          enabled: '',
          triggers: [],
          ...about,
        }));
      case 'host.identity':
      case 'bmc.identity':
        return seenOf(written, (about) => mapValues(about, (field) => (Array.isArray(field) ? field : seenOf(field))));
      case 'host.paths':
        return seenOf(
          (written as readonly Fields[]).map((path) => ({ ...path, bytes: seenOf(path.bytes ?? 0) as Json })),
        );
      default:
        return seenOf(written);
    }
  };
  return async (question) => answer(question) as never;
}

type Fields = { readonly [name: string]: Json };

function keyOf(question: ProbeQuestion): string {
  switch (question.kind) {
    case 'service':
      return `service ${question.unit}`;
    case 'command':
      return `command ${question.argv.join(' ')}`;
    case 'place':
      return `place ${question.path}`;
    case 'copies':
      return `copies ${question.folder}`;
    case 'copy':
      return `copy ${question.copy}`;
    case 'tree.compare':
      return `tree.compare ${question.tree}`;
    case 'inventory':
      return `inventory ${question.host}`;
    default:
      return question.kind;
  }
}

function seenOf(written: Json, shape: (about: Fields) => unknown = (about) => about): unknown {
  if (typeof written !== 'object' || written === null || Array.isArray(written)) return seen(written);
  const about = written as Fields;
  if (typeof about.unknown === 'string') {
    const { code = 'unanswered' } = about;
    return unseen(trouble(String(code), about.unknown, 'Try again.'));
  }
  return seen(shape(about));
}

const mapValues = (fields: Fields, change: (field: Json) => unknown): { [name: string]: unknown } =>
  Object.fromEntries(Object.entries(fields).map(([name, field]) => [name, change(field)]));
