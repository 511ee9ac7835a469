import { spawn } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, realpathSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import type { Plan } from '../../core/plan.ts';
import { trouble } from '../../core/result.ts';
import { shellWord } from '../../core/shell-word.ts';
import { type PracticeMachine, startPracticeMachine } from '../../practice/practice-machine.ts';
import {
  type AskedForm,
  practiceAnswers,
  practiceHost,
  practiceKeys,
  writePracticeInventory,
  writePracticeSigners,
} from '../../practice/practice-workspace.ts';
import { type ExitCode, exit, exitOfSignal } from '../exit.ts';
import type { Invocation } from '../invocation.ts';
import { waitingLines } from '../view/demo-view.ts';
import { bad, dim, good, type Line, pairs, strong } from '../view/text.ts';

/** One command of the demo, as a person would type it in the workspace. */
interface Scene {
  readonly title: string;
  readonly argv: readonly string[];
  /** Whose key signs it; default: the operator's. */
  readonly by?: keyof typeof practiceKeys;
}

/** Retires a practice machine from beginning to end, by the same commands that retire a real one. */
export async function demo(invocation: Invocation, options: { readonly interactive?: unknown }): Promise<ExitCode> {
  const interactive = options.interactive === true;
  if (interactive && !invocation.terminal) {
    const what = 'stepping through the demo needs a terminal, and this is none';
    invocation.output.trouble(trouble('no-terminal', what, 'Run it without --interactive: decom demo'));
    return exit.missing;
  }
  const folder = realpathSync(mkdtempSync(join(tmpdir(), 'decom-demo-')));
  const machine = await startPracticeMachine({ folder: join(folder, 'practice') });
  try {
    return await perform(invocation, folder, machine, interactive);
  } finally {
    await machine.close();
  }
}

async function perform(
  { output, accessible }: Invocation,
  folder: string,
  machine: PracticeMachine,
  interactive: boolean,
): Promise<ExitCode> {
  const workspace = join(folder, 'workspace');
  const vault = join(folder, 'vault');
  const report = join(workspace, 'report.html');
  // The whole runbook has some ninety things for people to tick: too many to step through for practice.
  const runbook = interactive ? 'practice' : 'linux-server';
  mkdirSync(vault);
  output.note(opening(folder, machine));

  const prepare: readonly Scene[] = [{ title: 'Make a workspace', argv: ['init', workspace] }];
  const plan: readonly Scene[] = [
    { title: 'Check runbooks and inventory', argv: ['validate'] },
    {
      title: 'Plan: everything is read, nothing is changed',
      argv: ['plan', practiceHost, '-r', runbook, ...parameters(machine, vault), '-o', 'plan.json'],
    },
  ];
  const beforehand = [
    ...['--approval', 'approval.json', '--answers', 'answers.yaml', `--confirm=${machine.identity.serial}`],
    '--non-interactive',
  ];
  const approve: Scene = {
    title: 'Somebody else approves what cannot be undone: nobody will sit at the terminal',
    argv: ['approve', 'plan.json', '-o', 'approval.json'],
    by: 'manager',
  };
  const act: readonly Scene[] = [
    {
      title: 'Rehearse: the same path, without the acts',
      argv: ['run', '--plan', 'plan.json', '--dry-run', '--non-interactive'],
    },
    ...(interactive ? [] : [approve]),
    { title: 'Run it', argv: ['run', '--plan', 'plan.json', ...(interactive ? [] : beforehand)] },
    { title: 'Write the report', argv: ['report', practiceHost, '--html', '-o', report] },
    { title: 'Verify the audit log', argv: ['audit', 'verify', practiceHost] },
  ];

  const common = [...(output.json ? ['--json'] : []), ...(accessible ? ['--accessible'] : [])];
  const play = async (scenes: readonly Scene[]): Promise<ExitCode> => {
    for (const { title, argv, by = 'operator' } of scenes) {
      const signs = argv[0] === 'run' || argv[0] === 'approve';
      const signing = signs ? { DECOM_SIGNING_KEY: practiceKeys[by] } : {};
      const named = Object.entries(signing).map(([name, value]) => `${name}=${value} `);
      output.note(['', [strong(`— ${title}`)], [dim(`$ ${named.join('')}decom ${argv.map(shellWord).join(' ')}`)]]);
      const cwd = existsSync(workspace) ? workspace : folder;
      const code = await decom([...argv, ...common], { cwd, json: output.json, signing });
      if (code !== exit.done) return code;
    }
    return exit.done;
  };

  for (const part of [
    () => play(prepare),
    async () => {
      writePracticeInventory(workspace, machine);
      writePracticeSigners(workspace);
      return play(plan);
    },
    async () => {
      writeFileSync(join(workspace, 'answers.yaml'), practiceAnswers(questions(join(workspace, 'plan.json'))));
      return play(act);
    },
  ]) {
    const code = await part();
    if (code !== exit.done) {
      if (interactive && existsSync(join(workspace, 'state', 'runs', practiceHost))) {
        const { operator: key } = practiceKeys;
        output.note(waitingLines(await isOff(machine), { workspace, program: program(), host: practiceHost, key }));
        await interruption();
      }
      output.note(['', [bad('The demo ended early.'), ' The practice machine goes with it.'], ...left(folder)]);
      return code;
    }
  }

  const alive = await machine.processes();
  const off = await isOff(machine);
  const [log] = audits(workspace);
  output.result(
    {
      type: 'demo',
      message: off ? 'the practice machine is retired' : 'the practice machine still runs',
      folder,
      report,
      log,
      vault,
    },
    [
      '',
      [
        off ? good('The practice machine is off.') : bad('The practice machine still runs.'),
        ` Processes of it that are left: ${alive.length}.`,
      ],
      '',
      ...pairs([
        ['Report', report],
        ['Audit log', log ?? 'none'],
        ['Backup', vault],
      ]),
      ...left(folder),
    ],
  );
  return off ? exit.done : exit.failed;
}

