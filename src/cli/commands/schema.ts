import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { didYouMean } from '../../core/diagnostic.ts';
import { trouble } from '../../core/result.ts';
import { type ExitCode, exit } from '../exit.ts';
import type { Invocation } from '../invocation.ts';
import { packageFolder } from '../package-files.ts';
import { refuse } from '../refuse.ts';

const suffix = '.schema.json';

/** Prints one of the shipped JSON Schemas, or their names. */
export async function schema(invocation: Invocation, kind: string | undefined): Promise<ExitCode> {
  const folder = join(packageFolder(), 'schemas');
  const kinds = readdirSync(folder)
    .filter((file) => file.endsWith(suffix))
    .map((file) => file.slice(0, -suffix.length))
    .sort();
  if (kind === undefined) {
    invocation.output.result({ type: 'schemas', message: `schemas: ${kinds.join(', ')}`, kinds }, [
      ...kinds,
      'Next: decom schema KIND',
    ]);
    return exit.done;
  }
  if (!kinds.includes(kind)) {
    const fix = didYouMean(kind, kinds) || `Known kinds: ${kinds.join(', ')}`;
    return refuse(invocation, [trouble('unknown-schema', `there is no schema "${kind}"`, fix)]);
  }
  const text = readFileSync(join(folder, `${kind}${suffix}`), 'utf8');
  invocation.output.result(
    { type: 'schema', message: `schema ${kind}`, kind, schema: JSON.parse(text) as unknown },
    text.trimEnd().split('\n'),
  );
  return exit.done;
}
