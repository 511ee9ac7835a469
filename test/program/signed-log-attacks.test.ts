import { execFileSync, spawnSync } from 'node:child_process';
import { cpSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { auditOf } from '../../src/cli/audit-of.ts';
import { newRedactor, openRunStore } from '../../src/cli/compose.ts';
import { jcs, sha256 } from '../../src/core/json.ts';
import { lineNamespace, sessionNamespace } from '../../src/core/seal.ts';
import { newSigningKey, unarmoured } from '../../src/core/sshsig.ts';
import { type PracticeBench, practiceBench, startMachine } from '../faults/practice.ts';
import { endCalls } from '../faults/program.ts';

/*
 * Every way that we know of to bend a signed log, tried on a real one: each is found, at the line that was touched or the one after it,
 * by decom and by verify.sh with the same verdict; and none ever passes as closed and signed.
 */
let folder: string;
let b: PracticeBench;
let signers: string;
/** The run that is attacked, and an older one of the same host. */
let run: string;
let older: string;
let lines: readonly string[];
let keys: { readonly ada: string; readonly bob: string; readonly eve: string };

const steps = `- { id: a, title: Look at the power, uses: power.status }
- { id: b, title: Look again, uses: power.status }
- { id: quiet, title: Wait, uses: wait, with: { for: 14d } }`;

/** A run that ada begins and that parks, and that bob ends: two sessions, two people. */
async function handedOver(): Promise<void> {
  rmSync(join(b.folder, 'plan.json'), { force: true });
  await b.plan();
  const ran = await b.start(b.unattended, { env: { DECOM_SIGNING_KEY: keys.ada } }).ended;
  expect(ran.code, ran.stderr).toBe(9);
  const ended = await b.start(['abandon', 'practice', '--reason', 'given back'], {
    env: { DECOM_SIGNING_KEY: keys.bob },
  }).ended;
  expect(ended.code, ended.stderr).toBe(0);
}

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'decom-attacks-'));
  const machine = await startMachine(folder);
  b = await practiceBench(machine);
  keys = { ada: join(b.folder, 'ada'), bob: join(b.folder, 'bob'), eve: join(b.folder, 'eve') };
  for (const file of Object.values(keys)) execFileSync('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-f', file]);
  signers = join(b.folder, 'allowed_signers');
  writeFileSync(
    signers,
    `ada ${readFileSync(`${keys.ada}.pub`, 'utf8')}bob ${readFileSync(`${keys.bob}.pub`, 'utf8')}`,
  );
  b.write('decom.yaml', `${b.read('decom.yaml')}allowed_signers: allowed_signers\n`);
  b.runbook(steps);
  await handedOver();
  await handedOver();
  await machine.close();
  [older = '', run = ''] = b.runs();
  lines = readFileSync(join(run, 'audit.jsonl'), 'utf8').split('\n').slice(0, -1);
}, 120_000);
afterAll(async () => {
  await endCalls();
  await b.close();
  rmSync(folder, { recursive: true, force: true });
});

interface Attack {
  readonly name: string;
  readonly log?: (lines: readonly string[]) => string;
  /** What else is changed in a copy of the run's folder. */
  readonly change?: (folder: string) => void;
  /** The allowed signers to judge by, where they are others. */
  readonly signers?: string;
  readonly verdict: Verdict | readonly Verdict[];
  /** The lines that the breach may be told at. */
  readonly at?: readonly number[];
}
type Verdict = 'broken' | 'intact but open' | 'intact but unsigned' | 'closed and signed';
const codes: { readonly [V in Verdict]: number } = {
  ...{ 'closed and signed': 0, broken: 6, 'intact but open': 11, 'intact but unsigned': 12 },
};

type Fields = { [name: string]: unknown };
const joined = (all: readonly string[]): string => all.map((line) => `${line}\n`).join('');
const fields = (line: string): Fields => JSON.parse(line) as Fields;
const without = (line: string, ...names: readonly string[]): Fields =>
  Object.fromEntries(Object.entries(fields(line)).filter(([name]) => !names.includes(name)));

