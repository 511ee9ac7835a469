import { execFileSync, spawnSync } from 'node:child_process';
import { cpSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { auditOf } from '../../src/cli/audit-of.ts';
import { newRedactor, openRunStore } from '../../src/cli/compose.ts';
import { jcs, sha256 } from '../../src/core/json.ts';
import { lineNamespace, sessionNamespace } from '../../src/core/seal.ts';
import { newSigningKey, unarmoured } from '../../src/core/sshsig.ts';
import { statementNamespace } from '../../src/core/statement.ts';
import { settings } from '../faults/bench.ts';
import { type PracticeBench, practiceBench, startMachine } from '../faults/practice.ts';
import { type Ended, endCalls } from '../faults/program.ts';
import { type Person, person } from '../lab/people.ts';

/*
 * What a listed person who drives a run cannot do with a log that they sign anew from its first line: put words into it that another one never
 * said of this run. And what nobody can do to the end of a log that is closed and signed. Each is tried against decom and verify.sh.
 */
let folder: string;
let b: PracticeBench;
let ada: Person;
let grace: Person;
let lines: readonly Fields[];
let run: string;
/** What grace said of the run before, in the words of its log. */
let before: Fields;

type Fields = { readonly [name: string]: unknown };
const fieldsOf = (path: string): readonly Fields[] =>
  readFileSync(join(path, 'audit.jsonl'), 'utf8')
    .split('\n')
    .slice(0, -1)
    .map((line) => JSON.parse(line) as Fields);

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'decom-forged-'));
  const machine = await startMachine(folder);
  b = await practiceBench(machine);
  ada = person(b.folder, 'ada', { roles: ['owner'] });
  grace = person(b.folder, 'grace');
  b.write('allowed_signers', ada.line + grace.line);
  b.write('decom.yaml', `${settings}allowed_signers: allowed_signers\n`);
  b.runbook(
    `- { id: a, uses: checklist, with: { title: Cables, items: [{ id: c, text: Unplug }] }, approvals: { persons: 1 } }`,
  );
  b.write('answers.yaml', 'answers:\n  a: { items: { c: { done: true } } }\n');
  const by = async (who: Person, code: number, ...args: readonly string[]): Promise<void> => {
    const came: Ended = await b.start(args, who.as).ended;
    expect(came.code, `${came.stdout}${came.stderr}`).toBe(code);
  };
  for (let n = 0; n < 2; n++) {
    rmSync(join(b.folder, 'plan.json'), { force: true });
    await b.plan();
    await by(ada, 9, ...b.unattended, '--answers', 'answers.yaml');
    await by(grace, 0, 'approve', basename(b.runs().at(-1) ?? ''));
    await by(ada, 0, 'resume', 'practice', '--non-interactive', '--answers', 'answers.yaml');
  }
  await machine.close();
  const [older = '', newer = ''] = b.runs();
  before = fieldsOf(older).find(({ type }) => type === 'statement.taken') ?? {};
  lines = fieldsOf(newer);
  run = newer;
}, 120_000);
afterAll(async () => {
  await endCalls();
  await b.close();
  rmSync(folder, { recursive: true, force: true });
});

/** What somebody makes of a text in a namespace, by ssh-keygen. */
const signedBy = ({ file }: Person, value: unknown, namespace: string): string | undefined =>
  unarmoured(
    execFileSync('ssh-keygen', ['-q', '-Y', 'sign', '-n', namespace, '-f', file], {
      input: `${jcs(value)}\n`,
      stdio: ['pipe', 'pipe', 'ignore'],
    }).toString(),
  );

/** The log anew, vouched for by ada from its first line on. `bent` changes a line before it is signed. */
function byAda(
  bent: (line: Fields) => Fields,
  { principal = 'ada', of = () => lines, first = String(lines[0]?.prev) } = {},
): string {
  const mine = newSigningKey();
  let prev = first;
  let text = '';
  for (const [seq, { signature: _, ...line }] of of().map(bent).entries()) {
    const opens = line.type === 'session.opened';
    const whole = { ...line, seq, prev, ...(opens ? { seal: { key: mine.publicKey, principal } } : {}) };
    const signature = opens
      ? signedBy(ada, whole, sessionNamespace)
      : mine.sign(Buffer.from(`${jcs(whole)}\n`), lineNamespace);
    const written = `${jcs({ ...whole, signature })}\n`;
    prev = sha256(written);
    text += written;
  }
  return text;
}
const asIs = (): string => readFileSync(join(run, 'audit.jsonl'), 'utf8');
const taken =
  (become: (line: Fields) => Fields) =>
  (line: Fields): Fields =>
    line.type === 'statement.taken' ? become(line) : line;
