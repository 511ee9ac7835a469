// Bundles src/ into dist/: one small entry, commands in chunks of their own that load when they are called.
import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { basename, dirname } from 'node:path';
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

/** Leaves modules of src/cli that are loaded later to builds of their own; all of them lie beside each other. */
const beside = (path) => ({
  name: 'beside',
  setup(bundle) {
    bundle.onResolve({ filter: path }, ({ path: file, kind }) =>
      kind === 'dynamic-import' ? { path: `./${basename(file, '.ts')}.js`, external: true } : undefined,
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
  // Its modules, of which most stay out, rather than one of CommonJS that brings all.
  alias: { yaml: `${root}node_modules/yaml/browser/dist/index.js` },
  write: false,
  logLevel: 'warning',
};
const own = (name, file, ...plugins) =>
  build({ ...common, entryPoints: { [`cli/${name}`]: `src/cli/${file}` }, plugins, legalComments: 'linked' });
const others = readdirSync(`${root}src/cli/commands`).filter((file) => file !== 'validate.ts');
const builds = await Promise.all([
  // Every file costs a start about a millisecond: so --version opens nothing but main.js, and `validate` two more.
  own('main', 'main.ts', beside(/\/start\.ts$/)),
  own('start', 'start.ts', beside(/\/(program|commands\/validate)\.ts$/)),
  own('program', 'program.ts', beside(/\/commands\/[a-z-]+\.ts$/)),
  own('validate', 'commands/validate.ts', compiledSchemas(), beside(/\/compose\.ts$/)),
  build({
    ...common,
    entryPoints: {
      'cli/compose': 'src/cli/compose.ts',
      ...Object.fromEntries(others.map((file) => [`cli/${basename(file, '.ts')}`, `src/cli/commands/${file}`])),
    },
    splitting: true,
    chunkNames: 'chunks/[name]-[hash]',
    plugins: [withoutNativeParts, compiledSchemas()],
    legalComments: 'linked',
  }),
]);

// Made beside and swapped in whole, so that a build that fails, or another one at the same time, never leaves half a program.
const fresh = `${root}dist.${process.pid}`;
const old = `${fresh}.old`;
for (const file of builds.flatMap((one) => one.outputFiles)) {
  const path = file.path.replace(`${root}dist`, fresh);
  mkdirSync(dirname(path), { recursive: true });
  const needsBanner = /\.js$/.test(file.path) && /\brequire\(|__require|__dirname|__filename/.test(file.text);
  writeFileSync(path, needsBanner ? `${banner}\n${file.text}` : file.contents);
}
if (existsSync(`${root}dist`)) renameSync(`${root}dist`, old);
renameSync(fresh, `${root}dist`);
rmSync(old, { recursive: true, force: true });
