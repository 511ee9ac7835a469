import { execFileSync, spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { sha256 } from '../../src/core/json.ts';
import type { PracticeMachine } from '../../src/practice/practice-machine.ts';
import { settings } from '../faults/bench.ts';
import { until } from '../faults/interruption.ts';
import { type PracticeBench, practiceBench, startMachine } from '../faults/practice.ts';
import { endCalls } from '../faults/program.ts';
import { authenticatorLibrary, securityKey } from '../lab/authenticator.ts';
import { openTerminal } from '../lab/terminal.ts';

/*
 * Logs that people vouch for with their SSH keys, by the built program, judged by it and by `verify.sh` with OpenSSH's own ssh-keygen.
 */
let folder: string;
let machine: PracticeMachine;
let b: PracticeBench;
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'decom-signed-'));
  machine = await startMachine(folder);
});
afterAll(async () => {
  await machine.close();
  rmSync(folder, { recursive: true, force: true });
});
afterEach(async () => {
  await endCalls();
  await b.close();
});

const look = '- { id: look, title: Look at the power, uses: power.status }';
const quiet = '- { id: quiet, title: Wait, uses: wait, with: { for: 14d } }';

/** A key of a person, and its line among the allowed signers. */
function keyOf(person: string, passphrase = ''): { readonly file: string; readonly line: string } {
  const file = join(b.folder, `key-${person}`);
  execFileSync('ssh-keygen', ['-q', '-t', 'ed25519', '-C', person, '-f', file, '-N', passphrase]);
  return { file, line: `${person} ${readFileSync(`${file}.pub`, 'utf8')}` };
}

const program = fileURLToPath(new URL('../../bin/decom.js', import.meta.url));
const env = (file: string) => ({ env: { DECOM_SIGNING_KEY: file } });

/** What `verify.sh` in the run's folder says, by dash and by BusyBox, which have to agree. */
function byScript(...args: readonly string[]): { readonly code: number | null; readonly said: string } {
  const script = join(b.runs().at(-1) ?? '', 'verify.sh');
  const [dash, busybox] = [['dash'], ['busybox', 'sh']].map(([shell = '', ...more]) => {
    const ran = spawnSync(shell, [...more, script, ...args], { encoding: 'utf8' });
    return { code: ran.status, said: `${ran.stdout}${ran.stderr}` };
  });
  expect(busybox).toEqual(dash);
  return dash ?? { code: null, said: '' };
}

test('a run that one person vouched for is closed and signed, by decom and by ssh-keygen', async () => {
  b = await practiceBench(machine);
  const ada = keyOf('ada@example.org');
  b.write('allowed_signers', ada.line);
  b.write('decom.yaml', `${b.read('decom.yaml')}allowed_signers: allowed_signers\n`);
  b.runbook(look);
  await b.plan();
  const ran = await b.start(b.unattended, env(ada.file)).ended;
  expect(ran.code, ran.stderr).toBe(0);
  const verified = await b.decom('audit', 'verify', 'practice');
  expect(verified.stdout).toContain('closed and signed');
  expect(verified.code).toBe(0);
  const script = byScript('-s', join(b.folder, 'allowed_signers'));
  expect(script.said).toContain('closed and signed');
  expect(script.code).toBe(0);
  expect(byScript().code).toBe(12);
  expect((await b.decom('report', 'practice')).stdout).toContain('closed and signed');
});

/** A practice workspace whose logs these people sign. */
async function signedBench(steps: string, ...lines: readonly string[]): Promise<void> {
  b.write('allowed_signers', lines.join(''));
  b.write('decom.yaml', `${settings}allowed_signers: allowed_signers\n`);
  b.runbook(steps);
  await b.plan();
}