const own = (line: Fields, change: Fields): Fields => {
  const statement = { ...(line.statement as Fields), ...change };
  return { ...line, statement, signed: signedBy(ada, statement, statementNamespace) };
};

interface Bent {
  readonly log?: () => string;
  readonly change?: (folder: string) => void;
  readonly verdict: 'broken' | 'closed and signed';
  /** What both say of it. */
  readonly why?: RegExp;
}
const gate =
  (become: (line: Fields) => Fields) =>
  (line: Fields): Fields =>
    line.type === 'gate.approved' ? become(line) : line;
/** The approval becomes an answer of ada for a gate, and the gate one that was passed by that answer, but for `change`. */
function waivedByAda(change: Fields): Pick<Bent, 'change'> {
  const reason = 'we said "so",\nand\\that is all; "seq":1';
  let id: unknown;
  const bent = (line: Fields): Fields => {
    if (line.type === 'statement.taken') {
      const { role: _, expires: __, ...statement } = line.statement as Fields;
      id = statement.id;
      return own({ ...line, statement }, { kind: 'waive', by: 'ada', step: 'a', gate: 'window', text: reason });
    }
    if (line.type !== 'gate.approved') return line;
    const { approvals: _, wanted: __, ...passed } = line;
    const trouble = { code: 'window-closed', what: 'it is closed', fix: 'wait' };
    const said = { type: 'gate.waived', gate: 'window', by: 'ada', reason, statement: id, trouble };
    return { ...passed, ...said, ...change };
  };
  return { change: ofPlan({ bent }) };
}
const without = (type: string) => (): readonly Fields[] => lines.filter((line) => line.type !== type);

interface OtherPlan {
  readonly approvals?: { readonly persons: number; readonly roles: readonly string[] };
  readonly effect?: string;
  readonly of?: () => readonly Fields[];
  readonly bent?: (line: Fields) => Fields;
}
/** Puts in the run's place the same one of another plan, of whose only step this was to be approved: grace approved that plan. */
const ofPlan =
  ({ approvals, effect, of = () => lines, bent = (line) => line }: OtherPlan) =>
  (path: string): void => {
    const { intent, ...rest } = JSON.parse(readFileSync(join(path, 'plan.json'), 'utf8')) as {
      readonly intent: { readonly steps: readonly Fields[] };
    };
    const [{ approvals: _, ...step } = {}] = intent.steps;
    const other = {
      ...step,
      ...(approvals === undefined ? {} : { approvals }),
      ...(effect === undefined ? {} : { effect }),
    };
    const is = { ...intent, steps: [other] };
    const digest = sha256(jcs(is));
    writeFileSync(join(path, 'plan.json'), JSON.stringify({ ...rest, intent: is }));
    writeFileSync(join(path, 'intent.json'), jcs(is));
    const anew = (line: Fields): Fields => {
      if (line.type === 'run.opened') return { ...line, intent: digest };
      if (line.type !== 'statement.taken') return bent(line);
      const statement = { ...(line.statement as Fields), intent: digest };
      return bent({ ...line, statement, signed: signedBy(grace, statement, statementNamespace) });
    };
    writeFileSync(join(path, 'audit.jsonl'), byAda(anew, { of, first: digest }));
  };
