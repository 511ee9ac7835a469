import { durationText } from '../core/duration.ts';
import type { Evidence } from '../core/evidence.ts';
import type { Operation } from '../core/operation.ts';
import { operationWords } from '../core/operation-words.ts';
import { bmcWords, intentDigest, sshWords } from '../core/plan.ts';
import { type Block, type Section, type Shown, timeText } from './block.ts';
import type {
  CopyReport,
  EvidenceShown,
  IrreversibleReport,
  ReportModel,
  Resolution,
  StepReport,
} from './report-model.ts';

/** The report in the order in which it is read: what came of it first, then what cannot be undone, then everything else. */
export function reportSections(model: ReportModel): readonly Section[] {
  return [
    { title: 'At a glance', level: 2, blocks: glance(model) },
    { title: 'Irreversible actions', level: 2, blocks: irreversible(model.irreversible) },
    { title: 'Skipped steps', level: 2, blocks: [skipped(model)] },
    { title: 'The machine, as checked', level: 2, blocks: identity(model) },
    { title: 'Copies and proofs', level: 2, blocks: model.copies.length === 0 ? [none('No copy was made.')] : [] },
    ...model.copies.map(
      (copy): Section => ({ title: `Copy of step ${copy.step}`, level: 3, blocks: copyBlocks(copy) }),
    ),
    { title: 'Failures and what became of them', level: 2, blocks: [failures(model)] },
    { title: 'Operations in doubt', level: 2, blocks: [doubts(model)] },
    { title: 'Steps', level: 2, blocks: [times(model)] },
    ...model.phases.map(({ title, steps }): Section => ({ title, level: 3, blocks: phaseBlocks(steps) })),
    {
      title: 'Questions and checklists',
      level: 2,
      blocks: model.forms.length === 0 ? [none('Nobody was asked anything.')] : [],
    },
    ...model.forms.map(
      (form): Section => ({
        title: form.title,
        level: 3,
        blocks: [
          {
            block: 'fields',
            fields: [
              ['step', form.step],
              ['answered by', form.by],
              ['at', timeText(form.at)],
            ],
          },
          {
            block: 'table',
            caption: form.form === 'confirm' ? 'The answer' : 'The items',
            head: ['item', 'answer', 'note'],
            rows: form.items.map(({ text, done, note }) => [
              text,
              form.form === 'confirm' ? (done ? 'yes' : 'no') : done ? 'done' : 'not done',
              note === '' ? null : note,
            ]),
            empty: 'It had no items.',
          },
        ],
      }),
    ),
    { title: 'The record', level: 2, blocks: record(model) },
  ];
}

const none = (text: string): Block => ({ block: 'text', text });

function glance(model: ReportModel): readonly Block[] {
  const { execution, host, plan, tool, spent, irreversible: acts } = model;
  const passed = model.phases.flatMap(({ steps }) => steps).filter(({ status }) => status === 'skipped');
  return [
    {
      block: 'fields',
      fields: [
        ['host', host.name],
        ['serial', host.serial],
        ['operators', execution.operators.length === 0 ? null : execution.operators.join(', ')],
        ['responsible', execution.responsible],
        ['ticket', execution.ticket],
        ['reason', execution.reason],
        ['opened', timeText(execution.opened)],
        ['closed', execution.closed === null ? 'not closed' : timeText(execution.closed)],
        ['time', `${durationText(spent.working)} of work, ${durationText(spent.waiting)} of waiting`],
        [
          'irreversible actions',
          acts.length === 0 ? 'none planned' : acts.map(({ report: r }) => `${r.step.id}: ${r.status}`).join(', '),
        ],
        [
          'skipped steps',
          passed.length === 0 ? 'none' : passed.map(({ step, forth }) => `${step.id} (${forth.said})`).join('; '),
        ],
        ['run', execution.run === '' ? null : execution.run],
        ['runbook', `${plan.intent.runbook.title} (${plan.intent.runbook.name})`],
        ['decom', tool],
      ],
    },
  ];
}

