import { trouble } from '../core/result.ts';
import type { Engine } from '../engine/engine.ts';
import type { Journal } from '../engine/journal.ts';
import type { RunRead } from '../engine/open-run.ts';
import { beginRun, openSession, type RunInfo } from '../engine/session.ts';
import { approvalRules, cannotBeApproved } from './approvals.ts';
import { believed } from './believed.ts';
import { carryOn } from './carry-on.ts';
import type { AskingOptions } from './commands/run.ts';
import type { Desk } from './desk.ts';
import { type ExitCode, exit } from './exit.ts';
import type { Invocation } from './invocation.ts';
import type { Beforehand } from './prompt/questions-of.ts';
import { refuse, refuseLock, refuseLog } from './refuse.ts';
import { hostDrift } from './saved-plan.ts';
import type { Signals } from './signals.ts';
import { takingOver } from './taking-over.ts';
import { runOutline } from './view/plan-view.ts';
import { findHost } from './workspace.ts';

export interface TakeUp {
  readonly signals: Signals;
  readonly options: AskingOptions;
  readonly beforehand: Beforehand;
  /** The command that took it up, where it is not plainly gone on with. */
  readonly afterwards?: string;
  /** Writes what comes after the session's first line and before the first step. */
  readonly begin: (journal: Journal, engine: Engine) => void;
}

/** Takes up a run that has a log: locks its host, connects, and drives it from where it stands. */
export async function takeUp(invocation: Invocation, desk: Desk, read: RunRead, how: TakeUp): Promise<ExitCode> {
  const { folder } = read;
  const attended = invocation.terminal && how.options.nonInteractive !== true;
  const { serial } = read.plan.intent.host;
  if (!attended && how.beforehand.confirm !== undefined && how.beforehand.confirm !== serial) {
    const what = `the serial given with --confirm is not that of ${folder.host}; nothing was done`;
    const why = trouble('serial-mismatch', what, 'Compare with the label on the machine and with the plan.');
    return refuse(invocation, [why], process.cwd(), exit.blocked);
  }
  const host = findHost(desk.workspace, folder.host);
  if (!host.ok) return refuse(invocation, host.error, desk.workspace.folder);
  const drift = hostDrift(desk.workspace, read, how.afterwards);
  if (drift !== undefined) return refuse(invocation, [drift], desk.workspace.folder, exit.stale);
  const rules = approvalRules(desk, !attended);
  const approval = read.execution.direction === 'forth' ? cannotBeApproved(desk, read.plan, rules) : undefined;
  if (approval !== undefined) return refuse(invocation, [approval], desk.workspace.folder, exit.blocked);
  const over = takingOver(how.options);
  if (!over.ok) return refuse(invocation, [over.error]);
  const session = await desk.session({ unattended: !attended });
  if (!session.ok) return refuse(invocation, [session.error]);
  const prepared = desk.store.prepare();
  if (!prepared.ok) return refuse(invocation, [prepared.error]);
  const lock = desk.store.lock(folder.host);
  if (!lock.ok) return refuseLock(invocation, lock.error);
  try {
    const judged = await believed(desk, folder);
    if (!judged.ok) return refuseLog(invocation, judged.error);
    const world = await desk.compose(host.value, folder.run, { blobs: folder.blobs(), mentions: read.plan.intent });
    try {
      invocation.output.note(runOutline(read.plan, folder.run));
      const code = await carryOn(invocation, {
        desk,
        folder,
        world,
        rehearsal: false,
        beforehand: attended ? undefined : how.beforehand,
        progress: how.options.progress ?? 'auto',
        signals: how.signals,
        approvals: rules,
        ...(over.value === undefined ? {} : { takeOver: over.value }),
        async begin({ journal }) {
          const begun =
            journal.execution.run === ''
              ? await beginRun(journal, read.plan, unopened(read), session.value)
              : await openSession(journal, session.value);
          if (begun.ok) how.begin(journal, world.engine);
          return begun;
        },
      });
      return code.ok ? code.value : refuseLog(invocation, code.error);
    } finally {
      await world.close();
    }
  } finally {
    lock.value.release();
  }
}

/** A run that was killed before its first lines were written is opened now; what was said of it by flags is lost with them. */
const unopened = ({ folder }: RunRead): RunInfo => ({
  run: folder.run,
  rehearsal: false,
  ticket: null,
  reason: null,
  responsible: null,
});
