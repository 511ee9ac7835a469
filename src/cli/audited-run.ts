import type { Recorded } from '../core/event.ts';
import type { RunFolder } from '../core/ports.ts';
import { fail, ok, type Result, type Trouble } from '../core/result.ts';
import { type ReportModel, reportModel } from '../documents/report-model.ts';
import { type Audit, auditOf } from './audit-of.ts';
import type { Desk } from './desk.ts';
import { type ExitCode, exit } from './exit.ts';
import { findRun } from './find-run.ts';
import { headsKept } from './kept-heads.ts';

/** A run for its documents: its folder, what walking its log came to, and the record that reports are written from. */
export interface AuditedRun {
  readonly folder: RunFolder;
  readonly audit: Audit;
  readonly model: ReportModel;
}

/** Finds a run by its name and audits it by the workspace's own list of signers. A broken log is no trouble: its documents say so. */
export async function auditedRun(
  { store, workspace }: Desk,
  named: string,
): Promise<Result<AuditedRun, { readonly why: Trouble; readonly code: ExitCode }>> {
  const folder = findRun(store, named);
  if (!folder.ok) return fail({ why: folder.error, code: exit.usage });
  const { allowedSigners } = workspace;
  const events: Recorded[] = [];
  const audit = await auditOf(folder.value, {
    allowedSigners,
    kept: headsKept(store, folder.value.run),
    visit: (event) => void events.push(event),
  });
  if (!audit.ok) return fail({ why: audit.error, code: exit.logBroken });
  const { plan, verdict, head, breach } = audit.value;
  const model = reportModel(plan, events, { verdict, head, linesWhole: breach === undefined });
  return ok({ folder: folder.value, audit: audit.value, model });
}