function identity({ host, identity: found }: ReportModel): readonly Block[] {
  return [
    {
      block: 'fields',
      fields: [
        ['full name', host.fqdn],
        ['address', host.address],
        ['serial', host.serial],
        ['UUID', host.uuid],
        ['machine id', host.machine_id],
        ['host keys', host.host_keys.length === 0 ? null : host.host_keys.join(', ')],
        ...(sshWords(host) === undefined ? [] : [['SSH', sshWords(host) ?? null] as const]),
        ['BMC', host.bmc === null ? null : `${bmcWords(host)}, GUID ${host.bmc.guid ?? 'not recorded'}`],
        ['asset tag', host.asset_tag],
        ['owner', host.owner],
        ['location', host.location],
        ['disks', host.disks.length === 0 ? null : host.disks.join(', ')],
      ],
    },
    evidenceTable('Checks of the identity', found, 'The identity was not confirmed in this run.'),
  ];
}

function irreversible(acts: readonly IrreversibleReport[]): readonly Block[] {
  if (acts.length === 0) return [none('None was planned.')];
  return acts.flatMap(({ report, agreed, before, after }): Block[] => [
    {
      block: 'fields',
      fields: [
        ['action', `${report.step.id}: ${report.step.title} (${report.step.uses})`],
        ['status', report.status],
        ['begun', timeText(report.forth.started)],
        ['ended', timeText(report.forth.ended)],
        ['agreed by', agreed === null ? null : `${agreed.by} (${agreedText(agreed.how)}), ${timeText(agreed.ts)}`],
        ['serial given', agreed?.typed ?? null],
        ['what its probe says', report.forth.said === '' ? null : report.forth.said],
      ],
    },
    evidenceTable(`Evidence before ${report.step.id}`, before, 'There was no evidence before it.'),
    evidenceTable(`Evidence of ${report.step.id} itself`, after, 'It yielded no evidence.'),
  ]);
}

const agreedText = (how: 'asked' | 'typed' | 'beforehand'): string =>
  how === 'typed' ? 'by typing the serial' : how === 'asked' ? 'when asked' : 'beforehand';

const evidenceTable = (caption: string, found: readonly EvidenceShown[], empty: string): Block => ({
  block: 'table',
  caption,
  head: ['evidence', 'of step', 'at', 'what it says', 'SHA-256'],
  rows: found.map(({ evidence: e, digest }) => [e.kind, e.step, timeText(e.at), evidenceText(e), digest]),
  empty,
});

function evidenceText(e: Evidence): string {
  switch (e.kind) {
    case 'identity.confirmed':
      return `agree with the inventory: ${e.sources.join(', ')}; serial ${e.host_serial}; boot ${e.boot_id}`;
    case 'identity.bound':
      return `the BMC says ${e.bmc}, the machine says ${e.dmi}`;
    case 'writers.stopped':
      return `stopped: ${e.units.join(', ')}`;
    case 'restore.proven': {
      const kind = e.level === 'restored' ? 'restored and compared' : 'read back';
      return `${kind}${e.sampled ? ' by sampling' : ', every file'}${e.unproven === undefined ? '' : ` but ${e.unproven} that vanished while copied`}: ${e.paths.join(', ')} as of ${timeText(e.manifest_started) ?? ''}`;
    }
    case 'power.is-off':
      return e.silent_since === undefined
        ? 'the power is off'
        : `the BMC says that the power is off; whether the host can be reached could not be told, it last answered at ${timeText(e.silent_since) ?? ''}`;
  }
}

function copyBlocks(copy: CopyReport): readonly Block[] {
  return [
    {
      block: 'fields',
      fields: [
        ['copy', copy.copy],
        ['files', count(copy.files)],
        ['bytes', count(copy.bytes)],
        ['SHA-256 of the manifest', copy.manifest],
      ],
    },
    ...(copy.proofs.length === 0 ? [none('Not proven: it was not restored in this run.')] : []),
    ...copy.proofs.flatMap((proof): Block[] => {
      const { evidence: e } = proof;
      if (e.kind !== 'restore.proven') return [];
      return [
        evidenceTable(`Proof by step ${e.step}`, [proof], ''),
        {
          block: 'table',
          caption: `What step ${e.step} compared`,
          head: ['attribute', 'proven', 'why not'],
          rows: e.attributes.map((a) => [
            a.attribute,
            a.proven ? 'proven' : 'not proven',
            a.proven ? '–' : (a.why ?? null),
          ]),
          empty: 'No attribute was compared.',
        },
      ];
    }),
  ];
}

const count = (n: number | null): Shown => (n === null ? null : n.toLocaleString('en-US'));

