import type { AcceptOptions } from './commands/audit-accept.ts';
import type { ExportOptions } from './commands/audit-export.ts';
import type { VerifyOptions } from './commands/audit-verify.ts';
import type { ReportOptions } from './commands/report.ts';
import type { Declared, Declaring } from './declare.ts';

/** What a run has come to, and whether its record holds. */
export function declareRecord({ root, command }: Declaring): Declared {
  return {
    status: () => {
      command(
        root,
        'status [run]',
        'What the runs, or one of them, have come to.',
        ['decom status', 'decom status web01'],
        async (i, operands) => (await import('./commands/status.ts')).status(i, operands[0]),
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
        .option('--calendar', 'until when each copy is kept, as a calendar (.ics)')
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
        'accept <run>',
        'Answer for lines of an open log that nobody signed, so that the run can be gone on with.',
        ['decom audit accept web01 --reason "begun before the list of signers was made"'],
        async (i, operands, options: AcceptOptions) =>
          (await import('./commands/audit-accept.ts')).auditAccept(i, operands[0] ?? '', options),
      ).requiredOption('--reason <text>', 'why they are right; it stays on record');
      command(
        audit,
        'export <run>',
        'Pack a run as one file that can be checked without decom.',
        ['decom audit export web01', 'decom audit export web01 -o web01.tar.gz'],
        async (i, operands, options: ExportOptions) =>
          (await import('./commands/audit-export.ts')).auditExport(i, operands[0] ?? '', options),
      ).option('-o, --output <file>', 'the file to write; default decom-HOST-RUN.tar.gz here');
    },
  };
}
