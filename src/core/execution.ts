import type { There } from './act.ts';
import type { Approval } from './approval.ts';
import type { BlobRef } from './blob.ts';
import type { Direction, EventOf } from './event.ts';
import type { Evidence } from './evidence.ts';
import type { Json } from './json.ts';
import type { Operation, Receipt } from './operation.ts';
import type { FileSystem } from './probe.ts';
import type { Trouble } from './result.ts';
import type { Statement } from './statement.ts';

export type OperationStatus = 'intended' | 'done' | 'failed' | 'in-doubt' | 'not-done';

export interface OperationState {
  readonly n: number;
  readonly attempt: number;
  readonly operation: Operation;
  /** Where the host keeps it, if it can be found again there. */
  readonly there?: There;
  readonly status: OperationStatus;
  readonly receipt: Receipt;
  readonly at: string;
}

export type StepStatus =
  | 'pending'
  | 'running'
  | 'waiting'
  | 'done'
  | 'already'
  | 'skipped'
  | 'failed'
  | 'blocked'
  | 'previewed'
  | 'rolled-back';

/** One direction of a step: forth as planned, or back in a rollback. */
export interface Pass {
  readonly status: StepStatus;
  readonly attempt: number;
  readonly operations: readonly OperationState[];
  /** The facts seen before the first act; never replaced. */
  readonly before: BlobRef | null;
  readonly agreed: boolean;
  /** Other people answer its form. */
  readonly left: boolean;
  readonly started: string | null;
  readonly ended: string | null;
  readonly trouble: Trouble | null;
  /** The gate that was shut before it last. */
  readonly gate: string | null;
  readonly said: string;
  /** It failed at least once before it was done. */
  readonly recovered: boolean;
  /** How often a new plan had it done once more. */
  readonly redone: number;
  /** What its rehearsal came to; null where it was not rehearsed. */
  readonly preview: EventOf<'step.previewed'>['how'] | null;
}

export interface StepState {
  readonly id: string;
  readonly forth: Pass;
  readonly back: Pass;
  readonly output: { readonly [name: string]: Json };
}

/** An operation that may have started a writer. Evidence that writers were stopped, if it is among the first `evidence`, no longer holds. */
export interface WritersStarted {
  readonly step: string;
  readonly operation: Operation;
  readonly evidence: number;
}

/** What a look of a step found in its way: its kinds, and the list, kept beside the log. */
export interface FoundOnce {
  readonly kinds: readonly string[];
  readonly list: BlobRef;
}

/** The first operation that cut users of the host off. Evidence that is not among the first `evidence` was taken after it. */
export interface CutOff {
  readonly step: string;
  readonly evidence: number;
}

/** One item of a form, answered by somebody who does not drive the run. */
export interface Tick {
  readonly item: string;
  readonly done: boolean;
  readonly by: string;
  readonly note: string;
}

/** What a run has come to: the fold of its events, and nothing else. */
export interface Execution {
  readonly run: string;
  readonly rehearsal: boolean;
  readonly host: string;
  readonly serial: string;
  readonly plan: string;
  readonly intent: string;
  readonly runbook: string;
  readonly ticket: string | null;
  readonly reason: string | null;
  readonly responsible: string | null;
  readonly opened: string | null;
  /** Who opened its sessions, for people. */
  readonly operators: readonly string[];
  /** Who opened the last session: the person who vouches for it, by their name among the allowed signers, else the login. */
  readonly present: string;
  /** A process works on it, or ended without a word: its session was never closed. */
  readonly inSession: boolean;
  /** Those of them who began the run, planned it anew or began a step of it. To take statements in is not to drive. */
  readonly drivers: readonly string[];
  readonly direction: Direction;
  readonly steps: { readonly [id: string]: StepState };
  readonly evidence: readonly Evidence[];
  /** The last of its kind. */
  readonly writersStarted: WritersStarted | null;
  readonly cutOff: CutOff | null;
  /** By step, oldest first. */
  readonly found: { readonly [step: string]: readonly FoundOnce[] };
  /** By its folder: how many pieces of evidence there were when a copy was begun last. */
  readonly copiesBegun: { readonly [folder: string]: number };
  /** Since when the host counts under the caps (RFC 3339); null: not yet. */
  readonly counted: { readonly changed: string | null; readonly ended: string | null };
  /** The caps are at least this much for this run. */
  readonly capsRaised: { readonly to: number; readonly by: string; readonly reason: string } | null;
  /** What was on the host when that was asked last, for a gate; null: not yet. */
  readonly storage: { readonly at: string; readonly file_systems: readonly FileSystem[] } | null;
  /** What people said about the run, in the order in which it was taken in. */
  readonly statements: readonly Statement[];
  /** Those of them that agree to a plan, with whether they were signed. */
  readonly approvals: readonly Approval[];
  /** By step: what was ticked of its form since a new plan last had it done once more. */
  readonly ticks: { readonly [step: string]: readonly Tick[] };
  readonly status: 'open' | 'parked' | 'stopped' | 'closed';
  /**
   * `gate`: what keeps the step from being begun, where it is not the step itself that waits. `heard`: how many statements were on record
   * then; what came since may be what it waits for.
   */
  readonly parked: {
    readonly step: string;
    readonly until: string | null;
    readonly why: string;
    readonly gate?: 'window' | 'freeze' | 'approvals';
    readonly heard: number;
  } | null;
  readonly stopped: { readonly by: string; readonly reason: string } | null;
  readonly outcome: 'done' | 'abandoned' | 'rolled-back' | 'rehearsed' | null;
  readonly closed: string | null;
  /** Time of the last line. */
  readonly last: string | null;
}

const emptyPass: Pass = {
  status: 'pending',
  attempt: 0,
  operations: [],
  before: null,
  agreed: false,
  left: false,
  started: null,
  ended: null,
  trouble: null,
  gate: null,
  said: '',
  recovered: false,
  redone: 0,
  preview: null,
};

export const emptyStep = (id: string): StepState => ({ id, forth: emptyPass, back: emptyPass, output: {} });

export const emptyExecution: Execution = {
  run: '',
  rehearsal: false,
  host: '',
  serial: '',
  plan: '',
  intent: '',
  runbook: '',
  ticket: null,
  reason: null,
  responsible: null,
  opened: null,
  operators: [],
  present: '',
  inSession: false,
  drivers: [],
  direction: 'forth',
  steps: {},
  evidence: [],
  writersStarted: null,
  cutOff: null,
  found: {},
  copiesBegun: {},
  counted: { changed: null, ended: null },
  capsRaised: null,
  storage: null,
  statements: [],
  approvals: [],
  ticks: {},
  status: 'open',
  parked: null,
  stopped: null,
  outcome: null,
  closed: null,
  last: null,
};

export const stepState = (execution: Execution, id: string): StepState =>
  (Object.hasOwn(execution.steps, id) ? execution.steps[id] : undefined) ?? emptyStep(id);

/** What the looks of a step found in its way, oldest first. */
export const foundOf = ({ found }: Pick<Execution, 'found'>, id: string): readonly FoundOnce[] =>
  (Object.hasOwn(found, id) ? found[id] : undefined) ?? [];

/** What others ticked of a step's form. */
export const ticksOf = ({ ticks }: Pick<Execution, 'ticks'>, id: string): readonly Tick[] =>
  (Object.hasOwn(ticks, id) ? ticks[id] : undefined) ?? [];

/** Whether a step was come to and nothing of it was begun, as where a person quit before agreeing. */
export const startedOnly = ({ status, operations }: Pass): boolean => status === 'running' && operations.length === 0;
