import { Command, CommanderError } from 'commander';
import type { JournalTrouble } from '../core/ports.ts';
import type { Declare, Declared } from './declare.ts';
import { declarePeople } from './declare-people.ts';
import { declareRecord } from './declare-record.ts';
import { declareRuns } from './declare-runs.ts';
import { declareWorkspace } from './declare-workspace.ts';
import { type ExitCode, exit } from './exit.ts';
import { type CommonOptions, type Invocation, invocation } from './invocation.ts';
import { type Output, openOutput } from './output.ts';
import { version } from './version.ts';
import { plainLook } from './view/text.ts';

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

  const command: Declare = (parent, usage, about, examples, act) => {
    const made = parent.command(usage).description(about);
    const path = parent === root ? made.name() : `${parent.name()} ${made.name()}`;
    common(made)
      .showHelpAfterError(`See: decom ${path} --help`)
      .addHelpText('before', `Examples:\n${examples.map((example) => `  $ ${example}`).join('\n')}\n`)
      .action((...given: unknown[]) => {
        const self = given.at(-1) as Command;
        return call((prepare) => {
          const options = self.optsWithGlobals<Parameters<typeof act>[2]>();
          return act(prepare(options), self.args, options);
        });
      });
    return made;
  };

  const declaring = { root, command };
  const commands: Declared = {
    ...declareWorkspace(declaring),
    ...declareRuns(declaring),
    ...declarePeople(declaring),
    ...declareRecord(declaring),
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