test('a run that changes hands names both, and each vouches for the lines of their own', async () => {
  b = await practiceBench(machine);
  const [ada, bob] = [keyOf('ada@example.org'), keyOf('bob@example.org')];
  await signedBench([look, quiet].join('\n'), ada.line, bob.line);
  const ran = await b.start(b.unattended, env(ada.file)).ended;
  expect(ran.code, ran.stderr).toBe(9);
  expect(await b.decom('audit', 'verify', 'practice', '--require-signature')).toMatchObject({ code: 11 });
  const ended = await b.start(['abandon', 'practice', '--reason', 'kept'], env(bob.file)).ended;
  expect(ended.code, ended.stderr).toBe(0);
  const verified = await b.decom('audit', 'verify', 'practice', '--json');
  expect(verified.code).toBe(0);
  const told = JSON.parse(verified.stdout.trim().split('\n').at(-1) ?? '') as {
    readonly head: { readonly hash: string; readonly size: number };
    readonly signatures: unknown;
  };
  expect(told.signatures).toMatchObject({
    sessions: [{ line: 1, signer: 'ada@example.org' }, { signer: 'bob@example.org' }],
    lacks: [],
  });
  for (const command of ['status', 'report'])
    expect((await b.decom(command, 'practice')).stdout).toMatch(
      /ada@example\.org \(login \S+\), bob@example\.org \(login \S+\)/,
    );
  const script = byScript('-s', join(b.folder, 'allowed_signers'));
  expect(script.said).toMatch(/line 1: Good "decom-session@v1" signature for ada@example\.org/);
  expect(script.said).toMatch(/line \d+: Good "decom-session@v1" signature for bob@example\.org/);
  expect(script.code).toBe(0);
});

test('a head that was kept elsewhere has to be in the log', async () => {
  b = await practiceBench(machine);
  const ada = keyOf('ada@example.org');
  await signedBench([look, quiet].join('\n'), ada.line);
  expect((await b.start(b.unattended, env(ada.file)).ended).code).toBe(9);
  const line = (await b.decom('audit', 'verify', 'practice')).stdout;
  const head = /head +([0-9a-f]{64})/.exec(line)?.[1] ?? '';
  expect((await b.start(['abandon', 'practice', '--reason', 'kept'], env(ada.file)).ended).code).toBe(0);
  const held = await b.decom('audit', 'verify', 'practice', '--head', head);
  expect(held).toMatchObject({ code: 0 });
  expect(held.stdout).toMatch(/kept head +is that of line \d+: nothing up to there was changed/);
  expect(byScript('-s', join(b.folder, 'allowed_signers'), '-H', head).code).toBe(0);
  const other = 'ab'.repeat(32);
  const lost = await b.decom('audit', 'verify', 'practice', '--head', other);
  expect(lost).toMatchObject({ code: 6 });
  expect(lost.stdout).toContain('no line up to this one has the head that was kept elsewhere');
  expect(byScript('-s', join(b.folder, 'allowed_signers'), '-H', other).code).toBe(6);
  expect(await b.decom('audit', 'verify', 'practice', '--head', 'zz')).toMatchObject({ code: 2 });
});

test('an unsigned log is never more than intact, and says why', async () => {
  b = await practiceBench(machine);
  b.runbook([look, quiet].join('\n'));
  await b.plan();
  expect((await b.decom(...b.unattended)).code).toBe(9);
  expect(await b.decom('audit', 'verify', 'practice')).toMatchObject({ code: 11 });
  expect(await b.decom('audit', 'verify', 'practice', '--require-signature')).toMatchObject({ code: 12 });
  expect((await b.decom('abandon', 'practice', '--reason', 'kept')).code).toBe(0);
  const verified = await b.decom('audit', 'verify', 'practice');
  expect(verified).toMatchObject({ code: 12 });
  expect(verified.stdout).toContain('Not signed: nobody vouches for the session of');
  expect(byScript().code).toBe(12);
});

test('where logs are signed, nobody who is not listed begins a run, and nothing is begun', async () => {
  b = await practiceBench(machine);
  const [ada, eve] = [keyOf('ada@example.org'), keyOf('eve@example.org')];
  await signedBench(look, ada.line);
  const refused = await b.start(b.unattended, env(eve.file)).ended;
  expect(refused).toMatchObject({ code: 2 });
  expect(refused.stderr).toContain('none of your SSH keys is among the allowed signers');
  expect(refused.stderr).toContain('DECOM_SIGNING_KEY');
  const keyless = await b.decom(...b.unattended);
  expect(keyless).toMatchObject({ code: 2 });
  expect(keyless.stderr).toContain('there is no SSH key of yours to sign the audit log with');
  expect(b.runs()).toEqual([]);
  // The plan is not burnt by it.
  expect((await b.start(b.unattended, env(ada.file)).ended).code).toBe(0);
});

