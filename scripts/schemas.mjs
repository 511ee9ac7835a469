// Writes schemas/*.schema.json from the TypeBox objects of the source. With --check it only tells which are not up to date.
import { readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { fromSource, root } from './from-source.mjs';

const { schemas } = await fromSource(`
  import { actions } from './src/actions/index.ts';
  import { editorSchemas } from './src/load/editor-schema.ts';
  export const schemas = editorSchemas(actions);
`);
const folder = `${root}schemas/`;
const check = process.argv.includes('--check');
const wanted = new Map(
  Object.entries(schemas).map(([name, schema]) => [`${name}.schema.json`, `${JSON.stringify(schema, null, 2)}\n`]),
);
const present = readdirSync(folder).filter((file) => file.endsWith('.schema.json'));
const stale = [...new Set([...wanted.keys(), ...present])].filter(
  (file) => !present.includes(file) || readFileSync(folder + file, 'utf8') !== wanted.get(file),
);
if (check && stale.length > 0) {
  process.stderr.write(`not up to date: ${stale.map((file) => `schemas/${file}`).join(', ')}. Run: npm run schemas\n`);
  process.exitCode = 1;
} else if (!check) {
  for (const file of stale) {
    const text = wanted.get(file);
    if (text === undefined) rmSync(folder + file);
    else writeFileSync(folder + file, text);
  }
  process.stdout.write(`${wanted.size} schemas, ${stale.length} written\n`);
}
