import type { AnyAction } from '../core/action.ts';
import { didYouMean } from '../core/diagnostic.ts';
import { HostEntry } from '../core/host.ts';
import type { Json } from '../core/json.ts';
import type { ParamType } from '../core/runbook.ts';
import type { Complaint } from './check.ts';
import { type JsonSchema, propertySchema } from './json-schema.ts';
import { type Path, pathText } from './node.ts';
import { parseTemplate, type Reference, textsOf } from './template.ts';

/** What a step's references may name. */
export interface Known {
  readonly params: { readonly [name: string]: ParamType };
  /** Actions of the steps before this one, by id. */
  readonly before: ReadonlyMap<string, AnyAction | undefined>;
  /** Ids of this step and all after it. */
  readonly later: ReadonlySet<string>;
  readonly step: string;
}

type Kind = 'text' | 'list' | 'mapping' | 'secret' | 'any';

/** Complains of references to what does not exist, or not yet, or cannot stand where it stands. `schema` is the action's input. */
export function referenceComplaints(
  value: Json,
  { input: schema, literal = [], written = [] }: Pick<AnyAction, 'input' | 'literal' | 'written'>,
  known: Known,
  at: Path,
): readonly Complaint[] {
  const complaints: Complaint[] = [];
  for (const { text, path } of textsOf(value)) {
    const where = [...at, ...path];
    const complain = (what: string, fix: string): void => {
      complaints.push({ code: 'reference', path: where, what: `"${pathText(where)}": ${what}`, fix });
    };
    const template = parseTemplate(text);
    if (!template.ok) {
      complain(template.error.what, template.error.fix);
      continue;
    }
    for (const part of template.value) {
      if (typeof part === 'string') continue;
      if (literal.includes(String(path[0]))) {
        complain(
          `${part.text} stands within a program text, and its value would become part of the program.`,
          'Hand the value over as one of "arguments", and write "$1" in the text.',
        );
        continue;
      }
      if (written.includes(String(path[0]))) {
        complain(
          `${part.text} cannot stand here: it is wanted as it is written, before anything runs.`,
          'Write the values themselves.',
        );
        continue;
      }
      const found = kindOf(part, known);
      if (typeof found !== 'string') {
        complain(found.what, found.fix);
        continue;
      }
      if (template.value.length > 1) {
        if (found === 'text' || found === 'any') continue;
        complain(`${part.text} is a ${found} and cannot stand within a text.`, 'Let it be the whole value.');
        continue;
      }
      const wanted = kindAt(schema as JsonSchema, path);
      if (wanted === 'any' || found === 'any' || wanted === found || (found === 'secret' && wanted === 'mapping'))
        continue;
      complain(
        `${part.text} is a ${found}, and a ${wanted} is wanted here.`,
        'Name another value, or change its type.',
      );
    }
  }
  return complaints;
}

interface Unknown {
  readonly what: string;
  readonly fix: string;
}

function kindOf(reference: Reference, known: Known): Kind | Unknown {
  const [first = '', ...rest] = reference.path;
  switch (reference.root) {
    case 'params': {
      const type = Object.hasOwn(known.params, first) ? known.params[first] : undefined;
      if (type === undefined)
        return unknown('parameter', first, Object.keys(known.params), 'Declare it under "params".');
      if (rest.length > 0) return { what: `${reference.text} goes too deep.`, fix: `Write params.${first}.` };
      return type === 'list' || type === 'secret' ? type : 'text';
    }
    case 'host':
      return kindInHost(reference);
    case 'facts':
      if (first === 'power' && rest.length === 0) return 'text';
      return unknown('fact', reference.path.join('.'), ['power'], 'Known: power.');
    case 'steps': {
      const [output = '', ...deeper] = rest;
      if (first === known.step) return { what: 'a step cannot use its own output.', fix: 'Name an earlier step.' };
      if (known.later.has(first)) {
        return {
          what: `step "${first}" comes later.`,
          fix: 'Only earlier steps can be referred to: move one of them.',
        };
      }
      if (!known.before.has(first)) return unknown('step', first, known.before.keys(), 'Name an earlier step.');
      const action = known.before.get(first);
      if (action === undefined) return 'any';
      const outputs = (action.output as JsonSchema | undefined)?.properties ?? {};
      const schema = Object.hasOwn(outputs, output) ? outputs[output] : undefined;
      if (schema === undefined) {
        const names = Object.keys(outputs);
        const rest =
          names.length === 0 ? `${action.kind} has no outputs.` : `${action.kind} gives: ${names.join(', ')}.`;
        return { what: `step "${first}" has no output "${output}".`, fix: didYouMean(output, names) || rest };
      }
      return kindAt(schema, deeper);
    }
  }
}

/** Keys of an entry that say where secrets are kept; no plan holds them. */
const secretPlaces: ReadonlySet<string> = new Set(['password', 'passphrase', 'sudo_password', 'environment']);

/** The inventory's entry is in scope with its name, and without where its secrets are. */
function kindInHost(reference: Reference): Kind | Unknown {
  if (reference.path.join('.') === 'name') return 'text';
  const entry: object = HostEntry;
  let schema = entry as JsonSchema;
  for (const [i, step] of reference.path.entries()) {
    // An entry may hold one of several kinds of BMC; what any of them has can be named.
    const branches: readonly JsonSchema[] = schema.anyOf ?? [schema];
    const next =
      schema.type === 'array' && /^\d+$/.test(step)
        ? schema.items
        : branches.map((branch) => propertySchema(branch, step)).find((found) => found !== undefined);
    if (next === undefined || secretPlaces.has(step)) {
      const all = branches.flatMap((branch) => Object.keys(branch.properties ?? {}));
      const names = [...new Set(all)].filter((name) => !secretPlaces.has(name));
      const known = i === 0 ? [...names, 'name'] : names;
      return unknown('value of the host', step, known, `Known: ${known.join(', ')}.`);
    }
    schema = next;
  }
  return kindAt(schema, []);
}

const unknown = (noun: string, word: string, names: Iterable<string>, otherwise: string): Unknown => ({
  what: `unknown ${noun} "${word}".`,
  fix: didYouMean(word, names) || otherwise,
});

/** What kind of value a schema wants at a path; `any` where alternatives leave it open. */
function kindAt(schema: JsonSchema, path: Path): Kind {
  let at: JsonSchema | undefined = schema;
  for (const step of path) {
    at = at?.type === 'array' ? at.items : at === undefined ? undefined : propertySchema(at, String(step));
  }
  switch (at?.type) {
    case 'array':
      return 'list';
    case 'object':
      return 'mapping';
    case 'string':
    case 'integer':
    case 'number':
    case 'boolean':
      return 'text';
    default:
      return at?.enum !== undefined ? 'text' : 'any';
  }
}
