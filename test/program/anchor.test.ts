import { execFileSync, spawn } from 'node:child_process';
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { chmodSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import type { PracticeMachine } from '../../src/practice/practice-machine.ts';
import { settings } from '../faults/bench.ts';
import { type PracticeBench, practiceBench, startMachine } from '../faults/practice.ts';
import { endCalls } from '../faults/program.ts';

/*
 * Heads that are kept where nobody who can change a log can write: by a program of the operator's, and by the shipped examples.
 */
const examples = fileURLToPath(new URL('../../docs/examples', import.meta.url));
let folder: string;
let machine: PracticeMachine;
let b: PracticeBench | undefined;
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'decom-anchor-'));
  machine = await startMachine(folder);
});
afterAll(async () => {
  await machine.close();
  rmSync(folder, { recursive: true, force: true });
});
afterEach(async () => {
  await endCalls();
  await b?.close();
  b = undefined;
});

const look = '- { id: look, title: Look at the power, uses: power.status }';

/** A run of one step, with an anchor program that does `script`. */
async function ran(script: string, timeout = '30s'): Promise<PracticeBench> {
  const bench = await practiceBench(machine);
  b = bench;
  bench.write('keep.sh', `#!/bin/sh\n${script}\n`);
  chmodSync(join(bench.folder, 'keep.sh'), 0o755);
  bench.write('decom.yaml', `${settings}anchor: { argv: [./keep.sh, with, words], timeout: ${timeout} }\n`);
  bench.runbook(look);
  await bench.plan();
  return bench;
}

test('the head goes to the program when a process ends, and what it says stays with the log', async () => {
  const bench = await ran('cat >>heads; echo "kept as $1 $2"');
  const done = await bench.decom(...bench.unattended);
  expect(done.code, done.stderr).toBe(0);
  expect(done.stderr).toMatch(/the head of \d+ lines is kept elsewhere: [0-9a-f]{64}/);
  const head = JSON.parse(bench.read('heads')) as { readonly [name: string]: unknown };
  const kept = bench.events().find(({ type }) => type === 'head.kept');
  expect(head).toEqual({
    format: 1,
    run: expect.stringMatching(/^[0-9a-f]{12}$/),
    host: 'practice',
    size: kept?.seq,
    hash: expect.stringMatching(/^[0-9a-f]{64}$/),
  });
  if (kept?.type !== 'head.kept') throw new Error('no head was kept');
  expect(kept).toMatchObject({ size: head.size, hash: head.hash });
  const run = bench.runs().at(-1) ?? '';
  expect(readFileSync(join(run, 'out', kept.answer.sha256), 'utf8')).toBe('kept as with words\n');
  const verified = await bench.decom('audit', 'verify', 'practice', '--head', String(head.hash));
  expect(verified.stdout).toContain(`kept head  is that of line ${String(head.size)}`);
  // What it said is part of the record.
  rmSync(join(run, 'out', kept.answer.sha256));
  expect(await bench.decom('audit', 'verify', 'practice')).toMatchObject({ code: 6 });
});

test('a program that cannot keep it is on record and told, and the run has ended all the same', async () => {
  const bench = await ran('echo no disk >&2; exit 3');
  const done = await bench.decom(...bench.unattended);
  expect(done.code, done.stderr).toBe(0);
  expect(done.stderr).toContain('the head was not kept elsewhere');
  expect(done.stderr).toContain('the anchor program ./keep.sh ended with 3');
  expect(done.stderr).toContain('no disk');
  expect(bench.events().map(({ type }) => type)).toContain('head.not-kept');
  expect(bench.events().at(-1)?.type).toBe('session.closed');
  expect(await bench.decom('audit', 'verify', 'practice')).toMatchObject({ code: 12 });
});

test('a program that hangs is ended when its time is over; one that is missing is named', async () => {
  const bench = await ran('sleep 600', '300ms');
  const done = await bench.decom(...bench.unattended);
  expect(done.code, done.stderr).toBe(0);
  expect(done.stderr).toContain('the anchor program ./keep.sh did not end within 0.3 s');
  rmSync(join(bench.folder, 'keep.sh'));
  rmSync(join(bench.folder, 'plan.json'));
  await bench.plan();
  expect((await bench.decom(...bench.unattended)).stderr).toContain(
    'the anchor program ./keep.sh cannot be run: ENOENT',
  );
});

const head = `{"format":1,"run":"0123456789ab","host":"web01","size":7,"hash":"${'ab'.repeat(32)}"}`;
const example = (name: string, ...args: readonly string[]): string =>
  execFileSync(join(examples, name), args, { input: `${head}\n`, encoding: 'utf8' });

test('the example with git keeps each head as a commit', () => {
  const repository = join(folder, 'heads');
  mkdirSync(repository);
  const git = (...args: readonly string[]): string =>
    execFileSync('git', args, { cwd: repository, encoding: 'utf8' }).trim();
  git('init', '-q');
  git('config', 'user.name', 'heads');
  git('config', 'user.email', 'heads@example.org');
  const commit = example('anchor-git', repository).trim();
  expect(git('rev-parse', 'HEAD')).toBe(commit);
  expect(git('log', '-1', '--format=%s')).toBe(head);
});

test('the example with syslog sends it to a server', async () => {
  const server = createSocket('udp4');
  server.bind(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  const heard = once(server, 'message');
  const child = spawn(join(examples, 'anchor-syslog'), ['--server', '127.0.0.1', '--port', String(port), '--udp']);
  child.stdin.end(`${head}\n`);
  const [code] = (await once(child, 'close')) as [number];
  expect(code).toBe(0);
  expect(String((await heard)[0])).toContain(head);
  server.close();
});

test('the example with a time stamping authority keeps a reply that openssl verifies', () => {
  const at = (name: string): string => join(folder, name);
  writeFileSync(
    at('tsa.conf'),
    `[req]\ndistinguished_name = dn\nprompt = no\nx509_extensions = ext\n[dn]\nCN = practice authority\n[ext]\nextendedKeyUsage = critical,timeStamping\n
[tsa]\ndefault_tsa = one\n[one]\nserial = ${at('serial')}\nsigner_cert = ${at('tsa.pem')}\nsigner_key = ${at('tsa.key')}\nsigner_digest = sha256\ndefault_policy = 1.2.3.4.1\ndigests = sha256\ness_cert_id_alg = sha256\n`,
  );
  writeFileSync(at('serial'), '01\n');
  execFileSync(
    'openssl',
    [
      ...['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-days', '2'],
      ...['-config', at('tsa.conf'), '-keyout', at('tsa.key'), '-out', at('tsa.pem')],
    ],
    { stdio: 'ignore' },
  );
  writeFileSync(
    at('authority'),
    `#!/bin/sh\ncat >"$0.query"\nopenssl ts -reply -config ${at('tsa.conf')} -queryfile "$0.query" 2>/dev/null\n`,
    { mode: 0o755 },
  );
  const reply = Buffer.from(example('anchor-timestamp', at('tsa.pem'), at('authority')), 'base64');
  writeFileSync(at('reply'), reply);
  const verify = (digest: string): string =>
    execFileSync('openssl', ['ts', '-verify', '-digest', digest, '-in', at('reply'), '-CAfile', at('tsa.pem')], {
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'ignore'],
    });
  expect(verify('ab'.repeat(32))).toContain('Verification: OK');
  expect(() => verify('cd'.repeat(32))).toThrow();
  expect(() => example('anchor-timestamp', at('tsa.pem'), 'false')).toThrow();
});
