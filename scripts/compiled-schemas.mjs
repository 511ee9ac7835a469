// An esbuild plugin: compiles all schemas when the program is built, so that it needs no compiler when it runs.
import { join } from 'node:path';
import { Ajv } from 'ajv';
import standaloneCode from 'ajv/dist/standalone/index.js';
import { build } from 'esbuild';
import { fromSource, root } from './from-source.mjs';

/** What a schema is found by: no two have the same. To hash them would bring in node:crypto, at every start. */
const nameOf = (schema) => schema.title ?? schema.description;

/** A schema whose code is longer (characters) is a file of its own, read when something is first checked against it. */
const longest = 40_000;

async function compile(format) {
  const { ajvOptions, editorWords, schemas } = await fromSource(`
    import { actions } from './src/actions/index.ts';
    import { checkedSchemas } from './src/load/checked-schemas.ts';
    export { ajvOptions, editorWords } from './src/load/compile-schema.ts';
    export const schemas = checkedSchemas(actions);
  `);
  const code = (some, esm) => {
    // An ajv of this process: the code generator knows its own objects only.
    const ajv = new Ajv({ ...ajvOptions, code: { source: true, esm } }).addVocabulary(editorWords);
    for (const [key, schema] of some) ajv.addSchema(schema, key);
    return standaloneCode.default(ajv, Object.fromEntries([...some.keys()].map((key) => [key, key])));
  };
  const names = schemas.map(nameOf);
  const twice = names.find((name, i) => name === undefined || names.indexOf(name) !== i);
  if (names.includes(undefined) || twice !== undefined) throw new Error(`two schemas are called "${twice}"`);
  const all = new Map(schemas.map((schema, i) => [`v${i}`, schema]));
  const apart = new Map([...all].filter((one) => code(new Map([one]), true).length > longest));
  const together = new Map([...all].filter(([key]) => !apart.has(key)));
  return {
    files: await Promise.all([...apart].map(async (one) => [one[0], await bundled(code(new Map([one]), false))])),
    module: `${code(together, true)}
${format === 'cjs' ? 'const load = require;' : "import { createRequire } from 'node:module';\nconst load = createRequire(import.meta.url);"}
const compiled = { ${[...together].map(([key, schema]) => `${JSON.stringify(nameOf(schema))}: ${key}`).join(', ')} };
const apart = ${JSON.stringify(Object.fromEntries([...apart].map(([key, schema]) => [nameOf(schema), key])))};
export function compileSchema(schema) {
  const name = schema.title ?? schema.description;
  const key = apart[name];
  const validate = key === undefined ? compiled[name] : load('../schemas/' + key + '.cjs')[key];
  if (validate === undefined) throw new Error('a schema is missing in checkedSchemas (src/load/checked-schemas.ts)');
  return validate;
}
`,
  };
}

async function bundled(contents) {
  const { outputFiles } = await build({
    absWorkingDir: root,
    stdin: { contents, resolveDir: root, loader: 'js' },
    bundle: true,
    write: false,
    format: 'cjs',
    platform: 'node',
    minifyWhitespace: true,
    minifySyntax: true,
  });
  return outputFiles[0].contents;
}

export const compiledSchemas = () => ({
  name: 'compiled-schemas',
  setup(bundle) {
    let files = [];
    bundle.onLoad({ filter: /[\\/]src[\\/]load[\\/]compile-schema\.ts$/ }, async () => {
      const compiled = await compile(bundle.initialOptions.format);
      files = compiled.files;
      return { contents: compiled.module, resolveDir: root, loader: 'js' };
    });
    bundle.onEnd((result) => {
      for (const [key, contents] of files) {
        const path = join(root, bundle.initialOptions.outdir, 'schemas', `${key}.cjs`);
        result.outputFiles.push({ path, contents, text: Buffer.from(contents).toString() });
      }
    });
  },
});
