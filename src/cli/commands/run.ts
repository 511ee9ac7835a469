import { resolve } from 'node:path';
import type { Host } from '../../core/host.ts';
import type { Plan } from '../../core/plan.ts';
import type { RunFolder } from '../../core/ports.ts';
import { fail, ok, type Result, trouble } from '../../core/result.ts';
import { shellWord } from '../../core/shell-word.ts';
import type { SignedStatement } from '../../core/statement.ts';
import { beginRun } from '../../engine/session.ts';
import { approvalRules, cannotBeApproved, readApprovals } from '../approvals.ts';
import { carryOn } from '../carry-on.ts';
import { type Desk, openDesk } from '../desk.ts';
import { type ExitCode, exit, exitOfSignal } from '../exit.ts';
import { openRunOf } from '../find-run.ts';
import type { Invocation } from '../invocation.ts';
import { previousHead } from '../kept-heads.ts';
import { newPlan, type PlanningOptions } from '../new-plan.ts';
import { planningWords } from '../planning-words.ts';
import type { ProgressMode } from '../progress.ts';
import type { Beforehand } from '../prompt/questions-of.ts';
import { type RaisingOptions, raisingCaps } from '../raising-caps.ts';
import { refuse, refuseLock, refuseLog } from '../refuse.ts';
import { readPlanFile, staleness } from '../saved-plan.ts';
import { listenForSignals, type Signals } from '../signals.ts';
import { takingOver } from '../taking-over.ts';
import { readBeforehand, refuseUnanswered } from '../unattended.ts';
import { planOutline } from '../view/plan-view.ts';
import { findHost, type Problem } from '../workspace.ts';

/** Options of the commands that ask. */
export interface AskingOptions {
  readonly nonInteractive?: boolean;
  readonly answers?: string;
  readonly confirm?: string;
  readonly progress?: 'auto' | ProgressMode;
  readonly takeOver?: string;
  readonly takeOverReason?: string;
}

export interface RunOptions extends PlanningOptions, AskingOptions, RaisingOptions {
  readonly plan?: string;
  readonly approval?: readonly string[];
  readonly dryRun?: boolean;
  readonly ticket?: string;
  readonly reason?: string;
  readonly responsible?: string;
}

/** Carries a plan out, or rehearses it. Everything that can be refused is refused before the run's folder is made. */
export async function run(invocation: Invocation, name: string | undefined, options: RunOptions): Promise<ExitCode> {
  const signals = listenForSignals((lines) => invocation.output.note(lines));
  try {
    return await runWith(invocation, name, options, signals);
  } finally {
    signals.release();
  }
}

