// `npm test`: does all the set-up and runs every test. DECOM_LAB=skip leaves the lab out, and says so; `--fast` asks for no more.
import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
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
const counts = test(withLab ? ['fast', 'lab'] : ['fast']);
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
  if (!keptImage()) run('apt-get', ['update', '-q']);
  try {
    await labImage(say);
  } catch (error) {
    stop(`The practice machine could not be built: ${error.message}`, error.stderr ?? '', instead);
  }
}

/** Runs vitest and counts by its own JSON. A file that fails outside any test counts as a failure. */
function test(projects) {
  const folder = mkdtempSync(join(tmpdir(), 'decom-test-'));
  const json = join(folder, 'results.json');
  try {
    const vitest = join(root, 'node_modules', 'vitest', 'vitest.mjs');
    const reporters = ['--reporter=default', '--reporter=json', `--outputFile.json=${json}`];
    const only = projects.flatMap((project) => ['--project', project]);
    const good = run(process.execPath, [vitest, 'run', ...only, ...reporters]);
    if (!existsSync(json))
      return { passed: 0, failed: 1, skipped: 0, ok: false, notes: ['vitest ended without results.'] };
    const results = JSON.parse(readFileSync(json, 'utf8'));
    const broken = results.testResults.filter(
      (file) => file.status === 'failed' && file.assertionResults.every((one) => one.status !== 'failed'),
    );
    const passed = results.numPassedTests;
    const failed = results.numFailedTests + broken.length;
    const skipped = results.numTotalTests - passed - results.numFailedTests;
    const notes = broken.map((file) => `failed outside its tests: ${file.name}`);
    if (passed === 0) notes.push('No test passed.');
    if (!good && failed === 0) notes.push('vitest itself reports a failure; see above.');
    return {
      passed,
      failed: failed + (good || failed > 0 ? 0 : 1),
      skipped,
      ok: good && failed === 0 && passed > 0,
      notes,
    };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