const skipped = ({ phases }: ReportModel): Block => ({
  block: 'table',
  caption: 'Skipped steps and why',
  head: ['step', 'title', 'skipped by', 'reason', 'at'],
  rows: phases
    .flatMap(({ steps }) => steps)
    .flatMap(({ step, status, skipped: event }) =>
      event === null || status !== 'skipped'
        ? []
        : [
            [
              step.id,
              step.title,
              event.by === 'person' ? event.who : `the runbook (${event.by})`,
              event.reason,
              timeText(event.ts),
            ],
          ],
    ),
  empty: 'No step was skipped.',
});

function failures({ failures: events, phases }: ReportModel): Block {
  const steps = phases.flatMap((phase) => phase.steps);
  return {
    block: 'table',
    caption: 'Everything that failed or was held up',
    head: ['at', 'step', 'what', 'detail', 'the step now'],
    rows: events.map((event) => [
      timeText(event.ts),
      event.step,
      `${event.type === 'gate.blocked' ? `held up by ${event.gate}: ` : ''}${event.trouble.what} (${event.trouble.code})`,
      event.trouble.detail ?? '–',
      steps.find(({ step }) => step.id === event.step)?.status ?? null,
    ]),
    empty: 'Nothing failed, and nothing was held up.',
  };
}

const doubts = ({ doubts: found }: ReportModel): Block => ({
  block: 'table',
  caption: 'Operations that were begun and whose end nobody saw',
  head: ['at', 'step', 'why', 'resolved as', 'by', 'reason'],
  rows: found.map(({ doubt, resolved }) => [
    timeText(doubt.ts),
    doubt.step,
    doubt.trouble.what,
    resolved === null ? 'not resolved' : resolvedWords[resolved.outcome],
    resolved === null ? '–' : byWords(resolved),
    resolved === null ? '–' : resolved.reason,
  ]),
  empty: 'No operation was in doubt.',
});

const resolvedWords: { readonly [O in Resolution['outcome']]: string } = {
  done: 'done',
  'not-done': 'not-done',
  failed: 'failed',
  'done anew': 'looked at again and done anew',
  'found done': 'looked at again and found done',
  'taken back': 'taken back',
};

const byWords = ({ by, who }: Resolution): string | null =>
  by === 'probe' ? 'the step’s own probe' : by === 'host' ? 'the host' : who;

const times = ({ spent, phases }: ReportModel): Block => ({
  block: 'text',
  text: `${phases.reduce((sum, { steps }) => sum + steps.length, 0)} steps; ${durationText(spent.working)} of work, ${durationText(spent.waiting)} of waiting.`,
});

function phaseBlocks(steps: readonly StepReport[]): readonly Block[] {
  return [
    {
      block: 'table',
      caption: 'Steps of this phase',
      head: ['step', 'title', 'status', 'begun', 'ended', 'work', 'waiting', 'what it says'],
      rows: steps.map(({ step, status, forth, spent }) => [
        step.id,
        step.title,
        status,
        timeText(forth.started),
        timeText(forth.ended),
        durationText(spent.working),
        durationText(spent.waiting),
        forth.said !== '' ? forth.said : (forth.trouble?.what ?? null),
      ]),
      empty: 'It has no steps.',
    },
    ...steps.flatMap((one): Block[] => {
      const items = operationsOf(one);
      return items.length === 0 ? [] : [{ block: 'details', summary: `Operations of ${one.step.id}`, items }];
    }),
  ];
}

function operationsOf({ forth, back, previewed }: StepReport): readonly string[] {
  // The items of a form are shown where its answers are.
  const first = (operation: Operation): string => operationWords(operation)[0] ?? operation.kind;
  const words = (prefix: string) => (o: (typeof forth.operations)[number]) =>
    `${prefix}${first(o.operation)} — ${o.status}, ${timeText(o.at) ?? ''}`;
  return [
    ...(previewed === null ? [] : previewed.operations.map((operation) => `would ${first(operation)}`)),
    ...forth.operations.map(words('')),
    ...back.operations.map(words('rolled back: ')),
  ];
}

function record({
  execution,
  plan,
  log,
  sessions,
  amendments,
  repairs,
  takeOvers,
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
      rows: sessions.map((s) => [timeText(s.ts), s.operator, s.control, s.tool, s.unattended ? 'no' : 'yes']),
      empty: 'No session was opened.',
    },
    {
      block: 'table',
      caption: 'Changes of the plan',
      head: ['at', 'by', 'changes', 'intent digest'],
      rows: amendments.map((a) => [timeText(a.ts), a.by, a.changes.join('; '), a.intent]),
      empty: 'The plan was not changed.',
    },
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
