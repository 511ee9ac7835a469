import { copyFileSync, existsSync, mkdirSync, mkdtempSync, readdirSync, realpathSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { Recorded } from '../../src/core/event.ts';
import type { PracticeMachine } from '../../src/practice/practice-machine.ts';
import { settings } from '../faults/bench.ts';
import { holdIn } from '../faults/hold.ts';
import { type PracticeBench, practiceBench, startMachine } from '../faults/practice.ts';
import { person } from '../lab/people.ts';
import { poll } from '../lab/poll.ts';
import { openTerminal, type Terminal } from '../lab/terminal.ts';

const root = fileURLToPath(new URL('../..', import.meta.url));
const keys = '[c,s,d,l,q,?]';

let home: string;
let machine: PracticeMachine;
let bench: PracticeBench;
let terminal: Terminal | undefined;

beforeEach(async () => {
  home = realpathSync(mkdtempSync(join(tmpdir(), 'decom-prompts-')));
  machine = await startMachine(home);
  bench = await practiceBench(machine);
});

afterEach(async () => {
  terminal?.close();
  terminal = undefined;
  await bench.close();
  await machine.close();
  rmSync(home, { recursive: true, force: true });
});

/** `decom ARGS` typed into a terminal, with its exit code behind it. */
function typed(args: string, path = process.env.PATH ?? '', columns = 160, env = ''): Terminal {
  const opened = openTerminal(bench.folder, columns);
  terminal = opened;
  opened.type(`${env}PATH='${path}' ${process.execPath} ${join(root, 'bin/decom.js')} ${args}; echo exit=$?.`);
  opened.press('Enter');
  return opened;
}

const began = (step: string): readonly Recorded[] =>
  bench.events().filter((event) => event.type === 'operation.intended' && event.step === step);

/** The terminal is as it was: cursor there, lines edited and echoed by the kernel. */
async function expectSane(at: Terminal): Promise<void> {
  expect(at.cursorShown()).toBe(true);
  at.type('stty -a | tr ";" "\\n"');
  at.press('Enter');
  await at.shows(/ icanon /);
  expect(at.text()).toMatch(/ echo /);
  expect(at.text()).not.toMatch(/-icanon|-echo /);
}

const asking = `
- id: look
  title: Look at the power
  uses: power.status
- id: told
  title: Tell the users
  uses: confirm
  with: { question: "Do the users know?" }
- id: unplugged
  title: Unplug it
  uses: checklist
  with:
    title: Unplugged
    items:
      - { id: power, text: Power cables }
      - { id: net, text: Network cables }
`;

/** What to type to come to each question of the runbook above, and what it ends with. */
const questions: readonly (readonly [name: string, way: readonly (readonly [string, string])[], shown: string])[] = [
  ['before a step', [], `[2/3] told — Tell the users ${keys}`],
  ['for a reason to skip', [[keys, 's']], '(goes on record) [b,q,?]'],
  ['in a confirmation', [[keys, 'c']], 'Do the users know? [y,n,q,?]'],
  [
    'in a checklist',
    [
      [keys, 'c'],
      ['Do the users know? [y,n,q,?]', 'yes'],
      [`[3/3] unplugged — Unplug it ${keys}`, 'c'],
    ],
    '[y,n,q,?]',
  ],
];

async function come(at: Terminal, way: readonly (readonly [string, string])[], shown: string): Promise<void> {
  for (const [question, answer] of way) {
    await at.endsWith(question);
    at.type(answer);
    at.press('Enter');
  }
  await at.endsWith(shown);
}

describe.each(questions)('%s', (_, way, shown) => {
  beforeEach(() => bench.runbook(asking));

  test('Ctrl-C stops the run with 130, names the way back, and leaves the terminal sane', async () => {
    const at = typed('run practice');
    await come(at, way, shown);
    at.press('C-c');
    await at.shows('exit=130.');
    expect(at.text()).toMatch(/Next: decom resume [0-9a-f]{12}/);
    expect(bench.events().at(-1)).toMatchObject({ type: 'session.closed', exit: 130 });
    await expectSane(at);
  });

  test('the end of the input stops it with 3, and never with 0', async () => {
    const at = typed('run practice');
    await come(at, way, shown);
    at.press('C-d');
    await at.shows('exit=3.');
    expect(at.text()).toMatch(/Next: decom resume [0-9a-f]{12}/);
    expect(bench.events().at(-1)).toMatchObject({ type: 'session.closed', exit: 3 });
    await expectSane(at);
  });

  test('a closed terminal stops it, and the log says so', async () => {
    const at = typed('run practice');
    await come(at, way, shown);
    at.close();
    terminal = undefined;
    await poll('the end of the session in the log', () =>
      bench.events().at(-1)?.type === 'session.closed' ? true : undefined,
    );
    expect(bench.events().at(-1)).toMatchObject({ type: 'session.closed', exit: 129 });
  });
});

test('where lines are signed, what ssh-keygen says of its files does not stand between those of the run', async () => {
  bench.runbook(asking);
  const ada = person(bench.folder, 'ada@example.org');
  bench.write('allowed_signers', ada.line);
  bench.write('decom.yaml', `${settings}allowed_signers: allowed_signers\n`);
  const at = typed('run practice', undefined, 160, `DECOM_SIGNING_KEY='${ada.file}' `);
  await at.endsWith(keys);
  expect(at.text()).toContain('[1/3] look');
  expect(at.text()).not.toMatch(/Signing file|Write signature/);
});

test('Ctrl-C before a wait stops the run with 130; the wait is counted from where it first started', async () => {
  bench.runbook('- { id: quiet, title: Wait, uses: wait, with: { for: 14d } }');
  const at = typed('run practice');
  await at.endsWith(`[1/1] quiet — Wait ${keys}`);
  at.press('C-c');
  await at.shows('exit=130.');
  await expectSane(at);
  const started = bench.events().find((event) => event.type === 'step.started')?.ts ?? '';
  const end = new Date(Date.parse(started) + 14 * 86_400_000).toISOString();
  at.type('clear');
  at.press('Enter');
  at.type(`${process.execPath} ${join(root, 'bin/decom.js')} resume practice; echo exit=$?.`);
  at.press('Enter');
  await at.endsWith(`[1/1] quiet — Wait ${keys}`);
  at.type('c');
  at.press('Enter');
  await at.shows('exit=9.');
  expect(bench.events().find((event) => event.type === 'run.parked')).toMatchObject({ until: end });
});

test('connections that are cut while a confirmation and a checklist stand do no harm', async () => {
  bench.runbook(
    `- { id: identity, title: Identity, uses: identity.check }\n${asking.trim()}\n- { id: again, title: Look again, uses: identity.check }`,
  );
  const at = typed('run practice');
  const cut = (): void => {
    bench.ssh.cut();
    bench.bmc.cut();
  };
  await come(at, [[`told — Tell the users ${keys}`, 'c']], 'Do the users know? [y,n,q,?]');
  cut();
  at.type('yes');
  at.press('Enter');
  await come(at, [[`unplugged — Unplug it ${keys}`, 'c']], '(1/2) Power cables [y,n,q,?]');
  cut();
  for (const item of ['(1/2) Power cables', '(2/2) Network cables']) {
    await at.endsWith(`${item} [y,n,q,?]`);
    at.type('y');
    at.press('Enter');
  }
  await at.shows('exit=0.');
  expect(bench.ssh.cuts()).toBe(2);
});

test('plain terminals get plain lines: not one escape character', async () => {
  bench.runbook(asking);
  const at = typed('run practice --accessible');
  await come(at, questions[3]?.[1] ?? [], '[y,n,q,?]');
  at.type('y label P-17');
  at.press('Enter');
  await at.endsWith('(2/2) Network cables [y,n,q,?]');
  at.type('y');
  at.press('Enter');
  await at.shows('exit=0.');
  const said = Buffer.from(at.bytes());
  expect(said.includes('Power cables')).toBe(true);
  expect(said.includes(0x1b)).toBe(false);
});

test('a piped yes answers nothing: 64, and no run is made', async () => {
  bench.runbook(asking);
  const opened = openTerminal(bench.folder);
  terminal = opened;
  opened.type(`yes | ${process.execPath} ${join(root, 'bin/decom.js')} run practice; echo exit=$?.`);
  opened.press('Enter');
  await opened.shows('exit=64.');
  expect(opened.text()).toContain('nothing was done');
  expect(existsSync(bench.state) ? readdirSync(bench.state) : []).toEqual([]);
});

test('keys pressed before the question do not begin the irreversible step, nor does a wrong serial; the typed one does', async () => {
  mkdirSync(join(bench.folder, 'runbooks'), { recursive: true });
  copyFileSync(join(root, 'runbooks/practice.yaml'), join(bench.folder, 'runbooks/practice.yaml'));
  const { serial } = machine.identity;
  const data = machine.folders.join(',');
  const held = holdIn(join(home, 'bin'), 'tar', '-x*');
  const at = typed(
    `run practice -r practice -p services=app.service,web.service -p data=${data} -p vault=${bench.vault} -p grace=1m -p watch=1s`,
    `${join(home, 'bin')}:${process.env.PATH ?? ''}`,
  );
  await come(
    at,
    [
      [`told — Tell the users ${keys}`, 'c'],
      ['stop now? [y,n,q,?]', 'yes'],
      [`stop — Stop the services and keep them from coming back ${keys}`, 'c'],
    ],
    `last-copy — Take the last copy ${keys}`,
  );
  at.type('c');
  at.press('Enter');
  await at.endsWith(`proof — Restore the last copy to a scratch place and compare every file ${keys}`);
  at.type('c');
  at.press('Enter');
  // While the proof runs: everything that would begin it, too early.
  const grave = `(irreversible) ${keys}`;
  await poll('the proof to be under way', () => (held.calls() > 0 ? true : undefined));
  for (const early of ['', 'c', serial]) {
    at.type(early);
    at.press('Enter');
  }
  held.letGo();
  await at.endsWith(grave);
  expect(began('power-off')).toEqual([]);
  at.type('c');
  at.press('Enter');
  for (const wrong of ['', 'yes', 'practice', serial.slice(0, -1)]) {
    await at.endsWith('in full [b,q,?]');
    at.type(wrong);
    at.press('Enter');
    await at.shows(wrong === '' ? 'Nothing was typed' : 'That is not the serial number');
  }
  await at.endsWith('in full [b,q,?]');
  expect(began('power-off')).toEqual([]);
  at.type(serial);
  at.press('Enter');
  await poll('the irreversible step to begin', () => (began('power-off').length > 0 ? true : undefined));
  const agreed = bench.events().filter((event) => event.type === 'step.agreed' && event.step === 'power-off');
  expect(agreed).toMatchObject([{ how: 'typed', typed: serial }]);
});

test.each([40, 80, 200])(
  'on a terminal of %i columns no line is broken within a word, but for words that fit no line',
  async (columns) => {
    bench.runbook(asking);
    const at = typed('run practice', undefined, columns);
    await come(
      at,
      [
        [keys, '?'],
        [keys, 'd'],
        [keys, 'c'],
        ['[y,n,q,?]', 'no'],
        [
          '[b,q,?]',
          'the mail to all who work with it did not go out, and nobody has been told by word of mouth either',
        ],
      ],
      '[retry,skip,quit,?]',
    );
    at.type('q');
    at.press('Enter');
    await at.shows('exit=10.');
    const lines = at.text().split('\n');
    const said = lines.slice(lines.findIndex((line) => line.includes('echo exit=')) + 1);
    const typedByHand = /\[b,q,\?\] the mail/;
    const broken = said.filter((line) => line.trimEnd().length > columns && !typedByHand.test(line));
    for (const line of broken) expect(line.trim()).toMatch(/^(\S+|decom .*)$/);
    expect(at.text()).toContain('the mail to all');
    const longest = Math.max(...said.filter((line) => !broken.includes(line)).map((line) => line.trimEnd().length));
    expect(longest).toBeGreaterThan(Math.min(columns, 100) * 0.7);
  },
);
