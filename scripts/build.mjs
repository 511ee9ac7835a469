// Bundles src/ into dist/: one small entry, commands in chunks of their own that load when they are called.
import { existsSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';
import { compiledSchemas } from './compiled-schemas.mjs';

const root = fileURLToPath(new URL('..', import.meta.url));
const { version } = JSON.parse(readFileSync(`${root}package.json`, 'utf8'));

// ssh2 looks for files beside itself by __dirname, and it and commander call require(): an ES module has neither.
const banner = [
  "import { createRequire as decomCreateRequire } from 'node:module';",
  "import { dirname as decomDirname } from 'node:path';",
  "import { fileURLToPath as decomFileURLToPath } from 'node:url';",
  'const require = decomCreateRequire(import.meta.url);',
  'const __filename = decomFileURLToPath(import.meta.url);',
  'const __dirname = decomDirname(__filename);',
].join('\n');

/** ssh2 falls back to plain JavaScript where its native parts are missing; the bundle never has them. */
const withoutNativeParts = {
  name: 'without-native-parts',
  setup(bundle) {
    bundle.onResolve({ filter: /\.node$|^cpu-features$/ }, (found) => ({ path: found.path, namespace: 'native-part' }));
    bundle.onLoad({ filter: /.*/, namespace: 'native-part' }, () => ({
      contents: "throw new Error('native parts are not bundled');",
      loader: 'js',
    }));
  },
};

/** Leaves one module of src/cli to a build of its own; all of them lie beside each other. */
const beside = (name) => ({
  name: `${name}-beside`,
  setup(bundle) {
    bundle.onResolve({ filter: new RegExp(`/${name}\\.ts$`) }, ({ importer, kind }) =>
      importer !== '' && kind === 'dynamic-import' ? { path: `./${name}.js`, external: true } : undefined,
    );
  },
});

const common = {
  absWorkingDir: root,
  outdir: 'dist',
  bundle: true,
  format: 'esm',
  platform: 'node',
  target: 'node20.19',
  define: { DECOM_VERSION: JSON.stringify(version) },
  minifyWhitespace: true,
  minifySyntax: true,
  write: false,
  logLevel: 'warning',
};
const commands = await build({
  ...common,
  entryPoints: { 'cli/start': 'src/cli/start.ts', 'cli/compose': 'src/cli/compose.ts' },
  splitting: true,
  chunkNames: 'chunks/[name]-[hash]',
  plugins: [withoutNativeParts, compiledSchemas, beside('validate')],
  legalComments: 'linked',
});
// One file each, as every file costs a start about a millisecond: --version opens nothing but main.js.
const entry = await build({ ...common, entryPoints: { 'cli/main': 'src/cli/main.ts' }, plugins: [beside('start')] });
const validate = await build({
  ...common,
  entryPoints: { 'cli/validate': 'src/cli/commands/validate.ts' },
  plugins: [compiledSchemas, beside('compose')],
});

// Made beside and swapped in whole, so that a build that fails, or another one at the same time, never leaves half a program.
const fresh = `${root}dist.${process.pid}`;
const old = `${fresh}.old`;
for (const file of [...commands.outputFiles, ...entry.outputFiles, ...validate.outputFiles]) {
  const path = file.path.replace(`${root}dist`, fresh);
  mkdirSync(dirname(path), { recursive: true });
  const needsBanner = /\.js$/.test(file.path) && /\brequire\(|__require|__dirname|__filename/.test(file.text);
  writeFileSync(path, needsBanner ? `${banner}\n${file.text}` : file.contents);
}
if (existsSync(`${root}dist`)) renameSync(`${root}dist`, old);
renameSync(fresh, `${root}dist`);
rmSync(old, { recursive: true, force: true });