test('a key that cannot sign, or whose signature an auditor would refuse, begins nothing', async () => {
  b = await practiceBench(machine);
  const locked = keyOf('ada@example.org', 'secret');
  await signedBench(look, locked.line);
  const refused = await b.start(b.unattended, env(locked.file)).ended;
  expect(refused).toMatchObject({ code: 2 });
  expect(refused.stderr).toContain('did not sign');
  expect(refused.stderr).toContain('load the key into an agent');
  expect(b.events()).toEqual([]);
  const bob = keyOf('bob@example.org');
  b.write('allowed_signers', bob.line.replace(' ', ' namespaces="git" '));
  const elsewhere = await b.start(['resume', 'practice', '--non-interactive'], env(bob.file)).ended;
  expect(elsewhere.stderr).toContain('the signature of bob@example.org does not hold');
  expect(elsewhere).toMatchObject({ code: 2 });
  expect(b.events()).toEqual([]);
  // It can be taken up once a key that counts is there.
  b.write('allowed_signers', bob.line);
  const resumed = await b.start(
    ['resume', 'practice', '--non-interactive', `--confirm=${machine.identity.serial}`],
    env(bob.file),
  ).ended;
  expect(resumed.code, resumed.stderr).toBe(0);
  expect(await b.decom('audit', 'verify', 'practice')).toMatchObject({ code: 0 });
});

test('a passphrase is asked for at the terminal, and is nowhere afterwards', async () => {
  b = await practiceBench(machine);
  const passphrase = 'correct horse battery';
  const locked = keyOf('ada@example.org', passphrase);
  await signedBench(look, locked.line);
  const at = openTerminal(b.folder);
  try {
    at.type(`DECOM_SIGNING_KEY=${locked.file} ${process.execPath} ${program} run --plan plan.json; echo exit=$?.`);
    at.press('Enter');
    await at.shows('Enter passphrase');
    at.type(passphrase);
    at.press('Enter');
    await at.shows(/exit=\d+\./);
    expect(at.text()).toContain('exit=0.');
    expect(Buffer.from(at.bytes()).toString()).not.toContain(passphrase);
  } finally {
    at.close();
  }
  expect(await b.decom('audit', 'verify', 'practice')).toMatchObject({ code: 0 });
  expect(spawnSync('grep', ['-rF', passphrase, b.state], { encoding: 'utf8' }).stdout).toBe('');
});

test('a key that only an agent holds signs', async () => {
  b = await practiceBench(machine);
  const ada = keyOf('ada@example.org');
  await signedBench(look, ada.line);
  const started = execFileSync('ssh-agent', ['-s'], { encoding: 'utf8' });
  const socket = /SSH_AUTH_SOCK=([^;]+);/.exec(started)?.[1] ?? '';
  const pid = Number(/SSH_AGENT_PID=(\d+);/.exec(started)?.[1]);
  try {
    execFileSync('ssh-add', ['-q', ada.file], {
      env: { PATH: process.env.PATH, SSH_AUTH_SOCK: socket },
      stdio: 'ignore',
    });
    rmSync(ada.file);
    const ran = await b.start(b.unattended, { env: { SSH_AUTH_SOCK: socket } }).ended;
    expect(ran.code, ran.stderr).toBe(0);
  } finally {
    process.kill(pid);
  }
  expect(await b.decom('audit', 'verify', 'practice')).toMatchObject({ code: 0 });
});

test('a key in ~/.ssh that is listed is found among those that are not', async () => {
  b = await practiceBench(machine);
  mkdirSync(join(b.folder, '.ssh'), { mode: 0o700 });
  for (const type of ['ecdsa', 'ed25519']) {
    execFileSync('ssh-keygen', ['-q', '-t', type, '-N', '', '-f', join(b.folder, '.ssh', `id_${type}`)]);
  }
  await signedBench(look, `ada@example.org ${readFileSync(join(b.folder, '.ssh', 'id_ed25519.pub'), 'utf8')}`);
  const ran = await b.decom(...b.unattended);
  expect(ran.code, ran.stderr).toBe(0);
  expect((await b.decom('audit', 'verify', 'practice')).stdout).toContain('closed and signed');
});

