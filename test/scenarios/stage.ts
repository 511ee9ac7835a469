import { expect } from 'vitest';
import { actions } from '../../src/actions/index.ts';
import type { AnyAction } from '../../src/core/action.ts';
import type { Event } from '../../src/core/event.ts';
import type { Host } from '../../src/core/host.ts';
import { lineHash } from '../../src/core/line-hash.ts';
import type { Plan } from '../../src/core/plan.ts';
import { intentDigest } from '../../src/core/plan.ts';
import type { Answer, Ask, Clock, Counting, JournalStore, Question } from '../../src/core/ports.ts';
import type { Freeze } from '../../src/core/window.ts';
import { decideWithCel } from '../../src/effects/cel.ts';
import { memoryBlobs } from '../../src/effects/state/blob-store.ts';
import { amend } from '../../src/engine/amend.ts';
import type { ApprovalRules } from '../../src/engine/approval-gate.ts';
import { drive, type RunEnd } from '../../src/engine/drive.ts';
import type { Engine } from '../../src/engine/engine.ts';
import { type Journal, openJournal } from '../../src/engine/journal.ts';
import { makePlan, type PlanRequest } from '../../src/engine/make-plan.ts';
import { neverPerforms } from '../../src/engine/preview.ts';
import { beginRun, openSession } from '../../src/engine/session.ts';
import type { Reception } from '../../src/engine/take-in.ts';
import { makeBind } from '../../src/load/bind.ts';
import { loadRunbook } from '../../src/load/load-runbook.ts';
import { nextOpening } from '../../src/load/opening.ts';
import { resolveParams } from '../../src/load/param.ts';
import { parsePlan } from '../../src/load/plan-file.ts';
import { type FakeWorld, fakeHost, fakeWorld } from '../fakes/fake-world.ts';
import { readChain } from '../fakes/read-chain.ts';

/** A log in memory. `onAppend` is called after each line is safe, and may throw: that is a death. */
export interface FakeLog extends JournalStore {
  bytes: Buffer;
  onAppend: (count: number) => void;
}

export function fakeLog(): FakeLog {
  let count = 0;
  return {
    bytes: Buffer.alloc(0),
    onAppend: () => {},
    read(at) {
      return this.bytes.subarray(at);
    },
    append(line) {
      this.bytes = Buffer.concat([this.bytes, line]);
      count += 1;
      this.onAppend(count);
    },
    cut(length) {
      this.bytes = this.bytes.subarray(0, length);
      return 'audit.torn';
    },
    close() {},
  };
}

/** Thrown in place of a kill: nothing after it is written or done. */
export class Death extends Error {}

export interface Stage {
  readonly world: FakeWorld;
  readonly engine: Engine;
  readonly log: FakeLog;
  readonly questions: Question[];
  /** What counts the hosts of the state folder. */
  counting: Counting | undefined;
  /** What the workspace says of freezes; a text says why that cannot be told. */
  freezes: readonly Freeze[] | string;
  /** What lies in the run's inbox, by name. Nobody judges signatures here. */
  readonly inbox: Map<string, Uint8Array>;
  /** Called before a file is taken out of the inbox, and may throw: that is a death. */
  onTaken: (name: string) => void;
  /** The answer to each question; default: go on, with the serial where it is wanted. */
  answer: (question: Question) => Answer;
  plan(): Promise<Plan>;
  /** A run from the start, or on from where the log stands. */
  run(
    plan: Plan,
    options?: { rehearsal?: boolean; signal?: AbortSignal; inForce?: Plan; approvals?: ApprovalRules },
  ): Promise<RunEnd>;
  /** A new plan of the open run, put in force; of another runbook, where one is given. */
  replan(plan: Plan, redo: readonly string[], other?: string): Promise<Plan>;
  rollBack(plan: Plan): Promise<RunEnd>;
  events(plan: Plan): readonly Event[];
  /** Time goes by, in milliseconds, by every clock. */
  pass(ms: number): void;
}

export const goOn = (question: Question): Answer => {
  switch (question.ask) {
    case 'begin':
      return question.serial === null
        ? { answer: 'continue', how: 'asked' }
        : { answer: 'typed', text: question.serial, how: 'typed' };
    case 'form':
      return { answer: 'filled', items: question.items.map(({ id }) => ({ id, done: true, note: '' })) };
    case 'failed':
    case 'doubt':
      return { answer: 'missing', what: question.ask, fix: '' };
  }
};

