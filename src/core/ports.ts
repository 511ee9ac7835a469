import type { Readable, Writable } from 'node:stream';
import type { BlobRef } from './blob.ts';
import type { Caps, CountedHost } from './caps.ts';
import type { FormItem, Progress } from './operation.ts';
import type { Plan } from './plan.ts';
import type { Precondition } from './precondition.ts';
import type { Reachable } from './probe.ts';
import type { Result, Seen, Trouble } from './result.ts';
import type { Secret } from './secret.ts';
import type { SignedStatement } from './statement.ts';

/** What is to run on a machine. `root` uses `sudo -n` unless the login is root already. */
export interface Command {
  readonly argv: readonly string[];
  readonly root: boolean;
  readonly directory?: string;
  /** Set for the program without ever standing in an argument vector. */
  readonly environment?: { readonly [name: string]: string | Secret };
  /** Looked at on the machine itself before the program begins. Where it does not hold nothing begins, and the trouble is one of `refusals`. */
  readonly precondition?: Precondition;
}

/** How a remote program ended. `lost`: the connection went away and nobody knows. */
export type Ended =
  | { readonly how: 'exit'; readonly code: number }
  | { readonly how: 'signal'; readonly signal: string }
  | { readonly how: 'lost'; readonly trouble: Trouble }
  | { readonly how: 'aborted'; readonly trouble: Trouble };

export interface RemoteProcess {
  readonly stdin: Writable;
  readonly stdout: Readable;
  readonly stderr: Readable;
  /** Settles once; both streams must be read for it to come. Never rejects. */
  readonly ended: Promise<Ended>;
}

export interface CollectedOutput {
  readonly ended: Ended;
  /** At most `limit` bytes of each. */
  readonly stdout: Uint8Array;
  readonly stderr: Uint8Array;
}

/** A machine that programs can be run on. Connections are pooled behind it; `close` ends them. */
export interface Machine {
  readonly name: string;
  /**
   * `stdin` is written and closed; without it the program reads end of file. `limit` (bytes, default 64 KiB) caps each stream, and
   * `keep` says which end of a longer one stays (default `first`). `ok: false` means that the program was not started.
   */
  exec(
    command: Command,
    options?: {
      readonly signal?: AbortSignal;
      readonly stdin?: string | Uint8Array;
      readonly limit?: number;
      readonly keep?: 'first' | 'last';
    },
  ): Promise<Result<CollectedOutput>>;
  /** For long or streaming programs. On abort the whole remote process group is ended. */
  start(command: Command, options?: { readonly signal?: AbortSignal }): Promise<Result<RemoteProcess>>;
  /** The public key that the server proved it holds: `ssh-ed25519 AAAA…`. */
  hostKey(): Promise<Result<string>>;
  /** Algorithms that were agreed on with it and that no longer count as safe; absent where that is not known. */
  legacy?(): Promise<Result<readonly string[]>>;
  /**
   * Whether a TCP connection to it opens within `within` milliseconds. Refused and timed out are both `no`; unknown where a machine
   * between here and there cannot be asked, or no way leads there. `silent` takes longer: ten times `within`, or as long as a login may.
   */
  reachable(within: number): Promise<Seen<Reachable>>;
  close(): Promise<void>;
}

/** A baseboard management controller. */
export interface Bmc {
  readonly name: string;
  power(): Promise<Seen<'on' | 'off'>>;
  identity(): Promise<
    Seen<{ readonly guid: Seen<string>; readonly guid_swapped: Seen<string>; readonly serial: Seen<string> }>
  >;
  /**
   * Asks for a change; returns when the BMC accepted it, which is before the power has changed. Trouble `bmc-unanswered`: the request
   * left and its answer never came. All other trouble: nothing was done. So it is of `setIndicator` and `restart`.
   */
  setPower(want: 'on' | 'off', how: 'soft' | 'hard', signal: AbortSignal): Promise<Result<void>>;
  /** Whether the locator light is on, steady or blinking. `bmc-cannot-tell`: it has none, or none that can be read. */
  indicator(): Promise<Seen<'on' | 'off'>>;
  setIndicator(want: 'on' | 'off', signal: AbortSignal): Promise<Result<void>>;
  /** Has the BMC itself start anew; the machine goes on. Returns when it was accepted. */
  restart(signal: AbortSignal): Promise<Result<void>>;
  /** Ways in which others could come in, looked for once; none found is an empty list. */
  weaknesses(): Promise<Seen<readonly Trouble[]>>;
  /** How it was spoken to, where that is less than the best: an older cipher suite, an old TLS. */
  notes(): readonly string[];
  close(): Promise<void>;
}