test('a list of signers with patterns, authorities or no key is refused by its line', async () => {
  b = await practiceBench(machine);
  const ada = keyOf('ada@example.org');
  await signedBench(look, ada.line);
  for (const [line, what] of [
    [ada.line.replace('ada@', '*@'), 'allowed_signers:2: patterns of names are not allowed'],
    [ada.line.replace(' ', ' cert-authority '), 'allowed_signers:2: certificate authorities are not supported'],
    ['ada@example.org ssh-ed25519\n', 'allowed_signers:2: no public key'],
    [ada.line.replace(' ', '\f'), 'allowed_signers:2: no public key'],
    [ada.line.replace(' ', ' valid-before="20269999" '), 'allowed_signers:2: its "valid-before" is no time'],
    [ada.line.replace(' ', ' valid-after=tomorrow '), 'allowed_signers:2: its "valid-after" is no time'],
  ] as const) {
    b.write('allowed_signers', `  # people\n${line}`);
    const refused = await b.start(b.unattended, env(ada.file)).ended;
    expect(refused).toMatchObject({ code: 2 });
    expect(refused.stderr).toContain(what);
  }
  rmSync(join(b.folder, 'allowed_signers'));
  expect((await b.start(b.unattended, env(ada.file)).ended).stderr).toContain('allowed_signers cannot be read');
  expect(b.runs()).toEqual([]);
});

test('a run is exported as one file that is checked with nothing of decom', async () => {
  b = await practiceBench(machine);
  const ada = keyOf('ada@example.org');
  await signedBench(look, ada.line);
  expect((await b.start(b.unattended, env(ada.file)).ended).code).toBe(0);
  const exported = await b.decom('audit', 'export', 'practice', '-o', 'bundle.tar.gz');
  expect(exported.code, exported.stderr).toBe(0);
  const bundle = readFileSync(join(b.folder, 'bundle.tar.gz'));
  expect(exported.stdout).toContain(`sha256 ${sha256(bundle)}`);
  const out = join(b.folder, 'elsewhere');
  mkdirSync(out);
  execFileSync('tar', ['-xzf', join(b.folder, 'bundle.tar.gz'), '-C', out]);
  const [name = ''] = readdirSync(out);
  const cwd = join(out, name);
  expect(name).toMatch(/^decom-practice-[0-9a-f]{12}$/);
  expect(readdirSync(cwd).sort()).toEqual(
    'SHA256SUMS allowed_signers audit.jsonl intent.json plan.json report.html report.md verify.sh'.split(' '),
  );
  expect(execFileSync('sha256sum', ['-c', '--strict', 'SHA256SUMS'], { cwd, encoding: 'utf8' })).toContain(
    'audit.jsonl: OK',
  );
  const checked = spawnSync('sh', ['verify.sh', '-s', join(b.folder, 'allowed_signers')], { cwd, encoding: 'utf8' });
  expect(checked).toMatchObject({ status: 0 });
  expect(readFileSync(join(cwd, 'report.md'), 'utf8')).toContain('closed and signed');
  const again = await b.decom('audit', 'export', 'practice', '-o', 'bundle.tar.gz');
  expect(again).toMatchObject({ code: 2 });
  expect(again.stderr).toContain('bundle.tar.gz is there already');
  expect(readFileSync(join(b.folder, 'bundle.tar.gz'))).toEqual(bundle);
});

test('the next run keeps the head of the one before, whose log cannot be cut any more, signed or not', async () => {
  b = await practiceBench(machine);
  b.runbook(look);
  for (let i = 0; i < 2; i++) {
    rmSync(join(b.folder, 'plan.json'), { force: true });
    await b.plan();
    expect((await b.decom(...b.unattended)).code).toBe(0);
  }
  const [first = '', second = ''] = b.runs();
  const run = basename(first);
  const held = await b.decom('audit', 'verify', run);
  expect(held).toMatchObject({ code: 12 });
  expect(held.stdout).toMatch(
    new RegExp(`kept by +run ${basename(second)}, which recorded the head of line \\d+ when it began`),
  );
  const log = join(first, 'audit.jsonl');
  const lines = readFileSync(log, 'utf8').split('\n').slice(0, -1);
  writeFileSync(log, `${lines.slice(0, -1).join('\n')}\n`);
  const cut = await b.decom('audit', 'verify', run);
  expect(cut).toMatchObject({ code: 6 });
  expect(cut.stdout).toContain(`run ${basename(second)} recorded another head of this log (${lines.length} lines, `);
  expect((await b.decom('report', run)).code).toBe(6);
});