/** Writes all lines anew: numbered, chained and canonical, as one who has no key could. `sign` may sign again. */
function rechained(all: readonly Fields[], first: string, sign = (line: Fields): Fields => line): string {
  let prev = first;
  return joined(
    all.map((line, seq) => {
      const text = jcs(sign({ ...line, seq, prev }));
      prev = sha256(`${text}\n`);
      return text;
    }),
  );
}
const strange = newSigningKey();
const stranger = (line: Fields): string => strange.sign(Buffer.from(`${jcs(line)}\n`), lineNamespace);
const firstOf = (all: readonly string[]): string => String(fields(all[0] ?? '{}').prev);

/** What `key` makes of a line in a namespace, by ssh-keygen. */
function signedBy(file: string, line: Fields, namespace: string): Fields {
  const signed = execFileSync('ssh-keygen', ['-q', '-Y', 'sign', '-n', namespace, '-f', file], {
    input: `${jcs(line)}\n`,
    stdio: ['pipe', 'pipe', 'ignore'],
  });
  return { ...line, signature: unarmoured(signed.toString()) };
}

/** The whole log again under a key of the attacker's own, each session vouched for by `file` in `namespace`. */
function forged(all: readonly string[], file: string, namespace: string): string {
  const mine = newSigningKey();
  return rechained(
    all.map((line) => without(line, 'signature')),
    firstOf(all),
    (line) => {
      if (line.type === 'session.opened') {
        return signedBy(file, { ...line, seal: { ...(line.seal as Fields), key: mine.publicKey } }, namespace);
      }
      return { ...line, signature: mine.sign(Buffer.from(`${jcs(line)}\n`), lineNamespace) };
    },
  );
}

