import { Command, CommanderError, InvalidArgumentError, Option } from 'commander';
import type { JournalTrouble } from '../core/ports.ts';
import type { StatementKind } from '../core/statement.ts';
import type { AbandonOptions } from './commands/abandon.ts';
import type { ExportOptions } from './commands/audit-export.ts';
import type { VerifyOptions } from './commands/audit-verify.ts';
import type { HostAddOptions } from './commands/host-add.ts';
import type { PlanOptions } from './commands/plan.ts';
import type { ReplanOptions } from './commands/replan.ts';
import type { ReportOptions } from './commands/report.ts';
import type { ResumeOptions } from './commands/resume.ts';
import type { RollbackOptions } from './commands/rollback.ts';
import type { RunOptions } from './commands/run.ts';
import type { SayOptions } from './commands/say.ts';
import { type ExitCode, exit } from './exit.ts';
import { type CommonOptions, type Invocation, invocation } from './invocation.ts';
import { type Output, openOutput } from './output.ts';
import { version } from './version.ts';
import { plainLook } from './view/text.ts';

type Act<O> = (invocation: Invocation, operands: readonly string[], options: O & CommonOptions) => Promise<ExitCode>;

/** Parses `argv`, runs the command that it names, and gives its exit code. Commands are loaded when they are called. */
export async function runProgram(argv: readonly string[]): Promise<ExitCode> {
  let code: ExitCode = exit.done;
  const call: Call = async (act) => {
    code = await act((options) => invocation(options, argv));
  };
  try {
    await program(call, argv[0]).parseAsync([...argv], { from: 'user' });
    return code;
  } catch (error) {
    if (isJournalTrouble(error)) {
      // Not from a run under way, which ends by itself: nothing was begun.
      errorOutput(argv.includes('--json'), process.stderr).trouble(error.trouble);
      return exit.failed;
    }
    if (!(error instanceof CommanderError)) throw error;
    if (error.exitCode === 0) return exit.done;
    if (argv.includes('--json')) sayUsageError(error);
    return exit.usage;
  }
}

/** By its name: a command brings its own copy of the class, as it is a program of its own. */
const isJournalTrouble = (error: unknown): error is JournalTrouble =>
  error instanceof Error && error.name === 'JournalTrouble';

function sayUsageError(error: CommanderError): void {
  errorOutput(true, { write: () => true }).trouble({
    code: 'usage',
    // The help that was shown instead is no message.
    what: error.code === 'commander.help' ? 'no command was named' : error.message.replace(/^error: /, ''),
    fix: 'See: decom --help',
  });
}

/** Where a trouble goes before a command has its own output, or after it has given up. */
const errorOutput = (json: boolean, stderr: { write(text: string): unknown }): Output =>
  openOutput({ stdout: process.stdout, stderr }, { stdout: plainLook, stderr: plainLook }, json, () => new Date());

/** Runs a command once its own options are known. */
type Call = (act: (prepare: (options: CommonOptions) => Invocation) => Promise<ExitCode>) => Promise<void>;

/**
 * The commands and their options. Where `argv` begins with the name of a command, only that one is defined: to define all takes longer
 * than to check a runbook.
 */
