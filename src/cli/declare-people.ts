import type { Command } from 'commander';
import type { StatementKind } from '../core/statement.ts';
import type { SayOptions } from './commands/say.ts';
import type { Declared, Declaring } from './declare.ts';

/** What people say about runs that others may be driving. */
export function declarePeople({ root, command }: Declaring): Declared {
  const saying = (usage: string, about: string, examples: readonly string[], kind: StatementKind): Command =>
    command(root, usage, about, examples, async (i, operands, options: SayOptions) =>
      (await import('./commands/say.ts')).say(i, kind, operands, options),
    ).option('-o, --output <file>', 'write it to a file instead of the run’s inbox');

  return {
    approve: () => {
      saying(
        'approve <run>',
        'Agree to a run’s plan, as it is now; or to a saved plan.',
        ['decom approve web01', 'decom approve web01 --role manager', 'decom approve plan.json -o approval.json'],
        'approve',
      )
        .option('--role <role>', 'a role that the allowed signers give you')
        .option('--for <duration>', 'how long it holds, like 48h or 14d (default 7d)')
        .option('--text <text>', 'a remark; it stays on record');
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
        'Answer, by name, for passing a gate: STEP/GATE, or STEP:PATH for a file system that is not kept.',
        [
          'decom waive web01 off/restore.proven --reason "scratch host, nothing to keep"',
          'decom waive web01 off:/srv/cache --reason "filled anew elsewhere"',
        ],
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
  };
}
