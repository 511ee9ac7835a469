// Writes schemas/*.schema.json and docs/actions.md from the TypeBox objects of the source. With --check it only tells which are not up to date.
import { existsSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { actionsText } from './actions-text.mjs';
import { fromSource, root } from './from-source.mjs';

const { actions, schemas } = await fromSource(`
  import { actions } from './src/actions/index.ts';
  export { actions };
  import { editorSchemas } from './src/load/editor-schema.ts';
  export const schemas = editorSchemas(actions);
`);
const check = process.argv.includes('--check');
const wanted = new Map(
  Object.entries(schemas).map(([name, schema]) => [
    `schemas/${name}.schema.json`,
    `${JSON.stringify(schema, null, 2)}\n`,
  ]),
);
wanted.set('docs/actions.md', actionsText(actions));
const present = [
  ...readdirSync(`${root}schemas`).flatMap((file) => (file.endsWith('.schema.json') ? [`schemas/${file}`] : [])),
  ...(existsSync(`${root}docs/actions.md`) ? ['docs/actions.md'] : []),
];
const stale = [...new Set([...wanted.keys(), ...present])].filter(
  (file) => !present.includes(file) || readFileSync(root + file, 'utf8') !== wanted.get(file),
);
if (check && stale.length > 0) {
  process.stderr.write(`not up to date: ${stale.join(', ')}. Run: npm run schemas\n`);
  process.exitCode = 1;
} else if (!check) {
  for (const file of stale) {
    const text = wanted.get(file);
    if (text === undefined) rmSync(root + file);
    else writeFileSync(root + file, text);
  }
  process.stdout.write(`${wanted.size} files, ${stale.length} written\n`);
}