function program(call: Call, first: string | undefined): Command {
  const root = new Command('decom')
    .description('Drives the decommissioning of servers: evidence before every irreversible step.')
    .version(version, '-V, --version', 'print the version')
    .helpOption('-h, --help', 'show this help')
    .showHelpAfterError('See: decom --help')
    .exitOverride()
    .configureOutput({
      writeOut: (text) => process.stdout.write(text),
      writeErr: (text) => process.stderr.write(text),
      getOutHasColors: () => false,
      getErrHasColors: () => false,
    });

  common(root);

  const command = <O>(
    parent: Command,
    usage: string,
    about: string,
    examples: readonly string[],
    act: Act<O>,
  ): Command => {
    const made = parent.command(usage).description(about);
    const path = parent === root ? made.name() : `${parent.name()} ${made.name()}`;
    common(made)
      .showHelpAfterError(`See: decom ${path} --help`)
      .addHelpText('before', `Examples:\n${examples.map((example) => `  $ ${example}`).join('\n')}\n`)
      .action((...given: unknown[]) => {
        const self = given.at(-1) as Command;
        return call((prepare) => {
          const options = self.optsWithGlobals<O & CommonOptions>();
          return act(prepare(options), self.args, options);
        });
      });
    return made;
  };

  const planning = (made: Command): Command =>
    made
      .option('-r, --runbook <name>', 'runbook: a name in runbooks/ or a file')
      .option('-p, --param <name=value>', 'a parameter of the runbook (repeat for more)', collected)
      .option('--params <file>', 'parameters in a YAML file')
      .option('--facts <plan.json>', 'plan on the facts of a saved plan; such a plan can never be run');
  const asking = (made: Command): Command =>
    made
      .option('--non-interactive', 'ask nobody; an answer that is missing ends it with 64 before anything is done')
      .option('--answers <file>', 'answers given beforehand (YAML)')
      .option('--confirm <serial>', 'the serial of the host, for irreversible steps')
      .addOption(
        new Option('--progress <how>', 'how to show long work')
          .choices(['auto', 'tty', 'plain', 'json', 'none'])
          .default('auto'),
      )
      .option('--take-over <run>', 'put away the claim that this run, from elsewhere, has on the host')
      .option('--take-over-reason <text>', 'why; it stays on record');

  const saying = (usage: string, about: string, examples: readonly string[], kind: StatementKind): Command =>
    command(root, usage, about, examples, async (i, operands, options: SayOptions) =>
      (await import('./commands/say.ts')).say(i, kind, operands, options),
    ).option('-o, --output <file>', 'write it to a file instead of the run’s inbox');

  const commands: { readonly [name: string]: () => unknown } = {
    init: () => {
      command(
        root,
        'init [folder]',
        'Make a workspace: settings, an empty inventory, the shipped runbooks.',
        ['decom init ./retire && cd ./retire'],
        async (i, operands) => (await import('./commands/init.ts')).init(i, operands[0]),
      );
    },
    host: () => {
      const host = root.command('host').description('The inventory of hosts.');
      command(
        host,
        'add <name>',
        'Fill an entry from what the host says of itself.',
        [
          'decom host add web01 --address 192.0.2.10 --user decom --sudo',
          'decom host add web01 --address 192.0.2.10 --accept-host-key SHA256:… --bmc ipmi --bmc-address 192.0.2.110 --bmc-user admin --bmc-password-env BMC_PASSWORD',
        ],
        async (i, operands, options: HostAddOptions) =>
          (await import('./commands/host-add.ts')).hostAdd(i, operands[0] ?? '', options),
      )
        .requiredOption('--address <address>', 'name or address for SSH (repeat for more)', collected)
        .option('--fqdn <name>', 'its full name in DNS')
        .option('--user <name>', 'login name')
        .option('--port <port>', 'port of its SSH server', portNumber)
        .option('--identity <file>', 'private key to offer (repeat for more)', collected)
        .option('--sudo', 'use "sudo -n" where root is needed')
        .option('--accept-host-key <fingerprint>', 'the host key to trust, as SHA256:…, read on its console')
        .addOption(new Option('--bmc <kind>', 'its management controller').choices(['ipmi', 'redfish', 'command']))
        .option('--bmc-address <address>', 'name or address of the BMC')
        .option('--bmc-port <port>', 'port of the BMC', portNumber)
        .option('--bmc-user <name>', 'login name at the BMC')
        .option('--bmc-password-env <variable>', 'environment variable that holds its password; a program gets it')
        .option('--bmc-password-file <file>', 'file (mode 0600) that holds its password')
        .option('--bmc-tls-pin <pin>', 'sha256:… of its certificate (redfish)')
        .option('--bmc-program <word>', 'the program, then its arguments (command; repeat)', collected);
    },
    validate: () => {
      command(
        root,
        'validate [files...]',
        'Check runbooks, inventory and settings, or the named files of them; nothing is contacted.',
        ['decom validate', 'decom validate runbooks/linux-server.yaml', 'decom validate hosts.yaml'],
        async (i, operands) =>
          (await import('./commands/validate.ts')).validate(i, operands, () => import('./compose.ts')),
      );
    },
    plan: () => {
      planning(
        command(
          root,
          'plan <host>',
          'Show what would be done to a host, and what stands in the way.',
          ['decom plan web01', 'decom plan web01 -r linux-server -p vault=/srv/vault -o plan.json'],
          async (i, operands, options: PlanOptions) =>
            (await import('./commands/plan.ts')).plan(i, operands[0] ?? '', options),
        ),
      ).option('-o, --output <file>', 'save the plan');
    },
    run: () => {
      asking(
        planning(
          command(
            root,
            'run [host]',
            'Carry out a runbook on a host, step by step.',
            [
              'decom run web01',
              'decom run web01 --dry-run --non-interactive',
              'decom run --plan plan.json --confirm=7E12345 --answers answers.yaml --non-interactive',
            ],
            async (i, operands, options: RunOptions) =>
              (await import('./commands/run.ts')).run(i, operands[0], options),
          ),
        ),
      )
        .option('--plan <file>', 'run this saved plan')
        .option('--dry-run', 'rehearse: read everything, change nothing')
        .option('--ticket <id>', 'ticket that this belongs to')
        .option('--reason <text>', 'why the host is retired')
        .option('--responsible <name>', 'who is responsible for it');
    },
    resume: () => {
      asking(
        command(
          root,
          'resume [run]',
          'Go on with a run that was stopped, was killed or is parked.',
          ['decom resume web01', 'decom resume --due'],
          async (i, operands, options: ResumeOptions) =>
            (await import('./commands/resume.ts')).resume(i, operands[0], options),
        ),
      ).option('--due', 'go on with every parked run whose time has come');
    },
    replan: () => {
      command(
        root,
        'replan <run>',
        'Plan the rest of a run anew and show the difference.',
        ['decom replan web01'],
        async (i, operands, options: ReplanOptions) =>
          (await import('./commands/replan.ts')).replan(i, operands[0] ?? '', options),
      )
        .option('-p, --param <name=value>', 'another value for a parameter (repeat for more)', collected)
        .option('--redo <step>', 'do a step that is done once more (repeat for more)', collected)
        .option('--yes', 'take the new plan without asking');
    },
    abandon: () => {
      command(
        root,
        'abandon <run>',
        'End a run for good; nothing is undone.',
        ['decom abandon web01 --reason "stays in service"'],
        async (i, operands, options: AbandonOptions) =>
          (await import('./commands/abandon.ts')).abandon(i, operands[0] ?? '', options),
      ).requiredOption('--reason <text>', 'why');
    },
    rollback: () => {
      asking(
        command(
          root,
          'rollback <run>',
          'Give the machine back: reverse every reversible step, last first.',
          ['decom rollback web01 --reason "still needed"'],
          async (i, operands, options: RollbackOptions) =>
            (await import('./commands/rollback.ts')).rollback(i, operands[0] ?? '', options),
        ),
      )
        .option('--reason <text>', 'why')
        .option('--yes', 'take back without asking before each step, where nobody can be asked');
    },
    status: () => {
      command(
        root,
        'status [run]',
        'What the runs, or one of them, have come to.',
        ['decom status', 'decom status web01'],
        async (i, operands) => (await import('./commands/status.ts')).status(i, operands[0]),
      );
    },
    approve: () => {
      saying(
        'approve <run>',
        'Agree to a run’s plan, as it is now; or to a saved plan.',
        ['decom approve web01', 'decom approve plan.json -o approval.json'],
        'approve',
      ).option('--text <text>', 'a remark; it stays on record');
    },
    comment: () => {
      saying(
        'comment <run>',
        'Say something about a run.',
        ['decom comment web01 --text "the rack is locked"'],
        'comment',
      ).requiredOption('--text <text>', 'what is said');
    },
    sign: () => {
      saying(
        'sign <run>',
        'Vouch for a run’s log as it stands.',
        ['decom sign web01', 'decom sign web01 --role manager'],
        'sign',
      )
        .option('--role <role>', 'a role that the allowed signers give you')
        .option('--text <text>', 'a remark; it stays on record');
    },
    tick: () => {
      saying(
        'tick <run> <step> [item]',
        'Answer one item of a checklist that another person’s run will come to.',
        ['decom tick web01 cables power-cord', 'decom tick web01 cables power-cord --undone --text "still plugged in"'],
        'tick',
      )
        .option('--undone', 'it is not done')
        .option('--text <text>', 'a note; it stays on record');
    },
    waive: () => {
      saying(
        'waive <run> <gate>',
        'Answer, by name, for passing a gate: STEP/GATE.',
        ['decom waive web01 off/restore.proven --reason "scratch host, nothing to keep"'],
        'waive',
      ).requiredOption('--reason <text>', 'why; it stays on record');
    },
    inbox: () => {
      const inbox = root.command('inbox').description('What people said about a run, and nobody has taken in yet.');
      command(
        inbox,
        'add <run> <file>',
        'Drop what somebody handed over as a file.',
        ['decom inbox add web01 approval.json'],
        async (i, operands) => (await import('./commands/inbox.ts')).inboxAdd(i, operands[0] ?? '', operands[1] ?? ''),
      );
      command(
        inbox,
        'take <run>',
        'Put on record what lies there, and do nothing else.',
        ['decom inbox take web01'],
        async (i, operands) => (await import('./commands/inbox.ts')).inboxTake(i, operands[0] ?? ''),
      );
    },
    why: () => {
      command(
        root,
        'why <run>',
        'Why a run does not go on, and what clears it.',
        ['decom why web01'],
        async (i, operands) => (await import('./commands/why.ts')).why(i, operands[0] ?? ''),
      );
    },
    report: () => {
      command(
        root,
        'report <run>',
        'Write the record of a run for people.',
        ['decom report web01', 'decom report web01 --html -o web01.html'],
        async (i, operands, options: ReportOptions) =>
          (await import('./commands/report.ts')).report(i, operands[0] ?? '', options),
      )
        .option('--html', 'one HTML page instead of Markdown')
        .option('-o, --output <file>', 'write to a file');
    },
    audit: () => {
      const audit = root.command('audit').description('The audit log.');
      command(
        audit,
        'verify <run>',
        'Check a log line by line, with its signatures, and print its head.',
        [
          'decom audit verify web01',
          'decom audit verify web01 --head 9f2c…',
          'decom audit verify web01 --require-signature',
        ],
        async (i, operands, options: VerifyOptions) =>
          (await import('./commands/audit-verify.ts')).auditVerify(i, operands[0] ?? '', options),
      )
        .option('--require-signature', 'exit 12 for an open log too, unless listed people vouch for every session')
        .option('--head <hash>', 'a head that was kept elsewhere; the log has to hold it')
        .option('--allowed-signers <file>', 'who may sign, instead of what decom.yaml names');
      command(
        audit,
        'export <run>',
        'Pack a run as one file that can be checked without decom.',
        ['decom audit export web01', 'decom audit export web01 -o web01.tar.gz'],
        async (i, operands, options: ExportOptions) =>
          (await import('./commands/audit-export.ts')).auditExport(i, operands[0] ?? '', options),
      ).option('-o, --output <file>', 'the file to write; default decom-HOST-RUN.tar.gz here');
    },
    doctor: () => {
      command(
        root,
        'doctor [host]',
        'Which tools and keys are here, and how to install what is missing.',
        ['decom doctor', 'decom doctor web01'],
        async (i, operands) => (await import('./commands/doctor.ts')).doctor(i, operands[0]),
      );
    },
    schema: () => {
      command(
        root,
        'schema [kind]',
        'Print the JSON Schema of a file.',
        ['decom schema runbook > runbook.schema.json'],
        async (i, operands) => (await import('./commands/schema.ts')).schema(i, operands[0]),
      );
    },
    demo: () => {
      command(
        root,
        'demo',
        'Retire a practice machine on this computer, with nothing to install.',
        ['decom demo', 'decom demo --interactive'],
        async (i, _operands, options: { readonly interactive?: boolean }) =>
          (await import('./commands/demo.ts')).demo(i, options),
      ).option('--interactive', 'step through it yourself');
    },
  };
  const called = Object.entries(commands).filter(([name]) => name === first);
  for (const [, define] of called.length > 0 ? called : Object.entries(commands)) define();
  return root;
}

/** Options that may stand before or behind the command's name. */
const common = (command: Command): Command =>
  command
    .option('-C, --directory <folder>', 'look for the workspace from here')
    .option('--json', 'print JSON lines to stdout')
    .option('--no-color', 'print no colours')
    .option('--accessible', 'plain lines, no animation (also by DECOM_ACCESSIBLE=1)');

const collected = (value: string, before: readonly string[] | undefined): readonly string[] => [
  ...(before ?? []),
  value,
];

function portNumber(value: string): number {
  const port = Number(value);
  if (!/^[0-9]{1,5}$/.test(value) || port < 1 || port > 65_535)
    throw new InvalidArgumentError('A port is a number from 1 to 65535.');
  return port;
}