async function runWith(
  invocation: Invocation,
  name: string | undefined,
  options: RunOptions,
  signals: Signals,
): Promise<ExitCode> {
  const rehearsal = options.dryRun === true;
  const usage = usageProblem(name, options, rehearsal);
  if (usage !== undefined) return refuse(invocation, [usage]);
  const opened = openDesk(invocation, signals.signal);
  if (!opened.ok) return refuse(invocation, opened.error);
  const desk = opened.value;
  const { folder } = desk.workspace;

  const attended = invocation.terminal && options.nonInteractive !== true;
  if (!attended && !rehearsal && options.plan === undefined) {
    return refuse(invocation, [nobody(name ?? 'HOST', invocation.terminal)], folder, exit.missing);
  }
  const beforehand = readBeforehand(options);
  if (!beforehand.ok) return refuse(invocation, beforehand.error);
  const over = takingOver(options);
  if (!over.ok) return refuse(invocation, [over.error]);
  const raising = raisingCaps(options);
  if (!raising.ok) return refuse(invocation, [raising.error]);

  // Until the plan stands nothing has been done: a signal ends it there and then.
  const chosen = await Promise.race([choosePlan(invocation, desk, name, options, rehearsal), signals.stopped]);
  if (chosen === 'stopped') {
    invocation.output.note(['Stopped while it was being planned; nothing was done.']);
    return exitOfSignal(signals.received() ?? 'SIGINT');
  }
  if (!chosen.ok) return refuse(invocation, chosen.error.problems, folder, chosen.error.code);
  const { plan, host, close } = chosen.value;
  let approvals: readonly SignedStatement[] = [];
  try {
    // What was being asked when the signal came is unknown, and no reason to refuse the plan.
    const stopped = signals.received();
    if (stopped !== undefined) return exitOfSignal(stopped);
    if (!rehearsal) {
      const refused = refuseReal(invocation, desk, plan, attended ? undefined : beforehand.value);
      if (refused !== undefined) return refused;
    }
    const read = await readApprovals(desk, plan, options.approval ?? [], invocation.now());
    if (!read.ok) return refuse(invocation, [read.error], folder, exit.blocked);
    approvals = read.value;
  } finally {
    await close();
  }
  const session = await desk.session({ unattended: !attended, rehearsal });
  if (!session.ok) return refuse(invocation, [session.error], folder);
  const prepared = desk.store.prepare();
  if (!prepared.ok) return refuse(invocation, [prepared.error]);
  const lock = rehearsal ? undefined : desk.store.lock(plan.intent.host.name);
  if (lock?.ok === false) return refuseLock(invocation, lock.error);
  try {
    // Looked for again behind the lock: another process may have begun one since, and have stopped.
    const open = rehearsal ? undefined : openRunOf(desk.store, plan.intent.host.name);
    if (open !== undefined) return refuse(invocation, [runOpen(open)], folder, exit.locked);
    const previous = rehearsal ? undefined : previousHead(desk.store);
    const id = rehearsal ? rehearsalId(desk, plan) : plan.intent.id;
    const created = desk.store.create(plan, id, rehearsal, approvals);
    if (!created.ok) {
      const code = created.error.code === 'plan-used' ? exit.stale : exit.usage;
      return refuse(invocation, [created.error], folder, code);
    }
    if (!rehearsal) invocation.output.note(planOutline(plan));
    const world = await desk.compose(host, id, {
      blobs: created.value.blobs(),
      mentions: plan.intent,
      ...(plan.facts.borrowed ? { borrowed: plan.facts } : {}),
    });
    try {
      const ended = await carryOn(invocation, {
        desk,
        folder: created.value,
        world,
        rehearsal,
        beforehand: attended ? undefined : beforehand.value,
        progress: options.progress ?? 'auto',
        signals,
        approvals: approvalRules(desk, !attended),
        ...(over.value === undefined ? {} : { takeOver: over.value }),
        again:
          options.plan === undefined
            ? `${plan.intent.host.name}${planningWords(options)}`
            : `--plan ${shellWord(options.plan)}`,
        async begin({ journal }) {
          const begun = await beginRun(
            journal,
            plan,
            {
              run: plan.intent.id,
              rehearsal,
              ticket: options.ticket ?? null,
              reason: options.reason ?? null,
              responsible: options.responsible ?? null,
              ...(previous === undefined ? {} : { previous }),
            },
            session.value,
          );
          if (begun.ok && raising.value !== undefined)
            journal.record({ type: 'caps.raised', ...raising.value, by: desk.operator });
          return begun;
        },
      });
      return ended.ok ? ended.value : refuseLog(invocation, ended.error, folder);
    } finally {
      await world.close();
    }
  } finally {
    if (lock?.ok) lock.value.release();
  }
}

/** Rehearsals of one plan are numbered, for a rehearsal burns no plan. Folders on the host are named by the plan in both. */
function rehearsalId({ store }: Desk, { intent }: Plan): string {
  const before = store.list().filter((folder) => folder.rehearsal && folder.run.startsWith(`${intent.id}-r`));
  return `${intent.id}-r${before.length + 1}`;
}

