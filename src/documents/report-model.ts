import type { Head } from '../core/chain.ts';
import { nextLine } from '../core/chain.ts';
import type { EventOf, Recorded } from '../core/event.ts';
import type { Evidence } from '../core/evidence.ts';
import { type Execution, foldAll, type Pass, startedOnly, stepState } from '../core/execution.ts';
import { digestOf } from '../core/json.ts';
import type { BoundHost, Plan, PlannedStep } from '../core/plan.ts';
import { timeText } from './block.ts';
import { type AnsweredForm, formsOf } from './report-forms.ts';
import { type Spent, spentTime } from './spent-time.ts';

/** What walking the bytes of the audit log came to. */
export interface LogSeen {
  readonly verdict: 'closed and signed' | 'intact but open' | 'intact but unsigned' | 'broken';
  readonly head: Head;
  /** Whether a broken log has all its lines as they were written, and only files in `out/` that they refer to are lost. */
  readonly linesWhole?: boolean;
}

/** Evidence with the SHA-256 of its canonical JSON, by which it can be found again in the audit log. */
export interface EvidenceShown {
  readonly evidence: Evidence;
  readonly digest: string;
}

export interface StepReport {
  readonly step: PlannedStep;
  readonly forth: Pass;
  readonly back: Pass;
  /** `recovered` is a status of its own: it failed, and was done later. */
  readonly status: string;
  readonly spent: Spent;
  readonly skipped: Recorded<EventOf<'step.skipped'>> | null;
  readonly previewed: Recorded<EventOf<'step.previewed'>> | null;
}

/** One irreversible step: who let it begin, and what was proven before it. */
export interface IrreversibleReport {
  readonly report: StepReport;
  readonly agreed: Recorded<EventOf<'step.agreed'>> | null;
  readonly before: readonly EvidenceShown[];
  readonly after: readonly EvidenceShown[];
}

/** A copy as its step put it out, with the proofs of it. */
export interface CopyReport {
  readonly step: string;
  readonly copy: string;
  readonly files: number | null;
  readonly bytes: number | null;
  readonly manifest: string | null;
  readonly proofs: readonly EvidenceShown[];
}

export type ReportWord =
  | 'done'
  | 'done in part'
  | 'rolled back'
  | 'abandoned'
  | 'rehearsed'
  | 'parked'
  | 'stopped'
  | 'in doubt'
  | 'open'
  | 'broken';

/** Everything that a report says, whatever it is shown as. Made of the plan and the journal alone. */
export interface ReportModel {
  readonly verdict: { readonly word: ReportWord; readonly says: string };
  readonly execution: Execution;
  readonly plan: Plan;
  readonly host: BoundHost;
  readonly tool: string | null;
  readonly identity: readonly EvidenceShown[];
  readonly irreversible: readonly IrreversibleReport[];
  readonly copies: readonly CopyReport[];
  readonly phases: readonly { readonly title: string; readonly steps: readonly StepReport[] }[];
  readonly failures: readonly Recorded<
    EventOf<'step.failed'> | EventOf<'operation.failed'> | EventOf<'gate.blocked'>
  >[];
  readonly doubts: readonly {
    readonly doubt: Recorded<EventOf<'operation.in-doubt'>>;
    readonly resolved: Resolution | null;
  }[];
  readonly forms: readonly AnsweredForm[];
  readonly amendments: readonly Recorded<EventOf<'plan.amended'>>[];
  readonly sessions: readonly Recorded<EventOf<'session.opened'>>[];
  readonly repairs: readonly Recorded<EventOf<'log.repaired'>>[];
  readonly takeOvers: readonly Recorded<EventOf<'claim.taken-over'>>[];
  readonly rollback: Recorded<EventOf<'rollback.opened'>> | null;
  readonly spent: Spent;
  readonly log: { readonly head: Head; readonly verdict: LogSeen['verdict'] | null };
}

/**
 * Gathers what a run's record says. `plan` is the newest one; `log` is what verifying the bytes came to: without it the head is computed
 * from the events, and no verdict on the log is given.
 */