test.each(['ed25519-sk', 'ecdsa-sk'] as const)(
  'a security key (%s) vouches, and ssh-keygen verifies it',
  async (type) => {
    b = await practiceBench(machine);
    const library = await authenticatorLibrary();
    const file = join(b.folder, 'key');
    const key = securityKey(library, type, file);
    await signedBench(look, `ada@example.org ${key}\n`);
    const ran = await b.start(b.unattended, { env: { DECOM_SIGNING_KEY: file, SSH_SK_PROVIDER: library } }).ended;
    expect(ran.code, ran.stderr).toBe(0);
    const verified = await b.decom('audit', 'verify', 'practice');
    expect(verified.stdout).toContain('closed and signed');
    expect(verified.code).toBe(0);
    expect(byScript('-s', join(b.folder, 'allowed_signers')).code).toBe(0);
  },
);

test('who has a security key that waits is told to touch it', async () => {
  b = await practiceBench(machine);
  const library = await authenticatorLibrary();
  const file = join(b.folder, 'key');
  await signedBench(look, `ada@example.org ${securityKey(library, 'ed25519-sk', file)}\n`);
  const programs = join(b.folder, 'programs');
  const touched = join(b.folder, 'touched');
  mkdirSync(programs);
  const waiting = `case "$*" in *'-Y sign'*) until [ -e ${touched} ]; do sleep 0.1; done ;; esac`;
  const real = execFileSync('sh', ['-c', 'command -v ssh-keygen'], { encoding: 'utf8' }).trim();
  writeFileSync(join(programs, 'ssh-keygen'), `#!/bin/sh\n${waiting}\nexec ${real} "$@"\n`, { mode: 0o755 });
  const env = { DECOM_SIGNING_KEY: file, SSH_SK_PROVIDER: library, PATH: `${programs}:${process.env.PATH}` };
  const call = b.start(b.unattended, { env });
  const hint = `${file} is on a security key, and is to sign as ada@example.org: touch it when it blinks`;
  await until('it is told', () => call.stderr().includes(hint), call);
  writeFileSync(touched, '');
  expect((await call.ended).code).toBe(0);
});

test.each([
  ['ecdsa', '256'],
  ['ecdsa', '521'],
  ['rsa', '3072'],
] as const)('a key of type %s (%s bits) vouches', async (type, bits) => {
  b = await practiceBench(machine);
  const file = join(b.folder, 'key');
  execFileSync('ssh-keygen', ['-q', '-t', type, '-b', bits, '-N', '', '-f', file]);
  await signedBench(look, `ada@example.org ${readFileSync(`${file}.pub`, 'utf8')}`);
  const ran = await b.start(b.unattended, env(file)).ended;
  expect(ran.code, ran.stderr).toBe(0);
  expect(await b.decom('audit', 'verify', 'practice')).toMatchObject({ code: 0 });
  expect(byScript('-s', join(b.folder, 'allowed_signers')).code).toBe(0);
});

test('a key that has expired begins no run and burns no plan, and one that took its place is found beside it', async () => {
  b = await practiceBench(machine);
  const [old, fresh] = ['a-old', 'b-new'].map((name) => keyOf(name));
  const listed = (key: { readonly line: string } | undefined, options: string): string =>
    (key?.line ?? '').replace(/^\S+ /, `ada@example.org ${options}`);
  b.write('allowed_signers', listed(old, 'valid-before="20200101Z" ') + listed(fresh, 'valid-after="20200101Z" '));
  b.write('decom.yaml', `${b.read('decom.yaml')}allowed_signers: allowed_signers\n`);
  b.runbook(look);
  await b.plan();
  const refused = await b.start(b.unattended, env(old?.file ?? '')).ended;
  expect(refused.code).toBe(2);
  expect(refused.stderr).toContain('of ada@example.org has expired (2020-01-01T00:00:00.000Z) [no-signing-key]');
  expect(b.runs()).toEqual([]);
  mkdirSync(join(b.folder, '.ssh'));
  for (const [name, key] of [
    ['id_a', old],
    ['id_b', fresh],
  ] as const)
    for (const end of ['', '.pub'])
      writeFileSync(join(b.folder, '.ssh', name + end), readFileSync((key?.file ?? '') + end), { mode: 0o600 });
  const ran = await b.start(b.unattended).ended;
  expect(ran.code, ran.stderr).toBe(0);
  expect(await b.decom('audit', 'verify', 'practice')).toMatchObject({ code: 0 });
});