/** The append-only file of a run. Throws `JournalTrouble` where the disk fails: that ends the run. */
export interface JournalStore {
  /** As `RunFolder.log`. */
  read(at: number): Uint8Array;
  /** Writes all bytes at the end and syncs them to the disk before it returns. */
  append(bytes: Uint8Array): void;
  /** Cuts the file back to `length`, keeps what was cut in a file beside it, syncs, and returns that file's name. */
  cut(length: number): string;
  close(): void;
}

/** What keeps heads of logs where nobody who could change a log can write. */
export interface Anchor {
  /** Its name, for people. */
  readonly name: string;
  /** Hands a head over; what comes back is what it said, at most 64 KiB. */
  keep(head: {
    readonly run: string;
    readonly host: string;
    readonly size: number;
    readonly hash: string;
  }): Promise<Result<string>>;
}

/** An operator's SSH key, and whoever it is listed for among the allowed signers. */
export interface Voucher {
  readonly principal: string;
  /**
   * Signs as `ssh-keygen -Y sign` does; may ask a person for a passphrase or a touch. `at` is when the message says that it was signed. The
   * signature is base64, without its armour.
   */
  sign(message: Uint8Array, namespace: string, at: string): Promise<Result<string>>;
}

/** Thrown by a journal store: the record could not be made safe, so nothing may go on. */
export class JournalTrouble extends Error {
  readonly trouble: Trouble;
  constructor(trouble: Trouble, cause?: unknown) {
    super(trouble.what, { cause });
    this.name = 'JournalTrouble';
    this.trouble = trouble;
  }
}

/** Large values kept by hash beside the journal. What is put is redacted first. */
export interface BlobStore {
  put(data: string | Uint8Array): BlobRef;
  get(ref: BlobRef): Uint8Array;
  /** Whether what is kept is what `ref` says, by hash and length. */
  check(ref: BlobRef): 'whole' | 'missing' | 'different' | 'unreadable';
  /** Everything there is, by its name, whether a line of the log refers to it or not. */
  names(): readonly string[];
}

export interface Clock {
  now(): Date;
  /** Milliseconds of a clock that never jumps. */
  monotonic(): number;
  sleep(ms: number, signal: AbortSignal): Promise<void>;
}

/** Gives a secret's value. Never journaled, never printed. */
export type Secrets = (ref: import('./secret.ts').SecretRef, what: string) => Promise<Result<Secret>>;

export interface StepAsked {
  readonly id: string;
  readonly title: string;
  readonly position: number;
  readonly of: number;
  /** `back` where a rollback takes the step back; absent where it is done as planned. */
  readonly direction?: 'back';
}

/** Everything the engine may ask a person. Closed, so that every front end answers all of it. */
export type Question =
  /** Before each step of an interactive run; `serial` is set where it must be typed. */
  | {
      readonly ask: 'begin';
      readonly step: StepAsked;
      readonly details: readonly string[];
      readonly serial: string | null;
    }
  | {
      readonly ask: 'failed';
      readonly step: StepAsked;
      readonly trouble: Trouble;
      readonly mayRetry: boolean;
      readonly tail: readonly string[];
    }
  | { readonly ask: 'doubt'; readonly step: StepAsked; readonly what: string; readonly trouble: Trouble }
  | {
      readonly ask: 'form';
      readonly step: StepAsked;
      readonly form: 'confirm' | 'checklist';
      readonly title: string;
      readonly items: readonly FormItem[];
    };

export type Answer =
  | { readonly answer: 'continue'; readonly how: 'asked' | 'beforehand' }
  | { readonly answer: 'typed'; readonly text: string; readonly how: 'typed' | 'beforehand' }
  | { readonly answer: 'skip'; readonly reason: string }
  | { readonly answer: 'retry' }
  | { readonly answer: 'resolved'; readonly outcome: 'done' | 'not-done'; readonly reason: string }
  | {
      readonly answer: 'filled';
      readonly items: readonly { readonly id: string; readonly done: boolean; readonly note: string }[];
    }
  | { readonly answer: 'quit'; readonly why: 'quit' | 'interrupted' | 'end-of-input' }
  /** Non-interactive only: other people answer it, with ticks. */
  | { readonly answer: 'left' }
  /** Non-interactive only: nobody to ask, and no answer was given beforehand. */
  | { readonly answer: 'missing'; readonly what: string; readonly fix: string };

