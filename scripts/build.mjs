// Bundles src/ into dist/: one small entry, commands in chunks of their own that load when they are called.
import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { basename, dirname } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';
import { cachedScripts, scriptText, writeCache } from './cached-scripts.mjs';
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

/**
 * node:crypto takes longer to load than a runbook to check, and what is only checked is never hashed. By require(), which these bundles have:
 * process.getBuiltinModule() is younger than some Nodes that people still run.
 */
const lateCrypto = {
  name: 'late-crypto',
  setup(bundle) {
    bundle.onResolve({ filter: /^node:crypto$/ }, ({ namespace }) =>
      namespace === 'late' ? { path: 'node:crypto', external: true } : { path: 'crypto', namespace: 'late' },
    );
    bundle.onLoad({ filter: /.*/, namespace: 'late' }, () => ({
      contents: "exports.hash = (...of) => require('node:crypto').hash(...of);",
      loader: 'js',
    }));
  },
};

/** chalk asks the terminal how much colour it takes; `look.ts` has decided that already, and the question loads node:tty. */
const noColorOfItsOwn = {
  name: 'no-color-of-its-own',
  setup(bundle) {
    bundle.onResolve({ filter: /^#supports-color$/ }, () => ({ path: 'supports-color', namespace: 'decided' }));
    bundle.onLoad({ filter: /.*/, namespace: 'decided' }, () => ({
      contents: 'export default { stdout: false, stderr: false };',
      loader: 'js',
    }));
  },
};

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
/** The way to a plain `validate` is of CommonJS: to set up the loader of ES modules takes a fifth of an empty start. */
const early = (name, file, ...plugins) =>
  build({
    ...common,
    entryPoints: { [`cli/${name}`]: `src/cli/${file}` },
    outExtension: { '.js': '.cjs' },
    format: 'cjs',
    plugins: [lateCrypto, noColorOfItsOwn, ...plugins],
    legalComments: 'linked',
  });
const commands = readdirSync(`${root}src/cli/commands`);
const builds = await Promise.all([
  // Every file costs a start about a millisecond: so --version opens nothing but main.cjs, and `validate` one more and its cache.
  early('main', 'main.ts', cachedScripts(/\/commands\/validate\.ts$/), beside(/\/(program|compose)\.ts$/)),
  early('validate', 'commands/validate.ts', compiledSchemas()),
  build({
    ...common,
    entryPoints: { 'cli/program': 'src/cli/program.ts' },
    plugins: [beside(/\/(compose|commands\/[a-z-]+)\.ts$/)],
    legalComments: 'linked',
  }),
  build({
    ...common,
    entryPoints: {
      'cli/compose': 'src/cli/compose.ts',
      ...Object.fromEntries(commands.map((file) => [`cli/${basename(file, '.ts')}`, `src/cli/commands/${file}`])),
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
  if (basename(path) === 'validate.cjs') {
    writeFileSync(path, scriptText(file.text));
    writeCache(path);
    continue;
  }
  const needsBanner = /\.js$/.test(file.path) && /\brequire\(|__require|__dirname|__filename/.test(file.text);
  writeFileSync(path, needsBanner ? `${banner}\n${file.text}` : file.contents);
}
if (existsSync(`${root}dist`)) renameSync(`${root}dist`, old);
renameSync(fresh, `${root}dist`);
rmSync(old, { recursive: true, force: true });
