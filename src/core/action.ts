import type { Static, TSchema } from 'typebox';
import type { Act } from './act.ts';
import type { Demand, EvidenceKind, Finding } from './evidence.ts';
import type { Json } from './json.ts';
import type { Operation, OperationOf, Outcome, Progress, Receipt } from './operation.ts';
import type { Precondition } from './precondition.ts';
import type { CopyDescription, ProbeAnswer, ProbeKind, ProbeQuestion } from './probe.ts';
import type { Seen, Trouble } from './result.ts';
import type { Answered, Find, WatchedRow } from './use.ts';

/** Asks the world one question. Changes nothing; "could not ask" comes back as `known: false`. */
export type Probe = <K extends ProbeKind>(
  question: ProbeQuestion<K>,
  context?: PerformContext,
) => Promise<Seen<ProbeAnswer<K>>>;

/** How something long is stopped, and where it tells how far it is. */
export interface PerformContext {
  readonly signal: AbortSignal;
  /** Where the host keeps the act, for operations that outlive their connection. */
  readonly act?: Act;
  /** What the host must say of itself in the same command, for what is run on it. */
  readonly precondition?: Precondition;
  readonly progress: (progress: Progress) => void;
  /** Of a watch: told again and again for how long it has gone on (milliseconds), and what it has met until then. */
  readonly watched?: (passed: number, met: readonly WatchedRow[]) => void;
}

/** Does one operation. The only door to the world's changes. */
export type Perform = (operation: Operation, context: PerformContext) => Promise<Outcome>;

/** What a step already went through, for actions whose state is their own record (`confirm`, `checklist`, `wait`). */
export interface Past {
  /** RFC 3339; when the step first started in this run; undefined before that. */
  readonly started?: string;
  readonly done: readonly { readonly operation: Operation; readonly receipt: Receipt; readonly at: string }[];
}

/** What is true of the whole plan and every step of it may know. */
export interface Setting {
  readonly host: {
    readonly name: string;
    readonly serial: string;
    readonly uuid?: string;
    readonly sudo: boolean;
    readonly hasBmc: boolean;
    /** The power is held by this program (`bmc.kind: command`), which has no address and no page of its own. */
    readonly powerProgram?: string;
  };
  /** What the inventory expects of each identity source; a source without an expectation does not count. */
  readonly expected: {
    readonly serial: string;
    readonly uuid?: string;
    readonly machine_id?: string;
    readonly host_keys?: readonly string[];
    readonly bmc_guid?: string;
    /** Serials of its disks. */
    readonly disks?: readonly string[];
  };
  /** Machines that may keep copies, by name, and the folder of each that may be changed. */
  readonly helpers: { readonly [name: string]: { readonly folder: string } };
  /** SHA-256 of the manifest of each copy that a step of this run made, as the log holds it, by the copy's place. */
  readonly manifests?: { readonly [copy: string]: string };
  /** The id of the step and of the plan: names of folders are made of them, so that no two attempts share one. */
  readonly step: string;
  readonly plan: string;
  /** Where scratch folders may be made here. */
  readonly scratch: string;
  /** Who answered for what an earlier look of this step found. */
  readonly answers?: readonly Answered[];
  /** When the host itself last said in this run who it is (RFC 3339), and how long ago that is (milliseconds); absent: not yet. */
  readonly answered?: { readonly at: string; readonly ago: number };
}

/** A step that cannot be planned on what is known now. It blocks; it never counts as done. */
export interface Blocked {
  readonly blocked: Trouble;
}

/** The operations that would make a step true; `[]` means it already is. */
export type Planned = readonly Operation[] | Blocked;

/**
 * Whether a step's own probe says that it holds: with outputs and evidence, or why not. Where `found` says what stands in the way, nothing failed: the gate
 * is shut until it is gone, or somebody answers for it. `waived` names who does, for what.
 */
export type Verdict =
  | {
      readonly ok: true;
      readonly output: { readonly [name: string]: Json };
      readonly evidence: readonly Finding[];
      readonly said: string;
      readonly waived?: readonly { readonly answer: Answered; readonly trouble: Trouble }[];
    }
  | { readonly ok: false; readonly trouble: Trouble; readonly found?: readonly Find[] };

export interface ExecuteContext {
  readonly perform: (operation: Operation) => Promise<Receipt>;
  readonly probe: Probe;
  readonly signal: AbortSignal;
  /** Passes the time between two looks (milliseconds); ends early, without an error, on abort. */
  readonly sleep: (ms: number) => Promise<void>;
  readonly progress: (progress: Progress) => void;
}

export interface ExamineContext {
  readonly probe: Probe;
  readonly signal: AbortSignal;
  /** As in `ExecuteContext`. */
  readonly sleep: (ms: number) => Promise<void>;
  readonly progress: (progress: Progress) => void;
  /** What the step has done until now, in earlier sessions too. */
  readonly past: Past;
}

/** Giving back what a step took: planned from the facts seen before the first act, proved by a probe of its own. */
export interface Rollback<I, F> {
  plan(input: I, before: F, now: F, setting: Setting): Planned;
  verify(input: I, before: F, now: F): Verdict;
}

