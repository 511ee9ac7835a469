// `npm test`: does all the set-up and runs every test. DECOM_LAB=skip leaves the lab out, and says so; `--fast` asks for no more.
import { spawn, spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync, statfsSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('..', import.meta.url));
const say = (line) => process.stdout.write(`${line}\n`);

function run(program, args, options = {}) {
  const { status, error } = spawnSync(program, args, {
    cwd: root,
    stdio: ['ignore', 'inherit', 'inherit'],
    ...options,
  });
  if (error !== undefined) say(`${program}: ${error.message}`);
  return error === undefined && status === 0;
}

function stop(...lines) {
  for (const line of lines) say(line);
  process.exit(1);
}

if (!existsSync(join(root, 'node_modules', 'vitest'))) {
  say('node_modules is missing: npm ci');
  if (!run('npm', ['ci'])) stop('npm ci failed; see above.');
}

const fastOnly = process.argv.includes('--fast');
const withLab = !fastOnly && process.env.DECOM_LAB !== 'skip';
if (withLab) await prepareLab();
if (!run('npm', ['run', '--silent', 'build'])) stop('The build failed; see above.');
const counts = await test(withLab ? [['fast'], ['lab', 'program'], ['machine']] : [['fast']]);
if (!withLab && !fastOnly)
  say('\nTHE LAB WAS SKIPPED (DECOM_LAB=skip): nothing was tried on a real sshd, BMC or virtual machine.');
for (const line of counts.notes) say(line);
say(`\n${counts.passed} passed, ${counts.failed} failed${counts.skipped > 0 ? `, ${counts.skipped} skipped` : ''}`);
process.exit(counts.ok ? 0 : 1);

/** Debian as root: what is missing is installed. Elsewhere it is named, with the command. */
async function prepareLab() {
  const { lab } = await import('./lab.mjs');
  const { installCommand, missingPackages } = await lab('packages.ts');
  const instead = 'Or leave the lab out: DECOM_LAB=skip npm test';
  const install = (missing) => [`  apt-get update && ${installCommand(missing)}`, instead];
  const missing = missingPackages();
  if (missing.length > 0) {
    const names = missing.map(({ name }) => name).join(' ');
    if (!existsSync('/etc/debian_version')) {
      stop(
        `The lab needs a Debian with these packages, which this is not: ${names}`,
        'On one, as root:',
        ...install(missing),
      );
    }
    if (process.getuid() !== 0) stop(`The lab needs: ${names}`, 'As root:', ...install(missing));
    say(`installing what the lab needs: ${names}`);
    const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' };
    run('apt-get', ['update', '-q'], { env });
    if (!run('sh', ['-c', installCommand(missing)], { env }))
      stop('It could not be installed; see above. Try:', ...install(missing));
    const still = missingPackages();
    if (still.length > 0) {
      stop(`Installed, but not found on the PATH: ${still.map(({ program }) => program).join(' ')}`, instead);
    }
  }
  if (process.getuid() !== 0)
    stop('The lab starts a real sshd and builds a disk image, which only root can. As root:', '  npm test', instead);
  const { keptImage, labImage } = await lab('image.ts');
  const recipes = [(await lab('recipe.ts')).practice, (await lab('data-recipe.ts')).dataMachine];
  if (!recipes.every((recipe) => keptImage(recipe))) run('apt-get', ['update', '-q']);
  try {
    // Side by side: most of a build is one process after the other.
    await Promise.all(recipes.map((recipe) => labImage(say, recipe)));
  } catch (error) {
    stop(`A machine of the lab could not be built: ${error.message}`, error.stderr ?? '', instead);
  }
  const { authenticatorLibrary } = await lab('authenticator.ts');
  try {
    await authenticatorLibrary(say);
  } catch (error) {
    stop(`The security key in software could not be fetched: ${error.message}`, error.stderr ?? '', instead);
  }
}

/**
 * Runs the lanes at the same time, as none keeps more than one processor busy for long and most of them wait a lot, and the projects of a lane one after
 * the other; counts by vitest's own JSON. The last lane is shown as it goes, the others when a project is done. A file that fails outside any
 * test counts as a failure.
 */
