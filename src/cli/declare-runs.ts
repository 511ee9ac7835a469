import { type Command, Option } from 'commander';
import type { AbandonOptions } from './commands/abandon.ts';
import type { PlanOptions } from './commands/plan.ts';
import type { ReplanOptions } from './commands/replan.ts';
import type { ResumeOptions } from './commands/resume.ts';
import type { RollbackOptions } from './commands/rollback.ts';
import type { RunOptions } from './commands/run.ts';
import { collected, type Declared, type Declaring } from './declare.ts';

/** From a plan to the end of its run. */
export function declareRuns({ root, command }: Declaring): Declared {
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

  const raising = (made: Command): Command =>
    made
      .option('--raise-caps <number>', 'let this run begin while fewer other hosts than this count under the caps')
      .option('--raise-caps-reason <text>', 'why; it stays on record');

  return {
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
      const made = asking(
        planning(
          command(
            root,
            'run [host]',
            'Carry out a runbook on a host, step by step.',
            [
              'decom run web01',
              'decom run web01 --dry-run --non-interactive',
              'decom run --plan plan.json --approval approval.json --confirm=7E12345 --answers answers.yaml --non-interactive',
            ],
            async (i, operands, options: RunOptions) =>
              (await import('./commands/run.ts')).run(i, operands[0], options),
          ),
        ),
      );
      raising(made)
        .option('--plan <file>', 'run this saved plan')
        .option('--approval <file>', 'what somebody approved this saved plan with (repeat for more)', collected)
        .option('--dry-run', 'rehearse: read everything, change nothing')
        .option('--ticket <id>', 'ticket that this belongs to')
        .option('--reason <text>', 'why the host is retired')
        .option('--responsible <name>', 'who is responsible for it');
    },
    resume: () => {
      const made = asking(
        command(
          root,
          'resume [run]',
          'Go on with a run that was stopped, was killed or is parked.',
          ['decom resume web01', 'decom resume --due'],
          async (i, operands, options: ResumeOptions) =>
            (await import('./commands/resume.ts')).resume(i, operands[0], options),
        ),
      );
      raising(made).option('--due', 'go on with every parked run whose time has come');
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
  };
}