export function reportModel(plan: Plan, events: readonly Recorded[], log?: LogSeen): ReportModel {
  const execution = foldAll(events);
  const of = <T extends Recorded['type']>(type: T): readonly Recorded<EventOf<T>>[] =>
    events.filter((event): event is Recorded<EventOf<T>> => event.type === type);
  const spent = spentTime(events);
  const report = (step: PlannedStep): StepReport => stepReport(step, execution, events, spent.bySteps[step.id]);
  const phases = plan.intent.phases
    .map(({ phase, title }) => ({
      title,
      steps: plan.intent.steps.filter((step) => step.phase === phase).map(report),
    }))
    .filter(({ steps }) => steps.length > 0);
  const steps = phases.flatMap((phase) => phase.steps);
  const evidence = execution.evidence.map(shown);
  return {
    verdict: verdictOf(execution, steps, log),
    execution,
    plan,
    host: plan.intent.host,
    tool: of('session.opened')[0]?.tool ?? null,
    identity: evidence.filter(({ evidence: e }) => e.kind === 'identity.confirmed' || e.kind === 'identity.bound'),
    irreversible: steps
      .filter(({ step }) => step.irreversible)
      .map((one) => irreversibleReport(one, of('step.agreed'), evidence)),
    copies: copiesOf(steps, execution, evidence),
    phases,
    failures: events.filter(
      (event): event is ReportModel['failures'][number] =>
        event.type === 'step.failed' || event.type === 'operation.failed' || event.type === 'gate.blocked',
    ),
    doubts: of('operation.in-doubt').map((doubt) => ({
      doubt,
      resolved: resolutionOf(doubt, events),
    })),
    forms: formsOf(events),
    amendments: of('plan.amended'),
    sessions: of('session.opened'),
    repairs: of('log.repaired'),
    takeOvers: of('claim.taken-over'),
    rollback: of('rollback.opened')[0] ?? null,
    spent: spent.all,
    log: { head: log?.head ?? headOf(events), verdict: log?.verdict ?? null },
  };
}

const shown = (evidence: Evidence): EvidenceShown => ({ evidence, digest: digestOf(evidence) });

function stepReport(
  step: PlannedStep,
  execution: Execution,
  events: readonly Recorded[],
  spent: Spent = { working: 0, waiting: 0 },
): StepReport {
  const { forth, back } = stepState(execution, step.id);
  // An attempt that was verified settles what was in doubt before it.
  const doubtful = events.some(
    (event) =>
      event.type === 'operation.in-doubt' &&
      event.step === step.id &&
      event.direction === 'forth' &&
      resolutionOf(event, events) === null,
  );
  const last = <T extends 'step.skipped' | 'step.previewed'>(type: T) =>
    events.findLast((e): e is Recorded<EventOf<T>> => e.type === type && 'step' in e && e.step === step.id) ?? null;
  const previewed = last('step.previewed');
  const status =
    back.status === 'rolled-back'
      ? 'rolled back'
      : doubtful
        ? 'in doubt'
        : forth.status === 'done' && forth.recovered
          ? 'recovered'
          : forth.status === 'already'
            ? 'already so'
            : forth.status === 'pending' || startedOnly(forth)
              ? 'not begun'
              : forth.status === 'running'
                ? 'begun'
                : forth.status === 'previewed'
                  ? (previewed?.how.replaceAll('-', ' ') ?? forth.status)
                  : forth.status;
  return { step, forth, back, status, spent, skipped: last('step.skipped'), previewed };
}

function irreversibleReport(
  report: StepReport,
  agreements: readonly Recorded<EventOf<'step.agreed'>>[],
  evidence: readonly EvidenceShown[],
): IrreversibleReport {
  const { id } = report.step;
  const agreed = agreements.findLast((event) => event.step === id && event.direction === 'forth') ?? null;
  const until = agreed?.ts ?? report.forth.started;
  const newest = new Map<string, EvidenceShown>();
  // Of each kind the newest that was there when the step was let begin: that is what it was let begin on.
  for (const one of evidence) {
    if (one.evidence.step !== id && until !== null && one.evidence.at <= until) newest.set(one.evidence.kind, one);
  }
  return {
    report,
    agreed,
    before: [...newest.values()],
    after: evidence.filter((one) => one.evidence.step === id),
  };
}

function copiesOf(
  steps: readonly StepReport[],
  execution: Execution,
  evidence: readonly EvidenceShown[],
): readonly CopyReport[] {
  const number = (value: unknown): number | null => (typeof value === 'number' ? value : null);
  const made = steps.flatMap(({ step }): CopyReport[] => {
    const { output } = stepState(execution, step.id);
    const copy = output.backup;
    if (typeof copy !== 'string') return [];
    const manifest = output.manifest;
    return [
      {
        step: step.id,
        copy,
        files: number(output.files),
        bytes: number(output.bytes),
        manifest: typeof manifest === 'string' ? manifest : null,
        proofs: evidence.filter(({ evidence: e }) => e.kind === 'restore.proven' && e.copy === copy),
      },
    ];
  });
  return made;
}

