import { driverWords } from '../core/event.ts';
import { intentDigest } from '../core/plan.ts';
import { gateWords, statementWords } from '../core/statement-words.ts';
import { type Block, timeText } from './block.ts';
import type { ReportModel } from './report-model.ts';

export function record({
  execution,
  plan,
  log,
  sessions,
  amendments,
  repairs,
  takeOvers,
  accepted,
  capsRaised,
  statements,
  waivers,
  rollback,
}: ReportModel): readonly Block[] {
  return [
    {
      block: 'fields',
      fields: [
        ['head of the audit log', log.head.hash === '' ? null : log.head.hash],
        ['lines', String(log.head.size)],
        ['verdict on the log', log.verdict],
        ['plan', plan.intent.id],
        ['intent digest (SHA-256)', intentDigest(plan)],
        ['plan made', timeText(plan.intent.created)],
        ['state', execution.status],
      ],
    },
    {
      block: 'table',
      caption: 'Sessions',
      head: ['opened', 'operator', 'on', 'decom', 'attended'],
      rows: sessions.map((s) => [timeText(s.ts), driverWords(s), s.control, s.tool, s.unattended ? 'no' : 'yes']),
      empty: 'No session was opened.',
    },
    {
      block: 'table',
      caption: 'Changes of the plan',
      head: ['at', 'by', 'changes', 'intent digest'],
      rows: amendments.map((a) => [timeText(a.ts), a.by, a.changes.join('; '), a.intent]),
      empty: 'The plan was not changed.',
    },
    ...(statements.length === 0
      ? []
      : [
          {
            block: 'table',
            caption: 'What others said',
            head: ['taken in', 'what', 'signed'],
            rows: statements.map(({ ts, statement, signed }) => [
              timeText(ts),
              statementWords(statement),
              signed === null ? 'no' : 'yes',
            ]),
            empty: '',
          } as const,
        ]),
    ...(waivers.length === 0
      ? []
      : [
          {
            block: 'table',
            caption: 'Gates that somebody answered for',
            head: ['at', 'step', 'gate', 'by', 'reason', 'what stood in the way'],
            rows: waivers.map((w) => [timeText(w.ts), w.step, gateWords(w.gate), w.by, w.reason, w.trouble.what]),
            empty: '',
          } as const,
        ]),
    ...(repairs.length === 0
      ? []
      : [
          {
            block: 'list',
            items: repairs.map(
              (r) => `${timeText(r.ts) ?? ''}: ${r.bytes} bytes of a torn last line were cut off and kept in ${r.kept}`,
            ),
          } as const,
        ]),
    ...(takeOvers.length === 0
      ? []
      : [
          {
            block: 'list',
            items: takeOvers.map(
              ({ ts, by, was, reason }) =>
                `${timeText(ts) ?? ''}: ${by} took over the claim of run ${was.run} (${was.operator} on ${was.control}): ${reason}`,
            ),
          } as const,
        ]),
    ...(accepted.length === 0
      ? []
      : [
          {
            block: 'list',
            items: accepted.map(
              ({ ts, by, lines, reason }) =>
                `${timeText(ts) ?? ''}: ${by} answered for the lines up to ${lines}, of which some were signed by nobody: ${reason}`,
            ),
          } as const,
        ]),
    ...(capsRaised.length === 0
      ? []
      : [
          {
            block: 'list',
            items: capsRaised.map(
              ({ ts, by, to, reason }) =>
                `${timeText(ts) ?? ''}: ${by} raised the caps for this run to ${to}: ${reason}`,
            ),
          } as const,
        ]),
    ...(rollback === null
      ? []
      : [
          {
            block: 'text',
            text: `Rolled back by ${rollback.by}: ${rollback.reason ?? 'not recorded'} (${timeText(rollback.ts) ?? ''}).`,
          } as const,
        ]),
  ];
}
