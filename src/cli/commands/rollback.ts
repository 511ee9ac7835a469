import { trouble } from '../../core/result.ts';
import { readRun } from '../../engine/open-run.ts';
import { rollbackPlan } from '../../engine/roll-back.ts';
import { openDesk } from '../desk.ts';
import { type ExitCode, exit } from '../exit.ts';
import { findRun } from '../find-run.ts';
import type { Invocation } from '../invocation.ts';
import { refuse } from '../refuse.ts';
import { listenForSignals } from '../signals.ts';
import { takeUp } from '../take-up.ts';
import { readBeforehand } from '../unattended.ts';
import type { AskingOptions } from './run.ts';

export interface RollbackOptions extends AskingOptions {
  readonly reason?: string;
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
    if (!read.ok) return refuse(invocation, [read.error], process.cwd(), exit.logBroken);
    const { execution } = read.value;
    if (folder.value.rehearsal || execution.outcome === 'rolled-back') {
      const what = folder.value.rehearsal ? 'is a rehearsal: there is nothing to take back' : 'was rolled back already';
      return refuse(invocation, [trouble('nothing-to-roll-back', `${folder.value.run} ${what}`, 'See: decom status')]);
    }
    return await takeUp(invocation, desk.value, read.value, {
      signals,
      options,
      beforehand: beforehand.value,
      begin: (journal, engine) => {
        const { plan } = read.value;
        if (journal.execution.direction === 'forth') {
          journal.record({ type: 'rollback.opened', by: desk.value.operator, reason: options.reason ?? null });
        }
        const { back, kept } = rollbackPlan(engine, { plan, journal });
        invocation.output.note([
          `To be taken back, in this order: ${back.join(', ') || 'nothing'}`,
          ...(kept.length === 0 ? [] : [`Without a way back: ${kept.join(', ')}`]),
          '',
        ]);
      },
    });
  } finally {
    signals.release();
  }
}
