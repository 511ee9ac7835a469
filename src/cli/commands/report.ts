import { writeFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { trouble } from '../../core/result.ts';
import { reportHtml } from '../../documents/report-html.ts';
import { reportMarkdown } from '../../documents/report-markdown.ts';
import { reportModel } from '../../documents/report-model.ts';
import { auditOf } from '../audit-of.ts';
import { openDesk } from '../desk.ts';
import { type ExitCode, exit } from '../exit.ts';
import { findRun } from '../find-run.ts';
import type { Invocation } from '../invocation.ts';
import { headsKept } from '../kept-heads.ts';
import { refuse } from '../refuse.ts';

export interface ReportOptions {
  readonly html?: boolean;
  readonly output?: string;
}

/** The record of a run for people, as Markdown or one HTML page. A broken log gives a report that says so, and its exit code. */
export async function report(invocation: Invocation, named: string, options: ReportOptions): Promise<ExitCode> {
  const desk = openDesk(invocation);
  if (!desk.ok) return refuse(invocation, desk.error);
  const folder = findRun(desk.value.store, named);
  if (!folder.ok) return refuse(invocation, [folder.error]);
  const { allowedSigners } = desk.value.workspace;
  const audit = await auditOf(folder.value, {
    allowedSigners,
    kept: headsKept(desk.value.store, folder.value.run),
  });
  if (!audit.ok) return refuse(invocation, [audit.error], process.cwd(), exit.logBroken);
  const { plan, events, verdict, head, breach } = audit.value;
  const model = reportModel(plan, events, { verdict, head, linesWhole: breach === undefined });
  const html = options.html ?? options.output?.endsWith('.html') ?? false;
  const text = html ? reportHtml(model) : reportMarkdown(model);
  const { run } = folder.value;
  const format = html ? 'html' : 'markdown';
  const code = verdict === 'broken' ? exit.logBroken : exit.done;
  if (options.output === undefined) {
    invocation.output.document({ type: 'report', message: `report of run ${run}`, run_id: run, format, text }, text);
    invocation.output.note([`Next: decom audit verify ${run}`]);
    return code;
  }
  const file = resolve(options.output);
  try {
    writeFileSync(file, text);
  } catch (error) {
    const what = `the report cannot be written to ${options.output}: ${(error as Error).message}`;
    return refuse(invocation, [trouble('not-writable', what, 'Name another file with -o.')]);
  }
  invocation.output.result({ type: 'report', message: `report of run ${run} in ${file}`, run_id: run, format, file }, [
    `Report of run ${run} in ${file}`,
    `Next: decom audit verify ${run}`,
  ]);
  return code;
}