async function test(lanes) {
  const folder = scratch();
  const alone = lanes.length === 1;
  const ended = await Promise.all(
    lanes.map(async (projects) => {
      const results = [];
      for (const project of projects) {
        results.push(await testProject(project, { folder, alone, shown: projects === lanes.at(-1) }));
      }
      return results;
    }),
  );
  const all = ended.flat();
  const sum = (key) => all.reduce((total, one) => total + one[key], 0);
  return {
    passed: sum('passed'),
    failed: sum('failed'),
    skipped: sum('skipped'),
    ok: all.every((one) => one.ok),
    notes: all.flatMap((one) => one.notes),
  };
}

/** A folder for the files of the fast tests and for the results, gone when this process ends. In memory if there is room: they make thousands of small files. */
function scratch() {
  const folder = inMemory() ?? mkdtempSync(join(tmpdir(), 'decom-test-'));
  process.once('exit', () => {
    try {
      rmSync(folder, { recursive: true, force: true, maxRetries: 3 });
    } catch (error) {
      say(`left behind: ${folder} (${error.message})`);
    }
  });
  for (const signal of ['SIGINT', 'SIGTERM']) process.once(signal, () => process.exit(1));
  return folder;
}

/** Undefined where a folder in memory is too small, no program can be run from it, or another place is asked for. */
function inMemory() {
  if (process.env.TMPDIR !== undefined) return undefined;
  const needed = 2 * 2 ** 30;
  let folder;
  try {
    const { bavail, bsize } = statfsSync('/dev/shm');
    if (Math.min(bavail * bsize, process.availableMemory()) < needed) return undefined;
    folder = mkdtempSync('/dev/shm/decom-');
    const program = join(folder, 'program');
    writeFileSync(program, '#!/bin/sh\n', { mode: 0o755 });
    if (spawnSync(program, { stdio: 'ignore' }).status === 0) return folder;
  } catch {
    // Not Linux, or not ours to write to.
  }
  if (folder !== undefined) rmSync(folder, { recursive: true, force: true });
  return undefined;
}

/** `alone`: it may have every processor. */
async function testProject(project, { folder, shown, alone }) {
  const json = join(folder, `${project}.json`);
  const vitest = join(root, 'node_modules', 'vitest', 'vitest.mjs');
  const args = [
    vitest,
    'run',
    '--project',
    project,
    '--reporter=default',
    '--reporter=json',
    `--outputFile.json=${json}`,
    ...(alone ? ['--maxWorkers=100%'] : []),
  ];
  const output = shown ? 'inherit' : 'pipe';
  const child = spawn(process.execPath, args, {
    cwd: root,
    env: { ...process.env, ...(project === 'fast' ? { TMPDIR: folder } : {}) },
    stdio: ['ignore', output, output],
  });
  const kept = [];
  for (const stream of [child.stdout, child.stderr]) stream?.on('data', (chunk) => kept.push(chunk));
  const code = await new Promise((resolve) => {
    child.once('error', (error) => resolve(error.message));
    child.once('close', (status, signal) => resolve(signal ?? status));
  });
  process.stdout.write(Buffer.concat(kept));
  const good = code === 0;
  if (!existsSync(json)) {
    return {
      passed: 0,
      failed: 1,
      skipped: 0,
      ok: false,
      notes: [`vitest ended without results (${project}: ${code}).`],
    };
  }
  const results = JSON.parse(readFileSync(json, 'utf8'));
  const broken = results.testResults.filter(
    (file) => file.status === 'failed' && file.assertionResults.every((one) => one.status !== 'failed'),
  );
  const passed = results.numPassedTests;
  const failed = results.numFailedTests + broken.length;
  const notes = broken.map((file) => `failed outside its tests: ${file.name}`);
  if (passed === 0) notes.push(`No test of ${project} passed.`);
  if (!good && failed === 0) notes.push(`vitest itself reports a failure (${project}); see above.`);
  return {
    passed,
    failed: failed + (good || failed > 0 ? 0 : 1),
    skipped: results.numTotalTests - passed - results.numFailedTests,
    ok: good && failed === 0 && passed > 0,
    notes,
  };
}
