import type { Head } from '../core/chain.ts';
import { nextLine } from '../core/chain.ts';
import type { EventOf, Recorded } from '../core/event.ts';
import type { Evidence } from '../core/evidence.ts';
import { type Execution, type Pass, startedOnly, stepState } from '../core/execution.ts';
import { foldAll } from '../core/fold.ts';
import { digestOf, type Json } from '../core/json.ts';
import type { Kept } from '../core/keep.ts';
import type { BoundHost, Plan, PlannedStep } from '../core/plan.ts';
import { type AnsweredForm, formsOf } from './report-forms.ts';
import { type ReportWord, verdictOf } from './report-verdict.ts';
import { type Resolution, resolutionOf } from './resolution.ts';
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
  /** Until when it has to be there; null where nobody said. */
  readonly kept: Kept | null;
}

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
  readonly accepted: readonly Recorded<EventOf<'unsigned.accepted'>>[];
  readonly capsRaised: readonly Recorded<EventOf<'caps.raised'>>[];
  /** What each step saw last, that asked which file systems there are. */
  readonly storage: readonly Recorded<EventOf<'storage.seen'>>[];
  readonly statements: readonly Recorded<EventOf<'statement.taken'>>[];
  readonly waivers: readonly Recorded<EventOf<'gate.waived'>>[];
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
    identity: evidence.filter(({ evidence: e }) => e.kind.startsWith('identity.')),
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
    accepted: of('unsigned.accepted'),
    capsRaised: of('caps.raised'),
    storage: [...new Map(of('storage.seen').map((seen) => [seen.step, seen])).values()],
    statements: of('statement.taken'),
    waivers: of('gate.waived'),
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
        kept: keptIn(output),
        proofs: evidence.filter(({ evidence: e }) => e.kind === 'restore.proven' && e.copy === copy),
      },
    ];
  });
  return made;
}

function keptIn({ kept_until: until, may_delete: by, kept_why: why }: { readonly [name: string]: Json }): Kept | null {
  if (typeof until !== 'string' || typeof by !== 'string') return null;
  return { until, by, ...(typeof why === 'string' ? { why } : {}) };
}

/** The head that the bytes of these events have: every line is canonical, so it can be made again. */
function headOf(events: readonly Recorded[]): Head {
  const first = events.find((event) => event.type === 'run.opened');
  let head: Head = { size: 0, hash: first?.intent ?? '' };
  for (const event of events) head = nextLine(head, event, event.ts).head;
  return head;
}