const closed = (all: readonly string[]): boolean => all.some((line) => line.includes('"type":"run.closed"'));
const edited = (line: string): string =>
  line.replace(/"ts":"20(\d\d)/, (_, year: string) => `"ts":"20${Number(year) - 1}`);
/** One bit of a line, by a fixed rule that reaches every part of lines. */
function flipped(line: string, at: number): string {
  const bytes = Buffer.from(line);
  const place = (at * 7919 + 13) % bytes.length;
  bytes[place] = (bytes[place] ?? 0) ^ (1 << (at % 7));
  return bytes.toString('latin1');
}

function attacks(): readonly Attack[] {
  const at = (line: number): readonly number[] => [line, line + 1];
  const each = lines.flatMap((line, i): readonly Attack[] => {
    const n = i + 1;
    const change = (name: string, log: Attack['log'], more: Partial<Attack> = {}): Attack => ({
      ...{ name: `${name} line ${n}`, log: log ?? joined, verdict: 'broken', at: at(n) },
      ...more,
    });
    const last = n === lines.length;
    // Without its second line no run was opened, and yet there are files in out/.
    const cut: Verdict = i < 2 ? 'broken' : closed(lines.slice(0, i)) ? 'intact but unsigned' : 'intact but open';
    return [
      change('edit', (all) => joined(all.with(i, edited(line)))),
      change('flip a bit of', (all) => joined(all.with(i, flipped(line, i)))),
      change('flip another bit of', (all) => joined(all.with(i, flipped(line, i + 401)))),
      change('repeat', (all) => joined(all.toSpliced(i, 0, line))),
      change('insert one before', (all) => joined(all.toSpliced(i, 0, lines[0] ?? ''))),
      change('edit and re-chain from', (all) => rechained(all.with(i, edited(line)).map(fields), firstOf(all)), {
        at: [n],
      }),
      change('take the signature off, and re-chain from', (all) => {
        const bare = all.map(fields).with(i, without(line, 'signature'));
        return rechained(bare, firstOf(all));
      }),
      ...(fields(line).type === 'session.opened'
        ? []
        : [
            change('sign by another key, and re-chain from', (all) =>
              rechained(all.map(fields), firstOf(all), (of) =>
                of.seq === i ? { ...of, signature: stranger(without(jcs(of), 'signature')) } : of,
              ),
            ),
          ]),
      change('cut before', (all) => joined(all.slice(0, i)), { verdict: cut, at: [] }),
      ...(last ? [] : [change('delete', (all) => joined(all.toSpliced(i, 1)))]),
      ...(last ? [] : [change('swap with the next', (all) => joined(all.toSpliced(i, 2, all[i + 1] ?? '', line)))]),
      change('tear', (all) => joined(all.slice(0, i)) + line.slice(0, line.length / 2), {
        verdict: cut,
        at: [],
      }),
    ];
  });
  const old = readFileSync(join(older, 'audit.jsonl'), 'utf8').split('\n').slice(0, -1);
  const out = (path: string): string => join(path, 'out', readdirSync(join(path, 'out'))[0] ?? '');
  const listed = (name: string, text: string): string => {
    const file = join(folder, name);
    writeFileSync(file, text);
    return file;
  };
  const [ada = '', bob = ''] = readFileSync(signers, 'utf8').split('\n');
  /** Where bob takes the run over from ada. */
  const bobs = lines.findLastIndex((line) => fields(line).type === 'session.opened');
  const referring = lines.findIndex((line) => line.includes('"sha256":"')) + 1;
  const verified = lines.findIndex((line) => fields(line).type === 'step.verified');
  /** What the log was before bob came: a run that waits, or whose process was killed. */
  const adas = (all: readonly string[]): readonly Fields[] => all.slice(0, bobs).map(fields);
  const planted: Fields = { ...without(lines[verified] ?? '', 'signature'), ts: '2026-11-22T00:00:00.000Z' };
  return [
    ...each,
    { name: 'nothing', verdict: 'closed and signed' },
    {
      name: 'strip the signatures but for those of the first lines, and re-chain',
      log: (all) =>
        rechained(
          all.map((line) => (fields(line).type === 'session.opened' ? fields(line) : without(line, 'signature'))),
          firstOf(all),
        ),
      ...{ verdict: 'broken', at: [2] },
    },
    {
      name: 'strip the last signature',
      log: (all) => joined(all.with(-1, jcs(without(all.at(-1) ?? '', 'signature')))),
      ...{ verdict: 'broken', at: [lines.length] },
    },
    {
      name: 'strip every signature and re-chain',
      log: (all) =>
        rechained(
          all.map((line) => without(line, 'signature', 'seal')),
          firstOf(all),
        ),
      verdict: 'intact but unsigned',
    },
    {
      name: 'plant evidence at the end of a run that waits',
      log: (all) => rechained([...adas(all), planted], firstOf(all)),
      ...{ verdict: 'broken', at: [bobs + 1] },
    },
    {
      name: 'plant evidence in the middle of a run that waits',
      log: (all) => rechained(adas(all).toSpliced(verified, 0, planted), firstOf(all)),
      ...{ verdict: 'broken', at: [verified + 1] },
    },
    {
      name: 'plant evidence with the signature of another line',
      log: (all) =>
        rechained([...adas(all), { ...planted, signature: fields(all[verified] ?? '').signature }], firstOf(all)),
      ...{ verdict: 'broken', at: [bobs + 1] },
    },
    {
      name: 'plant evidence as a session that nobody vouches for',
      log: (all) => rechained([...adas(all), without(all[0] ?? '', 'signature', 'seal'), planted], firstOf(all)),
      verdict: 'intact but open',
    },
    {
      name: 'add a line after the end',
      log: (all) =>
        rechained(
          [...all.map(fields), { ts: '2026-11-22T00:00:00.000Z', type: 'host.claimed', v: 1, where: 'x' }],
          firstOf(all),
        ),
      ...{ verdict: 'broken', at: [lines.length + 1] },
    },
    { name: 'put another run’s log in its place', log: () => joined(old), verdict: 'broken', at: [1] },
    {
      name: 'splice another run’s second half to it',
      log: (all) => joined([...all.slice(0, bobs), ...old.slice(bobs)]),
      ...{ verdict: 'broken', at: [bobs + 1] },
    },
    {
      name: 'splice another run’s second half to it, re-chained',
      log: (all) => rechained([...all.slice(0, bobs), ...old.slice(bobs)].map(fields), firstOf(all)),
      ...{ verdict: 'broken', at: [bobs + 1] },
    },
    {
      name: 'sign all with a key that is not allowed',
      log: (all) => forged(all, keys.eve, sessionNamespace),
      verdict: 'broken',
      at: [1],
    },
    {
      name: 'sign all with another person’s key',
      log: (all) => forged(all, keys.bob, sessionNamespace),
      verdict: 'broken',
      at: [1],
    },
    { name: 'sign all for another purpose', log: (all) => forged(all, keys.ada, 'git'), verdict: 'broken', at: [1] },
    {
      name: 'use a key that nobody vouched for',
      log: (all) => {
        const mine = newSigningKey();
        return rechained(all.map(fields), firstOf(all), (line) => {
          if (line.type === 'session.opened') return line;
          const { signature: _, ...rest } = line;
          return { ...rest, signature: mine.sign(Buffer.from(`${jcs(rest)}\n`), lineNamespace) };
        });
      },
      ...{ verdict: 'broken', at: [2] },
    },
    {
      name: 'judge by a list without the first signer',
      signers: listed('only-bob', `${bob}\n`),
      verdict: 'broken',
      at: [1],
    },
    {
      name: 'judge by a list without the second signer',
      signers: listed('only-ada', `${ada}\n`),
      verdict: 'broken',
      at: [bobs + 1],
    },
    {
      name: 'judge by a list whose keys had expired',
      signers: listed('expired', `${ada.replace('ada ', 'ada valid-before="20200101" ')}\n${bob}\n`),
      ...{ verdict: 'broken', at: [1] },
    },
    {
      name: 'judge by a list whose keys are for another purpose',
      signers: listed('for-git', `${ada.replace('ada ', 'ada namespaces="git" ')}\n${bob}\n`),
      ...{ verdict: 'broken', at: [1] },
    },
    { name: 'judge by an empty list', signers: listed('empty', ''), verdict: 'broken', at: [1] },
    {
      name: 'change a file of output',
      change: (path) => writeFileSync(out(path), 'other'),
      verdict: 'broken',
      at: [referring],
    },
    { name: 'remove a file of output', change: (path) => rmSync(out(path)), verdict: 'broken', at: [referring] },
    {
      name: 'put another file of output in its place',
      change: (path) => cpSync(join(path, 'audit.jsonl'), out(path)),
      ...{ verdict: 'broken', at: [referring] },
    },
    { name: 'empty the log', log: () => '', verdict: 'broken', at: [1] },
    {
      name: 'fill the end with zeros',
      log: (all) => `${joined(all)}${'\0'.repeat(2048)}`,
      verdict: 'intact but unsigned',
    },
    { name: 'add garbage', log: (all) => `${joined(all)}garbage\n`, verdict: 'broken', at: [lines.length + 1] },
  ];
}

/** Puts an attack's files where both verifiers look, and asks them. */
async function judged(attack: Attack): Promise<{
  readonly program: Verdict;
  readonly line: number | undefined;
  readonly script: number | null;
  readonly said: string;
}> {
  const state = mkdtempSync(join(tmpdir(), 'decom-attacked-'));
  try {
    const copy = join(state, 'runs', 'practice', basename(run));
    cpSync(run, copy, { recursive: true });
    if (attack.log !== undefined) writeFileSync(join(copy, 'audit.jsonl'), attack.log(lines), 'latin1');
    attack.change?.(copy);
    const allowedSigners = attack.signers ?? signers;
    const [found] = openRunStore(state, 'auditor', newRedactor()).list();
    if (found === undefined) throw new Error('no run');
    const audit = await auditOf(found, { allowedSigners });
    if (!audit.ok) throw new Error(JSON.stringify(audit.error));
    const { verdict, breach, blobs } = audit.value;
    const ran = spawnSync('sh', [join(copy, 'verify.sh'), '-s', allowedSigners], { encoding: 'utf8' });
    return {
      program: verdict,
      line: breach?.line ?? blobs.lost[0]?.line,
      script: ran.status,
      said: `${ran.stdout}${ran.stderr}`,
    };
  } finally {
    rmSync(state, { recursive: true });
  }
}

test('every attack is found, by decom and by verify.sh alike', async () => {
  const all = attacks();
  const passed: unknown[] = [];
  for (const attack of all) {
    const is = await judged(attack);
    const wanted = [attack.verdict].flat();
    const told = attack.at === undefined || attack.at.length === 0 || attack.at.includes(is.line ?? 0);
    const scriptLine = Number(/^Line (\d+):/m.exec(is.said)?.[1] ?? 0);
    const same =
      codes[is.program] === is.script && (is.program !== 'broken' || Math.abs(scriptLine - (is.line ?? 0)) <= 1);
    if (!wanted.includes(is.program) || !told || !same)
      passed.push({ attack: attack.name, wanted, at: attack.at, ...is });
  }
  console.log(`${all.length} attacks`);
  expect(passed).toEqual([]);
  expect(all.length).toBeGreaterThan(200);
}, 300_000);