/**
 * A kind of step. `inspect → plan → execute → examine → verify`: a step succeeds only when its own independent probe says so,
 * never because a command returned 0. One action is one file, one line in `actions/index.ts`, and tables under `test/actions/`.
 */
export interface Action<I extends TSchema = TSchema, F = unknown, A = unknown> {
  /** `service.stop` lives in `actions/service/stop.ts`. */
  readonly kind: string;
  /** One sentence for people: what a step of this kind does. */
  readonly about: string;
  readonly effect: 'none' | 'adds' | 'changes' | 'destroys';
  /** Never repeated by itself when its outcome is unknown. */
  readonly once: boolean;
  /** Of a `once` action: what would settle a doubt about it, in a few words. */
  settledBy?(input: Static<I>): string;
  /** Ends what cannot be seen any more: the serial is typed before it. True for all that `destroys`, and for `power.off`. */
  readonly irreversible: boolean;
  /** It speaks to the BMC; `last`: as the last of its run, so no step after it may. */
  readonly bmc?: 'uses' | 'last';
  readonly input: I;
  /** Fields whose text is a program: a reference in one would splice a value into it, so `validate` refuses that. */
  readonly literal?: readonly string[];
  /** Fields that count as they are written: what people may answer for is known before anything runs. */
  readonly written?: readonly string[];
  /** Rules between fields that a plain schema cannot say; the text of the complaint, or undefined. */
  check?(input: Static<I>): string | undefined;
  readonly output?: TSchema;
  readonly yields?: readonly EvidenceKind[];
  demands?(input: Static<I>): readonly Demand[];
  /** So many others have to agree before it begins, whoever sits at the terminal and whatever the runbook says. */
  readonly witnesses?: number;
  /** Kinds of what it may find that somebody may answer for. */
  waivable?(input: Static<I>): readonly string[];
  /** It cuts the users of the host off: who watches for them afterwards sees nobody. */
  readonly cutsOff?: boolean;
  /** What it does on the host may start something that writes there. */
  readonly startsWriters?: boolean;
  /** The least time that it takes, in milliseconds, as far as its input tells. */
  lasts?(input: Static<I>): number | undefined;
  /** Reads what the step needs to know: seconds, ≤ 64 KiB. Serves the plan, the moment before the act, and the resume. */
  inspect(input: Static<I>, probe: Probe, past: Past, setting: Setting): Promise<F>;
  /** The facts to plan on while an input is `(known after …)`: only then `inspect` cannot be asked. */
  foresee?(input: Static<I>, setting: Setting): F;
  /**
   * The facts as earlier steps will have left them: `earlier` are the operations that they will do, in order. What is planned before anything has
   * run, or is rehearsed, rests on these. Default: nothing of it changes. Pure.
   */
  left?(facts: F, earlier: readonly Operation[]): F;
  /** What of the facts a person is to know although it stands in nobody's way: shown with the plan. Pure. */
  remarks?(facts: F, setting: Setting): readonly string[];
  /** Of an action that proves a copy: what that one holds, where it is there already. Pure. */
  holds?(facts: F): CopyDescription | undefined;
  /** Pure: facts in, operations out. */
  plan(input: Static<I>, facts: F, setting: Setting): Planned;
  /** Default: every operation in order. */
  execute?(operations: readonly Operation[], context: ExecuteContext): Promise<readonly Receipt[]>;
  /** The dear look afterwards: may take hours. Default: `inspect`. */
  examine?(input: Static<I>, receipts: readonly Receipt[], context: ExamineContext, setting: Setting): Promise<A>;
  /** `examine` and `verify` are repeated until ok or time is up (power). Milliseconds. */
  settle?(input: Static<I>): { readonly within: number; readonly every: number };
  /** Pure. */
  verify(input: Static<I>, after: A, setting: Setting): Verdict;
  /** Frees what the step borrowed (a scratch folder), after a good verdict. */
  tidy?(input: Static<I>, setting: Setting): readonly Operation[];
  readonly rollback?: Rollback<Static<I>, F>;
}

/** An action with its types forgotten: what lists, engine and loader hold (its functions are methods, so this is sound to assign). */
export type AnyAction = Action<TSchema, unknown, unknown>;

/** Defines an action with its types inferred from its schema. */
export const action = <I extends TSchema, F, A = F>(definition: Action<I, F, A>): Action<I, F, A> => definition;

/** Handlers by operation: each adapter gives some, the composition needs them all, so a missing one fails the build. */
export type OperationHandlers = {
  readonly [K in Exclude<Operation['kind'], 'ask' | 'wait'>]: (
    operation: OperationOf<K>,
    context: PerformContext,
  ) => Promise<Outcome>;
};

/** Handlers by probe, likewise. */
export type ProbeHandlers = {
  readonly [K in ProbeKind]: (question: ProbeQuestion<K>, context?: PerformContext) => Promise<Seen<ProbeAnswer<K>>>;
};