const last = (change: (line: string) => string): string => {
  const all = asIs().trimEnd().split('\n');
  return `${all.with(-1, change(all.at(-1) ?? '')).join('\n')}\n`;
};
const amended = { type: 'plan.amended', plan: '01KZZZ', intent: '0'.repeat(64), by: 'ada', changes: [], redo: [] };
const ways: { readonly [name: string]: Bent } = {
  'nothing at all': { verdict: 'closed and signed' },
  'signed anew by who drives, word for word': { log: () => byAda((line) => line), verdict: 'closed and signed' },
  'what grace said of another run': {
    log: () => byAda(taken((line) => ({ ...line, statement: before.statement, signed: before.signed }))),
    verdict: 'broken',
  },
  'an approval by a role of who drives': {
    log: () => byAda(taken((line) => own(line, { by: 'role:owner' }))),
    verdict: 'broken',
  },
  'sessions of a role': { log: () => byAda((line) => line, { principal: 'role:owner' }), verdict: 'broken' },
  'words of grace by the key of ada': {
    log: () => byAda(taken((line) => own(line, { text: 'all of it' }))),
    verdict: 'broken',
  },
  'an approval on record that nobody gave': {
    log: () =>
      byAda((line) =>
        line.type === 'gate.approved'
          ? { ...line, approvals: [{ by: 'grace', role: null, statement: '0123456789abcdef' }] }
          : line,
      ),
    verdict: 'broken',
  },
  'an approval on record in a role that it was not given in': {
    log: () =>
      byAda((line) =>
        line.type === 'gate.approved'
          ? { ...line, approvals: (line.approvals as readonly Fields[]).map((one) => ({ ...one, role: 'manager' })) }
          : line,
      ),
    verdict: 'broken',
  },
  'an approval of who drives': {
    log: () =>
      byAda((line) =>
        line.type === 'statement.taken'
          ? own(line, { by: 'ada' })
          : gate((passed) => ({
              ...passed,
              approvals: (passed.approvals as readonly Fields[]).map((one) => ({ ...one, by: 'ada' })),
            }))(line),
      ),
    verdict: 'broken',
    why: /it counts the approval of ada, (and|who)/,
  },
  'an approval that had expired': {
    log: () => byAda(gate((line) => ({ ...line, ts: '2099-01-01T00:00:00.000Z' }))),
    verdict: 'broken',
    why: /it counts the approval of grace, and it (has )?expired/,
  },
  'an approval of another plan': {
    log: () =>
      byAda(
        taken((line) => ({
          ...line,
          type: 'plan.amended',
          plan: 'x',
          intent: 'a'.repeat(64),
          by: 'ada',
          changes: [],
          redo: [],
        })),
      ),
    verdict: 'broken',
  },
  'one approval where two were wanted': {
    log: () => byAda(gate((line) => ({ ...line, wanted: { persons: 2, roles: [] } }))),
    verdict: 'broken',
    why: /fewer approvals than it says are wanted/,
  },
  'one approval, counted twice': {
    log: () =>
      byAda(
        gate((line) => ({
          ...line,
          wanted: { persons: 2, roles: [] },
          approvals: [line.approvals, line.approvals].flat(),
        })),
      ),
    verdict: 'broken',
    why: /fewer approvals than it says are wanted/,
  },
  'no approval where a role was wanted': {
    log: () => byAda(gate((line) => ({ ...line, wanted: { persons: 1, roles: ['owner'] } }))),
    verdict: 'broken',
    why: /fewer approvals than it says are wanted/,
  },
  'no approval, and none wanted': {
    log: () => byAda(gate((line) => ({ ...line, wanted: { persons: 0, roles: [] }, approvals: [] }))),
    verdict: 'broken',
  },
  'a gate that ada answers for, as she said': { ...waivedByAda({}), verdict: 'closed and signed' },
  'a gate that nobody answers for': {
    ...waivedByAda({ statement: '0123456789abcdef' }),
    verdict: 'broken',
    why: /answers for a gate, and that is not on record/,
  },
  'a gate that somebody else answers for': {
    ...waivedByAda({ by: 'grace' }),
    verdict: 'broken',
    why: /answers for a gate, and that is not on record/,
  },
  'an answer to another gate': {
    ...waivedByAda({ gate: 'restore.proven' }),
    verdict: 'broken',
    why: /answers for a gate, and that is not on record/,
  },
  'an answer before another step': {
    ...waivedByAda({ step: 'b' }),
    verdict: 'broken',
    why: /answers for a gate, and that is not on record/,
  },
  'another reason': {
    ...waivedByAda({ reason: 'we said so' }),
    verdict: 'broken',
    why: /answers for a gate, and that is not on record/,
  },
  'the same words on record twice': {
    log: () => {
      const words = lines.find(({ type }) => type === 'statement.taken') ?? {};
      return byAda((line) => (line.type === 'step.planned' ? { ...words, seq: line.seq, ts: line.ts } : line));
    },
    verdict: 'broken',
    why: /what grace said there is on record before it/,
  },
  'a time that is none': {
    log: () => byAda(gate((line) => ({ ...line, ts: 'yesterday' }))),
    verdict: 'broken',
    why: /the line (lacks a time|is damaged)/,
  },
  'another intent.json': {
    change: (path) => {
      const file = join(path, 'intent.json');
      writeFileSync(file, readFileSync(file, 'utf8').replace('"Cables"', '"Nothing"'));
    },
    verdict: 'broken',
    why: /the first line does not belong to intent\.json/,
  },
  'no intent.json': {
    change: (path) => rmSync(join(path, 'intent.json')),
    verdict: 'broken',
    why: /the first line does not belong to intent\.json/,
  },
  'approvals that were wanted left out': {
    log: () => byAda((line) => line, { of: without('gate.approved') }),
    verdict: 'broken',
    why: /step "a" went on without the approvals that its plan wants/,
  },
  'approvals of another plan that wants the same': {
    change: ofPlan({ approvals: { persons: 1, roles: [] } }),
    verdict: 'closed and signed',
  },
  'approvals of a plan that wants two persons': {
    change: ofPlan({ approvals: { persons: 2, roles: [] } }),
    verdict: 'broken',
    why: /step "a" went on without the approvals that its plan wants/,
  },
  'approvals of a plan that wants a role': {
    change: ofPlan({ approvals: { persons: 1, roles: ['manager', 'owner'] } }),
    verdict: 'broken',
    why: /step "a" went on without the approvals that its plan wants/,
  },
  'no approvals before an act that wants them': {
    change: ofPlan({ approvals: { persons: 1, roles: [] }, effect: 'changes', of: without('gate.approved') }),
    verdict: 'broken',
    why: /step "a" went on without the approvals that its plan wants/,
  },
  'no approvals where the plan wants none': {
    change: ofPlan({ of: without('gate.approved') }),
    verdict: 'closed and signed',
  },
  'no approvals before an act that came to nothing': {
    change: ofPlan({
      approvals: { persons: 1, roles: [] },
      effect: 'changes',
      of: () => lines.filter(({ type }) => type !== 'gate.approved' && !String(type).startsWith('operation.')),
    }),
    verdict: 'closed and signed',
  },
  'a plan that the log names and that is gone': {
    log: () =>
      byAda((line) => line, {
        of: () =>
          lines.flatMap((line) =>
            line.type === 'gate.approved'
              ? [
                  {
                    ...line,
                    ...amended,
                    approvals: undefined,
                    direction: undefined,
                    step: undefined,
                    wanted: undefined,
                  },
                  line,
                ]
              : [line],
          ),
      }),
    verdict: 'broken',
  },
  'the last signature moved to the end of its line': {
    log: () => last((line) => line.replace(/^(.*)("signature":"[^"]*"),(.*)\}$/, '$1$3,$2}')),
    verdict: 'broken',
  },
  'the last signature moved to the start of its line': {
    log: () => last((line) => line.replace(/^\{(.*)("signature":"[^"]*",)/, '{$2$1')),
    verdict: 'broken',
  },
  'blanks in the last signature': {
    log: () => last((line) => line.replace(/("signature":".{10})/, '$1 ')),
    verdict: 'broken',
  },
  'a link for a file of output': {
    change: (path) => {
      const ref = firstOut(path);
      cpSync(join(path, 'out', ref), join(path, 'elsewhere'));
      rmSync(join(path, 'out', ref));
      symlinkSync('../elsewhere', join(path, 'out', ref));
    },
    verdict: 'broken',
  },
};
/** The shell with what Debian has beside it, and the one of BusyBox with its own of everything but ssh-keygen. */
const shells: readonly (readonly string[])[] = [
  ['dash'],
  [
    ...['busybox', 'sh', '-c'],
    'bin=$(mktemp -d); busybox --install -s "$bin"; PATH=$bin:$PATH busybox sh "$@"; code=$?; rm -r "$bin"; exit "$code"',
    'busybox',
  ],
];
const firstOut = (path: string): string =>
  String(/"before":\{"bytes":\d+,"sha256":"(\w+)"/.exec(readFileSync(join(path, 'audit.jsonl'), 'utf8'))?.[1]);

test.for(Object.entries(ways))('%s', async ([, { log, change, verdict, why }]) => {
  const state = mkdtempSync(join(tmpdir(), 'decom-bent-'));
  try {
    const copy = join(state, 'runs', 'practice', basename(run));
    cpSync(run, copy, { recursive: true });
    if (log !== undefined) writeFileSync(join(copy, 'audit.jsonl'), log());
    change?.(copy);
    const allowedSigners = join(b.folder, 'allowed_signers');
    const [found] = openRunStore(state, 'auditor', newRedactor()).list();
    if (found === undefined) throw new Error('no run');
    const audit = await auditOf(found, { allowedSigners });
    const said = audit.ok ? { verdict: audit.value.verdict, why: audit.value.breach ?? audit.value.blobs.lost } : audit;
    for (const [shell = '', ...more] of shells) {
      const ran = spawnSync(shell, [...more, join(copy, 'verify.sh'), '-s', allowedSigners], { encoding: 'utf8' });
      const code = verdict === 'broken' ? 6 : 0;
      expect({ verdict, code }, JSON.stringify([said, ran.stdout, ran.stderr])).toEqual({
        verdict: audit.ok ? audit.value.verdict : 'none',
        code: ran.status,
      });
      if (why === undefined) continue;
      expect(audit.ok ? audit.value.breach?.what : '').toMatch(why);
      expect(ran.stdout + ran.stderr).toMatch(why);
    }
  } finally {
    rmSync(state, { recursive: true });
  }
});
