import { spawn, spawnSync } from 'node:child_process';
import { chmodSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { actions } from '../../src/actions/index.ts';
import { approved } from '../faults/approved.ts';
import { runbook as runbookOf } from '../faults/bench.ts';
import { openStage, type Stage } from '../faults/interruption.ts';
import type { Ended } from '../faults/program.ts';
import { login, run } from '../practice/login.ts';

/*
 * Every action in one run, with every source of a secret but a person, and with commands that print what they were given. strace notes the
 * arguments and the environment of each program that is started here, however short it lives.
 */
let s: Stage;

beforeEach(async () => {
  s = await openStage();
});
afterEach(() => s.close());

const bin = fileURLToPath(new URL('../../bin/decom.js', import.meta.url));

/** Each with letters that are written in another way in JSON, in a URL and in a shell. */
const canaries = {
  env: `Zq7eW4jXvR8m/+"x y`,
  file: `Zq7fT5kYbN9p'$%&`,
  command: 'Zq7cH6gLdM2s<>ö',
};
/** What no text may hold: pieces of them that no encoder changes, also as base64 has them at each place. */
const pieces = [
  ...Object.values(canaries).flatMap((value) => [value, value.slice(0, 8), value.slice(4, 12)]),
  ...Object.values(canaries).flatMap((value) =>
    [0, 1, 2].map((n) =>
      Buffer.from(`${'x'.repeat(n)}${value}`)
        .toString('base64')
        .slice(4, 12),
    ),
  ),
];

const step = (id: string, uses: string, input?: string): string =>
  `- id: ${id}\n  title: ${id}\n  uses: ${uses}${input === undefined ? '' : `\n  with: ${input}`}`;

function runbook(): string {
  const given = '{ ONE: { env: CANARY }, TWO: { file: canary }, THREE: { command: [cat, ./handed] } }';
  // Enough that the end which is kept begins in the middle of a secret; then each as a program may write it.
  const prints =
    'n=0; while [ "$n" -lt 90 ]; do printf "%s %s %s|" "$ONE" "$TWO" "$THREE"; n=$((n+1)); done; printf "%s" "$ONE$TWO$THREE" | base64; set -x; : "$ONE" "$TWO" "$THREE"; export -p >&2; exit 3';
  const [folder] = s.machine.folders;
  return [
    step('identity', 'identity.check'),
    step('status', 'power.status', '{ expect: "on" }'),
    step('survey', 'host.survey'),
    step('light', 'bmc.locate', '{ light: "on" }'),
    `${step('prints', 'command.run', `{ shell: '${prints}', secrets: ${given}, probe: { argv: ["false"] } }`)}\n  on_failure: continue`,
    step(
      'keeps',
      'command.run',
      `{ shell: 'printf "%s\\n" "$ONE" "$TWO" "$THREE" > ${s.folder}/kept', secrets: ${given}, probe: { argv: [cat, ${s.folder}/kept], contains: redacted } }`,
    ),
    step('start', 'service.start', '{ unit: app.service }'),
    step('unused', 'use.check', '{ watch: 1s }'),
    step('stop', 'service.stop', '{ unit: app.service }'),
    step('files', 'backup.archive', `{ from: [${folder}], to: ${s.bench.vault} }`),
    step('proof', 'restore.verify', '{ backup: "${{ steps.files.backup }}" }'),
    step('mirror', 'backup.rsync', `{ from: [${folder}], to: ${s.bench.vault} }`),
    step('form', 'checklist', '{ items: [{ id: cable, text: The cable is out }] }'),
    step('shred', 'disk.destroy', '{ how: shred, why: it failed, disks: [{ serial: D-1 }] }'),
    step('sure', 'confirm', '{ question: Is it the right one? }'),
    step('while', 'wait', '{ for: 1s }'),
    step('retire', 'inventory.retire'),
    step('off', 'power.off', '{ grace: 5m }'),
  ].join('\n');
}

let calls = 0;
const traces = (): readonly string[] =>
  readdirSync(s.folder)
    .filter((name) => name.startsWith('exec.'))
    .map((name) => join(s.folder, name));

/** `decom` under strace, and what it said. With -D nobody waits for what stays behind it: a connection that ssh keeps for ten seconds. */
function decom(
  args: readonly string[],
  given: { readonly CANARY?: string } = { CANARY: canaries.env },
): Promise<Ended> {
  calls += 1;
  const noted = join(s.folder, `exec.${calls}`);
  const argv = ['-D', '--seccomp-bpf', '-f', '-qq', '-v', '-s', '100000', '-e', 'trace=execve', '-o', noted];
  return new Promise((resolve) => {
    const child = spawn('strace', [...argv, process.execPath, bin, ...args], {
      cwd: s.bench.folder,
      env: { PATH: process.env.PATH ?? '', HOME: s.bench.folder, LANG: 'C.UTF-8', ...given },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    const said = { stdout: '', stderr: '' };
    for (const stream of ['stdout', 'stderr'] as const) {
      child[stream].setEncoding('utf8').on('data', (chunk: string) => {
        said[stream] += chunk;
      });
    }
    child.on('close', (code, signal) => resolve({ code, signal, ...said }));
  });
}

test('a secret stands in no argument, no other program’s environment, no file, and nothing that is shown, whichever action runs', async () => {
  s.bench.write('canary', `${canaries.file}\n`);
  s.bench.write('handed', `${canaries.command}\n`);
  for (const file of ['canary', 'handed']) chmodSync(join(s.bench.folder, file), 0o600);
  // Over the ssh program more is started here than over ssh2.
  s.bench.edit('hosts.yaml', '      config: none', '      config: none\n      transport: openssh');
  // A wire answers even when the machine behind it is off.
  s.bench.edit('hosts.yaml', `port: ${s.bench.ssh.port}`, `port: ${s.machine.ssh.port}`);
  s.bench.runbook(runbook());
  // It is to be the last use of a BMC, and takes long to be over where the machine is off.
  s.bench.write('runbooks/fresh.yaml', runbookOf(step('fresh', 'bmc.reset')));
  s.bench.write(
    'answers.yaml',
    'answers:\n  form: { items: { cable: { done: true, note: seen } } }\n  shred: { items: { serial-1: { done: true, note: D-1 }, destroyed-1: { done: true, note: bob } } }\n  sure: { confirm: true, note: sure }\n',
  );
  // Its network is the computer's own: these look at it, and are blocked.
  s.bench.write(
    'runbooks/network.yaml',
    runbookOf(
      `${step('identity', 'identity.check')}\n${step('cut', 'network.isolate')}\n${step('cut-off', 'network.check', '{ since: "${{ steps.cut.since }}" }')}`,
    ),
  );
  // It answers, so it is not dead; and it has no such disk.
  s.bench.write(
    'runbooks/dead.yaml',
    runbookOf(`${step('attest', 'identity.attest', '{ over: 1s }')}\n${step('power', 'power.cut')}`),
  );
  s.bench.write(
    'runbooks/erase.yaml',
    runbookOf(`${step('erase', 'disk.erase', '{ level: clear, disks: [{ serial: none }] }')}`),
  );
  // It runs no database server.
  s.bench.write('runbooks/databases.yaml', runbookOf(step('dump', 'backup.postgres', `{ to: ${s.bench.vault} }`)));
  const written = ['faults', 'fresh', 'network', 'dead', 'erase', 'databases']
    .map((name) => s.bench.read(`runbooks/${name}.yaml`))
    .join('');
  const used = new Set([...written.matchAll(/uses: (\S+)/g)].map(([, kind]) => kind));
  expect(actions.map(({ kind }) => kind).filter((kind) => !used.has(kind))).toEqual([]);

  const client = await login(s.machine);
  expect((await run(client, 'systemctl stop app.service')).code).toBe(0);
  client.end();

  const unattended = ['--non-interactive', `--confirm=${s.machine.identity.serial}`, '--answers', 'answers.yaml'];
  // A variable that neither the inventory nor the runbook names is one like any other.
  const said = [await decom(['plan', 'practice', '-r', 'fresh', '-o', 'fresh.json'], {})];
  said.push(await decom(['run', '--plan', 'fresh.json', ...unattended.slice(0, 2)], {}));
  expect(said.at(-1)?.code, said.at(-1)?.stderr).toBe(0);
  said.push(await decom(['plan', 'practice', '-r', 'network', '-o', 'network.json'], {}));
  said.push(await decom(['run', '--plan', 'network.json', '--dry-run', '--non-interactive'], {}));
  expect(said.at(-1)?.code, said.at(-1)?.stdout).toBe(4);
  for (const name of ['dead', 'erase', 'databases']) {
    said.push(await decom(['plan', 'practice', '-r', name, '-o', `${name}.json`], {}));
    said.push(await decom(['run', '--plan', `${name}.json`, '--dry-run', '--non-interactive'], {}));
    expect(said.at(-1)?.code, said.map(({ stdout, stderr }) => stdout + stderr).join('')).toBe(4);
  }
  said.push(await decom(['plan', 'practice', '-r', 'faults', '-o', 'plan.json']));
  said.push(await decom(['run', '--plan', 'plan.json', ...approved(s.bench.folder), ...unattended]));
  // While it waits: what a command has left is seen by this plan before it needs any secret itself.
  expect(said.at(-1)?.code, said.map(({ stdout, stderr }) => stdout + stderr).join('')).toBe(9);
  said.push(await decom(['plan', 'practice', '-r', 'faults', '-o', 'second.json']));
  expect(s.bench.read('second.json')).toContain('[redacted]');
  said.push(await decom(['resume', 'practice', ...unattended]));
  while (said.at(-1)?.code === 9) said.push(await decom(['resume', 'practice', ...unattended]));
  expect(said.at(-1)?.code, said.map(({ stdout, stderr }) => stdout + stderr).join('')).toBe(0);
  for (const args of [
    ['report', 'practice'],
    ['report', 'practice', '--html', '-o', 'report.html'],
    ['audit', 'export', 'practice', '-o', 'bundle.tar.gz'],
  ]) {
    said.push(await decom(args));
  }
  const unpacked = spawnSync('tar', ['-xzOf', 'bundle.tar.gz'], { cwd: s.bench.folder, encoding: 'utf8' });
  expect(unpacked.stdout.length).toBeGreaterThan(1000);

  const texts: { readonly [where: string]: string } = {
    ...Object.fromEntries(said.map(({ stdout, stderr }, n) => [`call ${n}`, stdout + stderr])),
    bundle: unpacked.stdout,
    ...Object.fromEntries(
      readdirSync(s.bench.folder, { recursive: true, withFileTypes: true })
        .filter((entry) => entry.isFile() && !['canary', 'handed', 'bmc-password'].includes(entry.name))
        .map((entry) => join(entry.parentPath, entry.name))
        // Copies hold what the machine holds.
        .filter((path) => !path.startsWith(s.bench.vault))
        .map((path) => [path, readFileSync(path, 'utf8')]),
    ),
  };
  const found = Object.entries(texts).flatMap(([where, text]) =>
    [...pieces, s.machine.bmc.password].filter((piece) => text.includes(piece)).map((piece) => ({ where, piece })),
  );
  expect(found).toEqual([]);
  expect(
    s.bench.runs().flatMap((run) => readdirSync(run).map((file) => statSync(join(run, file)).mode & 0o077)),
  ).toEqual(expect.not.arrayContaining([expect.toSatisfy((mode: number) => mode !== 0)]));

  const started = traces().flatMap((file) =>
    readFileSync(file, 'utf8')
      .split('\n')
      .filter((line) => line.includes('execve(')),
  );
  // Each call of decom itself was given the variable by whoever called it.
  const others = started.filter((line) => !line.includes(bin));
  for (const program of ['ssh', 'tar', 'rsync', 'cat']) {
    expect(
      others.some((line) => line.includes(`execve("/usr/bin/${program}"`)),
      program,
    ).toBe(true);
  }
  const secretOf = [...Object.values(canaries).map((value) => value.slice(0, 8)), s.machine.bmc.password];
  expect(others.filter((line) => secretOf.some((piece) => line.includes(piece)))).toEqual([]);
  expect(started.filter((line) => line.includes(bin)).length).toBe(said.length);
});