export type Ask = (question: Question, signal: AbortSignal) => Promise<Answer>;

/** What the engine tells while it runs; shown, never journaled. Events are shown after they are on disk. */
export type Notice =
  | { readonly notice: 'event'; readonly event: import('./event.ts').Recorded }
  | { readonly notice: 'progress'; readonly step: string; readonly progress: Progress }
  /** Something that should have been taken back stays where it is. */
  | { readonly notice: 'left'; readonly trouble: Trouble }
  | { readonly notice: 'settling'; readonly step: string; readonly trouble: Trouble };
export type Tell = (notice: Notice) => void;

/** Where one run lives: `<state>/runs/<host>/<run>/` or `<state>/rehearsals/<host>/<run>/`. */
export interface RunFolder {
  readonly run: string;
  readonly host: string;
  readonly rehearsal: boolean;
  readonly path: string;
  /** The first plan, whose digest the log's first line is chained to. */
  firstPlan(): Result<Plan>;
  /** The SHA-256 of each plan's intent in canonical form, as they lie beside the log for whoever has no decom; empty where they cannot be read. */
  intents(): ReadonlySet<string>;
  /** The plan with this intent id: the first one or an amended one. */
  plan(id: string): Result<Plan>;
  /** Adds `plan.<n>.json`, and its intent as `intent.<n>.json`. */
  amendPlan(plan: Plan): Result<void>;
  /** The log's bytes from there on, a part of them as `LogReader` takes it; empty at its end, and if there is none. */
  log(at: number): Result<Uint8Array>;
  openJournal(): Result<JournalStore>;
  inbox(): Inbox;
  blobs(): BlobStore;
  /** Writes a document into the folder and returns its path. */
  write(name: string, text: string): Result<string>;
}

/** Files that people dropped for a run's next writer. A file appears as a whole, by a rename. */
export interface Inbox {
  /** What lies there, oldest name first, each file read as its turn comes; one that cannot be taken as it lies is `unfit`, with the reason. */
  waiting(): Iterable<Waiting>;
  /** How many files lie there. */
  count(): number;
  /** Drops a file. It is on the disk when this returns. */
  drop(name: string, bytes: Uint8Array): Result<string>;
  /** Removes what is on record now. Never throws, as `refused`: what cannot be moved is not told of again by this inbox. */
  taken(name: string): void;
  /** Puts a file aside, into `refused/`. */
  refused(name: string): void;
}

export interface Waiting {
  readonly name: string;
  readonly content:
    | { readonly ok: true; readonly bytes: Uint8Array }
    | { readonly ok: false; readonly unfit: string; readonly sha256: string };
}

/** Judges who made a statement. `at` is now, RFC 3339: a key has to be allowed when the log takes the statement in. */
export type JudgeStatement = (signed: SignedStatement, at: string) => Promise<Result<void>>;

/** Counts the hosts of a state folder, so that not too many are changed. */
export interface Counting {
  /** The caps as they stand now. */
  caps(): Result<Caps>;
  /** Hosts other than this run's: under change (`changed`), or with an irreversible step begun within the last hour (`ended`). */
  others(as: 'changed' | 'ended'): readonly CountedHost[];
  /** Does something while nobody else who counts here does. Trouble where the others do not come to an end. */
  alone<T>(work: () => T): Promise<Result<T>>;
}

export interface Lock {
  release(): void;
}

/** All runs of a workspace. */
export interface RunStore {
  readonly path: string;
  /** Makes the folders, or says why the state cannot be kept there. */
  prepare(): Result<void>;
  /** What tells this state folder from every other; undefined before the first `prepare`. */
  id(): string | undefined;
  /** Every run and rehearsal, oldest first. */
  list(): readonly RunFolder[];
  /** A new run's folder with its `plan.json`, and what was handed over with it in its inbox. Refused if the plan was used before. */
  create(plan: Plan, run: string, rehearsal: boolean, said?: readonly SignedStatement[]): Result<RunFolder>;
  /** One process a host. Refused with the owner's name while that process lives. */
  lock(host: string): Result<Lock>;
}
