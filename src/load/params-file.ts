import type { Diagnostic } from '../core/diagnostic.ts';
import { fail, ok, type Result } from '../core/result.ts';
import type { Given } from './param.ts';
import { parseSource } from './source.ts';

/** Reads a file of parameters, `name: text` or `name: [text, …]`, as if each had been given with `-p`. */
export function parseParams(bytes: Uint8Array, file: string): Result<Given, readonly Diagnostic[]> {
  const source = parseSource(bytes, file);
  if (!source.ok) return source;
  const root = source.value;
  const fault = (place: typeof root.place, what: string, fix: string): Diagnostic => ({
    code: 'wrong-type',
    ...place,
    what,
    fix,
  });
  if (root.kind !== 'map')
    return fail([fault(root.place, 'the file must be a mapping.', 'Write "name: value" lines.')]);
  const faults: Diagnostic[] = [];
  const given: [string, string | readonly string[]][] = [];
  for (const { key, value } of root.entries) {
    if (value.kind === 'text') given.push([key, value.text]);
    else if (value.kind === 'list' && value.items.every((item) => item.kind === 'text')) {
      given.push([key, value.items.flatMap((item) => (item.kind === 'text' ? [item.text] : []))]);
    } else faults.push(fault(value.place, `"${key}" must be a text or a list of texts.`, 'Correct it.'));
  }
  return faults.length > 0 ? fail(faults) : ok(Object.fromEntries(given));
}