function usageProblem(name: string | undefined, options: RunOptions, rehearsal: boolean): Problem | undefined {
  if (
    options.plan !== undefined &&
    (options.runbook ?? options.param ?? options.params ?? options.facts) !== undefined
  ) {
    return trouble(
      'usage',
      '--plan holds its runbook, parameters and facts already',
      'Leave out -r, -p, --params and --facts.',
    );
  }
  if (name === undefined && options.plan === undefined) {
    return trouble(
      'usage',
      'no host was named',
      'Name it: decom run HOST, or give a saved plan: decom run --plan FILE',
    );
  }
  if (options.approval !== undefined && (options.plan === undefined || rehearsal)) {
    return trouble(
      'usage',
      rehearsal ? 'a rehearsal is approved by nobody' : 'an approval is of a saved plan, and none was given',
      rehearsal ? 'Leave out --approval.' : 'Give that plan: decom run --plan FILE --approval FILE',
    );
  }
  if (options.facts !== undefined && !rehearsal) {
    return trouble(
      'usage',
      'a plan on saved facts can be rehearsed, never run',
      'Add --dry-run, or leave out --facts.',
    );
  }
  return undefined;
}

const nobody = (host: string, terminal: boolean) =>
  trouble(
    'answers-missing',
    `${terminal ? 'with --non-interactive' : 'without a terminal'} nobody can be asked before each step, and no plan was handed over; nothing was done`,
    `Save a plan and hand it over: decom plan ${host} -o plan.json, then: decom run --plan plan.json --confirm=SERIAL --non-interactive`,
  );

interface Chosen {
  readonly plan: Plan;
  readonly host: Host;
  close(): Promise<void>;
}

interface Refusal {
  readonly problems: readonly Problem[];
  readonly code: ExitCode;
}

const refusal = (problems: readonly Problem[], code: ExitCode = exit.usage) => fail<Refusal>({ problems, code });

/** The plan to be run: the saved one, if it still holds, else a new one. */
async function choosePlan(
  invocation: Invocation,
  desk: Desk,
  name: string | undefined,
  options: RunOptions,
  rehearsal: boolean,
): Promise<Result<Chosen, Refusal>> {
  if (options.plan === undefined) {
    const planned = await newPlan(desk, name ?? '', options);
    return planned.ok
      ? ok({ plan: planned.value.plan, host: planned.value.host, close: () => planned.value.world.close() })
      : refusal(planned.error);
  }
  const saved = readPlanFile(resolve(options.plan));
  if (!saved.ok) return refusal([saved.error]);
  const { host } = saved.value.intent;
  if (name !== undefined && name !== host.name) {
    return refusal([
      trouble(
        'other-host',
        `${options.plan} is a plan for ${host.name}, not for ${name}`,
        'Name the other plan, or leave out the host.',
      ),
    ]);
  }
  const entry = findHost(desk.workspace, host.name);
  if (!entry.ok) return refusal(entry.error);
  const stale = staleness(desk.workspace, saved.value, invocation.now());
  if (!stale.ok && !(rehearsal && saved.value.facts.borrowed)) return refusal(stale.error, exit.stale);
  return ok({ plan: saved.value, host: entry.value, close: async () => {} });
}

const runOpen = ({ host, run: id }: RunFolder) =>
  trouble(
    'run-open',
    `${host} has an open run, ${id}`,
    `Go on with it: decom resume ${host}, or end it: decom abandon ${host} --reason REASON`,
  );

/** What stands in the way of a real run, before anything of it exists. */
function refuseReal(
  invocation: Invocation,
  desk: Desk,
  plan: Plan,
  beforehand: Beforehand | undefined,
): ExitCode | undefined {
  const { folder } = desk.workspace;
  const { name, serial } = plan.intent.host;
  const open = openRunOf(desk.store, name);
  if (open !== undefined) return refuse(invocation, [runOpen(open)], folder, exit.locked);
  if (plan.facts.blockers.length > 0) {
    const problems = plan.facts.blockers.map(({ trouble: why }) => why);
    return refuse(invocation, problems, folder, exit.blocked);
  }
  const approval = cannotBeApproved(desk, plan, approvalRules(desk, beforehand !== undefined));
  if (approval !== undefined) return refuse(invocation, [approval], folder, exit.blocked);
  if (beforehand === undefined) return undefined;
  if (beforehand.confirm !== undefined && beforehand.confirm !== serial) {
    const why = trouble(
      'serial-mismatch',
      `the serial given with --confirm is not that of ${name}; nothing was done`,
      'Compare with the label on the machine and with the plan.',
    );
    return refuse(invocation, [why], folder, exit.blocked);
  }
  return refuseUnanswered(invocation, plan, beforehand);
}
