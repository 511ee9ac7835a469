import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { openStage, type Stage } from './interruption.ts';
import type { Called, Ended } from './program.ts';

/*
 * A machine whose programs say more than anybody wants to hear, and what a terminal or a browser would obey.
 */
let s: Stage;

beforeEach(async () => {
  s = await openStage();
});
afterEach(() => s.close());

/** MiB that the process needed at most. Read as it runs: the last look may miss its very end. */
async function mostMemory(called: Called): Promise<{ readonly ended: Ended; readonly most: number }> {
  let most = 0;
  const look = () => {
    try {
      const kib = /^VmHWM:\s+(\d+)/m.exec(readFileSync(`/proc/${called.pid}/status`, 'utf8'))?.[1];
      most = Math.max(most, Number(kib ?? 0) / 1024);
    } catch {
      // It has ended.
    }
  };
  const watch = setInterval(look, 10);
  const ended = await called.ended;
  clearInterval(watch);
  return { ended, most };
}

const command = (id: string, script: string, probe: string) =>
  `- id: ${id}
  title: Says much
  uses: command.run
  on_failure: continue
  with: { shell: '${script}', probe: { argv: [sh, -c, '${probe}'], stdout: never } }`;

const flood = (mebibytes: number) => `head -c ${mebibytes * 1024 * 1024} /dev/zero | tr "\\0" x`;

test('128 MiB on one line, and endless output that is no text, fill no memory and end no run', async () => {
  s.bench.runbook(
    [
      command('line', `${flood(64)}; ${flood(64)} >&2`, `${flood(128)}`),
      command(
        'bytes',
        'head -c 20000000 /dev/urandom',
        'head -c 20000000 /dev/urandom; head -c 20000000 /dev/urandom >&2',
      ),
      '- { id: power, title: Power, uses: power.status, with: { expect: "on" } }',
    ].join('\n'),
  );
  const planned = await mostMemory(s.bench.start(['plan', 'practice', '-o', 'plan.json']));
  expect([0, 4], planned.ended.stderr).toContain(planned.ended.code);
  // A run of ten quiet steps needs some 110 MiB.
  expect(planned.most).toBeGreaterThan(20);
  expect(planned.most).toBeLessThan(300);
});

test('what a machine says moves no cursor, writes no line of its own, and is no markup', async () => {
  const said =
    '\\033[2J\\033]0;title\\007<script>alert(1)</script>\\r\\n12:00:00Z [1/1] power ✓ verified\\342\\200\\256\\377\\300\\n![x](http://x/y)';
  s.bench.runbook(
    [
      `- id: says
  title: Says it
  uses: command.run
  on_failure: continue
  with: { shell: 'printf "${said}"; printf "${said}" >&2; exit 3', probe: { argv: ["false"] } }`,
      '- { id: power, title: Power, uses: power.status, with: { expect: "on" } }',
    ].join('\n'),
  );
  await s.bench.plan();
  const calls = [await s.bench.decom(...s.bench.unattended)];
  expect(calls[0]?.code, calls[0]?.stderr).toBe(0);
  for (const args of [
    ['why', 'practice'],
    ['status', 'practice'],
    ['report', 'practice'],
  ])
    calls.push(await s.bench.decom(...args));
  await s.bench.decom('report', 'practice', '--html', '-o', 'report.html');
  const html = s.bench.read('report.html');
  const log = readFileSync(join(s.bench.runs()[0] ?? '', 'audit.jsonl'), 'utf8');
  expect(log).toContain('alert(1)');
  for (const text of [...calls.map(({ stdout, stderr }) => stdout + stderr), html, log]) {
    expect(text).not.toMatch(/[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e]/);
  }
  expect(html).not.toContain('<script');
  expect(calls.at(-1)?.stdout).not.toMatch(/(?<!\\)<script|(?<!\\)!\[/);
});