function verdictOf(
  execution: Execution,
  steps: readonly StepReport[],
  log: LogSeen | undefined,
): ReportModel['verdict'] {
  if (log?.verdict === 'broken') {
    return {
      word: 'broken',
      says:
        log.linesWhole === true
          ? 'The audit log is broken: a file in out/ that its lines refer to is missing or was changed. What follows is what the lines say, and proves nothing.'
          : 'The audit log is broken: what follows is what its good lines say, and proves nothing.',
    };
  }
  const statuses = [...new Set(steps.map((s) => s.status))];
  const counted = (status: string) => steps.filter((s) => s.status === status).length;
  const order = ['done', 'already so', 'recovered', 'previewed', 'rolled back', 'skipped', 'failed', 'in doubt'];
  const rank = (status: string) => (order.includes(status) ? order.indexOf(status) : order.length);
  const parts = statuses.sort((x, y) => rank(x) - rank(y)).map((status) => `${counted(status)} ${status}`);
  const tally = `${steps.length === 1 ? '1 step' : `${steps.length} steps`}: ${parts.join(', ')}.`;
  if (execution.status === 'closed') {
    switch (execution.outcome) {
      case 'done': {
        const left = steps.some((s) => s.status === 'failed' || s.skipped?.by === 'person');
        return left
          ? { word: 'done in part', says: `The run is closed, and steps were skipped by a person or failed. ${tally}` }
          : { word: 'done', says: `The run is closed. ${tally}` };
      }
      case 'rolled-back':
        return { word: 'rolled back', says: 'Every step that can be reversed was reversed; copies were kept.' };
      case 'rehearsed':
        return { word: 'rehearsed', says: `A rehearsal: nothing was changed. ${tally}` };
      case 'abandoned':
      case null:
        return { word: 'abandoned', says: `The run was given up. ${tally}` };
    }
  }
  if (counted('in doubt') > 0)
    return { word: 'in doubt', says: `An operation was begun, and nobody saw its end. ${tally}` };
  switch (execution.status) {
    case 'parked':
      return {
        word: 'parked',
        says: `It waits${execution.parked === null ? '' : ` (${execution.parked.why})`}. ${tally}`,
      };
    case 'stopped':
      return {
        word: 'stopped',
        says: `It was stopped${execution.stopped === null ? '' : ` (${execution.stopped.reason})`}. ${tally}`,
      };
    case 'open':
      return { word: 'open', says: `The run is not closed. ${tally}` };
  }
}

/** The head that the bytes of these events have: every line is canonical, so it can be made again. */
function headOf(events: readonly Recorded[]): Head {
  const first = events.find((event) => event.type === 'run.opened');
  let head: Head = { size: 0, hash: first?.intent ?? '' };
  for (const event of events) head = nextLine(head, event, event.ts).head;
  return head;
}

/** What became of an operation in doubt: a probe or a person said so, the host still knew its end, or its step was verified later. */
export interface Resolution {
  readonly outcome: 'done' | 'not-done' | 'failed' | 'done anew' | 'found done' | 'taken back';
  readonly by: 'probe' | 'person' | 'host';
  readonly who: string | null;
  readonly reason: string;
}

function resolutionOf(doubt: Recorded<EventOf<'operation.in-doubt'>>, events: readonly Recorded[]): Resolution | null {
  let anew = false;
  for (const event of events) {
    if (event.seq <= doubt.seq) continue;
    switch (event.type) {
      case 'operation.intended':
        anew ||= event.step === doubt.step && event.direction === doubt.direction;
        break;
      case 'step.verified': {
        if (event.step !== doubt.step || (event.direction !== doubt.direction && event.direction !== 'back')) continue;
        const outcome = event.direction !== doubt.direction ? 'taken back' : anew ? 'done anew' : 'found done';
        return { outcome, by: 'probe', who: null, reason: `verified at ${timeText(event.ts)}` };
      }
      case 'operation.resolved':
      case 'operation.done':
      case 'operation.failed': {
        const same = event.step === doubt.step && event.direction === doubt.direction;
        if (!same || event.attempt !== doubt.attempt || event.n !== doubt.n) continue;
        if (event.type === 'operation.resolved') return event;
        const outcome = event.type === 'operation.done' ? 'done' : 'failed';
        return { outcome, by: 'host', who: null, reason: 'the host was asked again, and knew how it ended' };
      }
    }
  }
  return null;
}