const opening = (folder: string, machine: PracticeMachine): readonly Line[] => [
  [strong('This is practice.'), ' No server of yours is touched.'],
  `A machine made of files and processes of this computer now runs below ${folder}:`,
  ...pairs([
    ['  SSH', `${machine.ssh.address}:${machine.ssh.port}, a real server with a real shell`],
    ['  BMC', `https://${machine.bmc.address}:${machine.bmc.port}, Redfish, certificate pinned`],
    ['  serial', machine.identity.serial],
    ['  services', machine.units.join(', ')],
  ]),
  'Everything below is done by the commands that would retire a real one.',
];

const left = (folder: string): readonly Line[] => [
  `All of it is in ${folder}. To remove it: rm -r ${shellWord(folder)}`,
];

/** Off is off: the BMC says so, and no process of it is left. */
const isOff = async (machine: PracticeMachine): Promise<boolean> =>
  (await machine.power.get()) === 'off' && (await machine.processes()).length === 0;

/** Waits for a signal that asks this process to end. */
const interruption = (): Promise<void> =>
  new Promise((done) => {
    // A handler for signals alone does not keep a process alive.
    const awake = setInterval(() => {}, 60_000);
    const signals = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;
    const end = (): void => {
      clearInterval(awake);
      for (const signal of signals) process.off(signal, end);
      done();
    };
    for (const signal of signals) process.on(signal, end);
  });

/** The file that this process was started with. */
const program = (): string => resolve(process.argv[1] ?? '');

/** What both runbooks want to know, for this machine. */
const parameters = (machine: PracticeMachine, vault: string): readonly string[] =>
  [
    `services=${machine.units.filter((unit) => unit.endsWith('.service')).join(',')}`,
    `data=${machine.folders.join(',')}`,
    `vault=${vault}`,
    'grace=1m',
    'watch=1s',
  ].flatMap((parameter) => ['-p', parameter]);

/** What the plan will ask a person. */
function questions(file: string): readonly AskedForm[] {
  const plan = JSON.parse(readFileSync(file, 'utf8')) as Plan;
  return plan.intent.steps.flatMap((step) =>
    (step.operations ?? []).flatMap((operation) =>
      operation.kind === 'ask' ? [{ step: step.id, form: operation.form, items: operation.items }] : [],
    ),
  );
}

function audits(workspace: string): readonly string[] {
  const runs = join(workspace, 'state', 'runs', practiceHost);
  if (!existsSync(runs)) return [];
  return readdirSync(runs)
    .map((run) => join(runs, run, 'audit.jsonl'))
    .filter(existsSync);
}

/** Runs this very program as a process of its own, and gives its exit code. Ctrl-C reaches it by the terminal; other signals are passed on. */
function decom(
  argv: readonly string[],
  { cwd, json, signing }: { readonly cwd: string; readonly json: boolean; readonly signing: NodeJS.ProcessEnv },
): Promise<ExitCode> {
  const child = spawn(process.execPath, [program(), ...argv], {
    cwd,
    env: { ...process.env, ...signing },
    stdio: ['inherit', json ? 2 : 'inherit', 'inherit'],
  });
  const ignore = (): void => {};
  const pass = (signal: NodeJS.Signals): void => void child.kill(signal);
  process.on('SIGINT', ignore).on('SIGTERM', pass).on('SIGHUP', pass);
  return new Promise((done, reject) => {
    child.on('error', reject);
    child.on('exit', (code, signal) => {
      process.off('SIGINT', ignore).off('SIGTERM', pass).off('SIGHUP', pass);
      if (signal === 'SIGHUP' || signal === 'SIGINT' || signal === 'SIGTERM') return done(exitOfSignal(signal));
      const known = Object.values(exit).find((value) => value === code);
      done(known ?? exit.bug);
    });
  });
}
