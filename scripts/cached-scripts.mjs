// Scripts of the build that are kept with what V8 makes of them: see src/cli/cached-script.ts, which loads them.
import { spawnSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { basename } from 'node:path';
import { fileURLToPath } from 'node:url';
import { fromSource, root } from './from-source.mjs';

/** An esbuild plugin: modules that are imported later, and whose path fits, are such scripts beside the importing one. */
export const cachedScripts = (path) => ({
  name: 'cached-scripts',
  setup(bundle) {
    bundle.onResolve({ filter: path }, ({ path: file, kind }) =>
      kind === 'dynamic-import' ? { path: basename(file, '.ts'), namespace: 'cached-script' } : undefined,
    );
    bundle.onLoad({ filter: /.*/, namespace: 'cached-script' }, ({ path: name }) => ({
      contents: `import { join } from 'node:path';
import { compileScript, runScript } from './src/cli/cached-script.ts';
const file = join(__dirname, '${name}.cjs');
module.exports = runScript(compileScript(file), file, require);`,
      resolveDir: root,
      loader: 'js',
    }));
  },
});

/** The text of such a script: a function. */
export const scriptText = (text) => `(function (exports, require, module, __filename, __dirname) {${text}\n});`;

/** Writes the cache of the script of `validate`. In a process of its own: V8 keeps what has run, and nothing else may have. */
export function writeCache(file) {
  for (const task of ['write', 'try']) {
    const args = [fileURLToPath(import.meta.url), task, file];
    const { status, stderr } = spawnSync(process.execPath, args, { encoding: 'utf8' });
    if (status !== 0) throw new Error(`no cache of ${file} (${task}): ${stderr}`);
  }
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const [, , task, file] = process.argv;
  const { cacheOf, compileScript, holdBackOptimiser, runScript, sealed } = await fromSource(
    `export * from './src/cli/cached-script.ts';`,
  );
  holdBackOptimiser();
  const script = compileScript(file);
  const { validate } = runScript(script, file, createRequire(file));
  const nowhere = () => {};
  const output = { json: false, result: nowhere, document: nowhere, event: nowhere, note: nowhere, trouble: nowhere };
  const book = `${root}runbooks/linux-server.yaml`;
  const code = await validate({ output, directory: root, environment: {} }, [book]);
  if (code !== 0) throw new Error(`${book} is not valid`);
  if (task === 'try') {
    if (script.cachedDataRejected !== false) throw new Error('V8 rejects it');
  } else {
    writeFileSync(cacheOf(file), sealed(script.createCachedData(), readFileSync(file)));
  }
}
