// An esbuild plugin: compiles all schemas when the program is built, so that it needs no compiler when it runs.
import { createHash } from 'node:crypto';
import { Ajv } from 'ajv';
import standaloneCode from 'ajv/dist/standalone/index.js';
import { fromSource, root } from './from-source.mjs';

const keyOf = (schema) => createHash('sha256').update(JSON.stringify(schema)).digest('hex').slice(0, 16);

async function compiledModule() {
  const { ajvOptions, editorWords, schemas } = await fromSource(`
    import { actions } from './src/actions/index.ts';
    import { checkedSchemas } from './src/load/checked-schemas.ts';
    export { ajvOptions, editorWords } from './src/load/compile-schema.ts';
    export const schemas = checkedSchemas(actions);
  `);
  // An ajv of this process: the code generator knows its own objects only.
  const ajv = new Ajv({ ...ajvOptions, code: { source: true, esm: true } }).addVocabulary(editorWords);
  const names = {};
  for (const schema of schemas) {
    const key = keyOf(schema);
    if (names[`v${key}`] !== undefined) continue;
    names[`v${key}`] = key;
    ajv.addSchema(schema, key);
  }
  return `${standaloneCode.default(ajv, names)}
import { createHash } from 'node:crypto';
const compiled = { ${Object.keys(names).join(', ')} };
export function compileSchema(schema) {
  const key = createHash('sha256').update(JSON.stringify(schema)).digest('hex').slice(0, 16);
  const validate = compiled['v' + key];
  if (validate === undefined) throw new Error('a schema is missing in checkedSchemas (src/load/checked-schemas.ts)');
  return validate;
}
`;
}

export const compiledSchemas = {
  name: 'compiled-schemas',
  setup(bundle) {
    bundle.onLoad({ filter: /[\\/]src[\\/]load[\\/]compile-schema\.ts$/ }, async () => ({
      contents: await compiledModule(),
      resolveDir: root,
      loader: 'js',
    }));
  },
};
