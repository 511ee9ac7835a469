import { actions } from '../../actions/index.ts';
import type { PlannedStep } from '../../core/plan.ts';
import { type Trouble, trouble } from '../../core/result.ts';
import { shellWord } from '../../core/shell-word.ts';
import { type RunRead, readRun } from '../../engine/open-run.ts';
import { rollbackPlan } from '../../engine/roll-back.ts';
import { believed } from '../believed.ts';
import { openDesk } from '../desk.ts';
import { type ExitCode, exit } from '../exit.ts';
import { findRun } from '../find-run.ts';
import type { Invocation } from '../invocation.ts';
import { refuse, refuseLock, refuseLog } from '../refuse.ts';
import { listenForSignals } from '../signals.ts';
import { takeUp } from '../take-up.ts';
import { readBeforehand } from '../unattended.ts';
import type { AskingOptions } from './run.ts';

export interface RollbackOptions extends AskingOptions {
  readonly reason?: string;
  readonly yes?: boolean;
}

/** Gives the machine back: reverses every reversible step that was begun, the last one first. */
export async function rollback(invocation: Invocation, named: string, options: RollbackOptions): Promise<ExitCode> {
  const signals = listenForSignals((lines) => invocation.output.note(lines));
  try {
    const desk = openDesk(invocation, signals.signal);
    if (!desk.ok) return refuse(invocation, desk.error);
    const beforehand = readBeforehand(options);
    if (!beforehand.ok) return refuse(invocation, beforehand.error);
    const folder = findRun(desk.value.store, named);
    if (!folder.ok) return refuse(invocation, [folder.error]);
    const read = readRun(folder.value);
    if (!read.ok) return refuseLog(invocation, read.error);
    const { execution } = read.value;
    if (folder.value.rehearsal || execution.outcome === 'rolled-back') {
      const what = folder.value.rehearsal ? 'is a rehearsal: there is nothing to take back' : 'was rolled back already';
      return refuse(invocation, [trouble('nothing-to-roll-back', `${folder.value.run} ${what}`, 'See: decom status')]);
    }
    const { back, kept } = rollbackPlan(actions, read.value);
    // A rollback that was begun is ended, even where nothing is left of it but its last line. What a log says while it is being written is no answer.
    if (back.length === 0 && execution.direction === 'forth') {
      const lock = desk.value.store.lock(folder.value.host);
      if (!lock.ok) return refuseLock(invocation, lock.error);
      try {
        const judged = await believed(desk.value, folder.value);
        return judged.ok ? nothingToTakeBack(invocation, read.value, kept) : refuseLog(invocation, judged.error);
      } finally {
        lock.value.release();
      }
    }
    const attended = invocation.terminal && options.nonInteractive !== true;
    if (!attended && options.yes !== true) {
      return refuse(invocation, [unasked(invocation, read.value, back, options)], process.cwd(), exit.missing);
    }
    return await takeUp(invocation, desk.value, read.value, {
      signals,
      options,
      beforehand: beforehand.value,
      afterwards: `decom rollback ${folder.value.run}`,
      begin: (journal, engine) => {
        if (journal.execution.direction === 'forth') {
          journal.record({ type: 'rollback.opened', by: desk.value.operator, reason: options.reason ?? null });
        }
        // The log is looked at again: it may have gone on until this process had the host's lock.
        const now = rollbackPlan(engine.actions, { plan: read.value.plan, execution: journal.execution });
        invocation.output.note([
          `To be taken back, in this order: ${now.back.map((step) => step.id).join(', ') || 'nothing'}`,
          ...withoutWayBack(now.kept),
          '',
        ]);
      },
    });
  } finally {
    signals.release();
  }
}

const withoutWayBack = (kept: readonly string[]): readonly string[] =>
  kept.length === 0 ? [] : [`Without a way back: ${kept.join(', ')}`];

function nothingToTakeBack(invocation: Invocation, { folder, execution }: RunRead, kept: readonly string[]): ExitCode {
  const { run, host } = folder;
  invocation.output.result(
    { type: 'nothing-to-roll-back', message: 'there is nothing to take back', run_id: run, kept },
    [
      `There is nothing to take back of run ${run} on ${host}; nothing was changed.`,
      ...withoutWayBack(kept),
      execution.status === 'closed'
        ? `Next: decom report ${run}`
        : `Next: decom status ${run}, or end the run: decom abandon ${run} --reason REASON`,
    ],
  );
  return exit.done;
}

/** Nobody is there to be asked before each step, so that the whole of it has to be asked for. */
function unasked(
  { terminal }: Invocation,
  { folder }: RunRead,
  back: readonly PlannedStep[],
  options: RollbackOptions,
): Trouble {
  const without = terminal ? 'with --non-interactive' : 'without a terminal';
  const reason = options.reason === undefined ? '' : ` --reason ${shellWord(options.reason)}`;
  return trouble(
    'answers-missing',
    `${without} nobody can be asked before each step is taken back; nothing was changed`,
    `If this is to be taken back, in this order, unseen: decom rollback ${folder.run}${reason} --yes --non-interactive`,
    back.map((step) => `take back ${step.id} — ${step.title}`).join('\n'),
  );
}