export function stage(
  runbook: string,
  params: Record<string, string> = {},
  world = fakeWorld(),
  kinds: readonly AnyAction[] = actions,
  host: Host = fakeHost(),
): Stage {
  // What a test sets in the world moves the wall clock alone.
  let passed = 0;
  const pass = (ms: number): void => {
    passed += ms;
    world.state.now = new Date(world.state.now.getTime() + ms);
  };
  const clock: Clock = {
    now: () => {
      pass(1);
      return world.state.now;
    },
    monotonic: () => passed,
    sleep: async (ms) => pass(ms),
  };
  const engine: Engine = {
    actions: kinds,
    probe: world.probe,
    clock,
    blobs: memoryBlobs(),
    bind: makeBind(kinds),
    decide: decideWithCel,
    scratch: '/scratch',
    nextOpening,
    freezes: () =>
      typeof self.freezes === 'string'
        ? { ok: false, error: { code: 'freezes-unreadable', what: self.freezes, fix: 'Correct it.' } }
        : { ok: true, value: self.freezes },
  };
  const log = fakeLog();
  const questions: Question[] = [];
  const inbox = new Map<string, Uint8Array>();
  const gone = (name: string): void => {
    self.onTaken(name);
    inbox.delete(name);
  };
  const reception: Reception = {
    inbox: {
      waiting: () => [...inbox].map(([name, bytes]) => ({ name, content: { ok: true, bytes } })),
      count: () => inbox.size,
      drop: (name, bytes) => {
        inbox.set(name, bytes);
        return { ok: true, value: name };
      },
      taken: gone,
      refused: gone,
    },
    judge: async () => ({ ok: true, value: undefined }),
    hashOfLine: (line) => lineHash((at) => ({ ok: true, value: log.bytes.subarray(at) }), line),
  };
  const open = (plan: Plan): Journal => {
    const opened = openJournal(log, intentDigest(plan), clock, () => {});
    if (!opened.ok) throw new Error(`line ${opened.breach.line}: ${opened.breach.what}`);
    return opened.journal;
  };
  const session = { operator: 'ada', control: 'laptop', pid: 1, tool: 'test', unattended: false };
  const planned = async (
    id: string,
    again: Pick<PlanRequest, 'outputs' | 'redone'> = {},
    text = runbook,
  ): Promise<Plan> => {
    const loaded = loadRunbook('book.yaml', () => ({ ok: true, value: Buffer.from(text) }), kinds, {
      timezone: 'UTC',
    });
    if (!loaded.ok) throw new Error(JSON.stringify(loaded.error, null, 2));
    const resolved = resolveParams(loaded.value, params);
    if (!resolved.ok) throw new Error(JSON.stringify(resolved.error));
    const made = await makePlan(engine, {
      host,
      runbook: loaded.value,
      params: resolved.value,
      id,
      run: 'run1',
      lifetime: 86_400_000,
      tool: 'test',
      ...again,
    });
    // Every plan is one that its file gives back; ids of runs are short here.
    const saved = { ...made, intent: { ...made.intent, id: '0'.repeat(12) } };
    const read = parsePlan(JSON.stringify(saved), 'plan.json');
    if (!read.ok) throw new Error(JSON.stringify(read.error));
    expect(read.value).toEqual(saved);
    return made;
  };
  const self: Stage = {
    world,
    engine,
    log,
    questions,
    inbox,
    counting: undefined,
    freezes: [],
    onTaken: () => {},
    answer: goOn,
    plan: () => planned('run1'),
    async run(plan, options = {}) {
      const journal = open(plan);
      const inForce = options.inForce ?? plan;
      if (journal.execution.run === '') {
        const info = {
          run: options.rehearsal ? 'rehearsal1' : 'run1',
          rehearsal: options.rehearsal ?? false,
          ticket: null,
          reason: null,
          responsible: null,
        };
        await beginRun(journal, plan, info, session);
      } else {
        await openSession(journal, session);
      }
      const ask: Ask = async (question) => {
        questions.push(question);
        return self.answer(question);
      };
      const executor = options.rehearsal
        ? { real: false, perform: neverPerforms }
        : { real: true, perform: world.perform, ...(world.keeps === undefined ? {} : { acts: world.keeps }) };
      return drive({
        engine,
        plan: inForce,
        journal,
        executor,
        ask,
        tell: () => {},
        signal: options.signal ?? new AbortController().signal,
        operator: 'ada',
        reception,
        ...(self.counting === undefined ? {} : { counting: self.counting }),
        ...(options.approvals === undefined ? {} : { approvals: options.approvals }),
      });
    },
    async replan(plan, redo, other) {
      const journal = open(plan);
      await openSession(journal, session);
      const outputs = Object.fromEntries(
        Object.entries(journal.execution.steps)
          .filter(([id]) => !redo.includes(id))
          .map(([id, state]) => [id, state.output]),
      );
      const redone = Object.fromEntries(redo.map((id) => [id, 1]));
      const fresh = await planned('plan2', { outputs, redone }, other);
      const steps = fresh.intent.steps.map((step, i) =>
        redo.includes(step.id) ? step : { ...step, operations: plan.intent.steps[i]?.operations ?? null },
      );
      const amended = { ...fresh, intent: { ...fresh.intent, steps } };
      amend(journal, amended, [], redo, 'ada');
      return amended;
    },
    async rollBack(plan) {
      const journal = open(plan);
      await openSession(journal, session);
      journal.record({ type: 'rollback.opened', by: 'ada', reason: 'needed again' });
      return drive({
        engine,
        plan,
        journal,
        executor: { real: true, perform: world.perform, ...(world.keeps === undefined ? {} : { acts: world.keeps }) },
        ask: async (question) => {
          questions.push(question);
          return self.answer(question);
        },
        tell: () => {},
        signal: new AbortController().signal,
        operator: 'ada',
        reception,
      });
    },
    events: (plan) => {
      // A torn end is repaired first.
      open(plan);
      return readChain(log.bytes, intentDigest(plan)).events;
    },
    pass,
  };
  return self;
}
