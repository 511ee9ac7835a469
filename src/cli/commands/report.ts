import { writeFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { trouble } from '../../core/result.ts';
import { keepCalendar } from '../../documents/keep-calendar.ts';
import { reportHtml } from '../../documents/report-html.ts';
import { reportMarkdown } from '../../documents/report-markdown.ts';
import { auditedRun } from '../audited-run.ts';
import { openDesk } from '../desk.ts';
import { type ExitCode, exit } from '../exit.ts';
import type { Invocation } from '../invocation.ts';
import { refuse } from '../refuse.ts';

export interface ReportOptions {
  readonly html?: boolean;
  readonly calendar?: boolean;
  readonly output?: string;
}

const makers = { markdown: reportMarkdown, html: reportHtml, calendar: keepCalendar };

function formatOf({ html, calendar, output = '' }: ReportOptions): keyof typeof makers {
  if (calendar === true || (html !== true && output.endsWith('.ics'))) return 'calendar';
  return html === true || output.endsWith('.html') ? 'html' : 'markdown';
}

/** The record of a run for people, as Markdown or one HTML page, or the terms of its copies as a calendar. A broken log gives a report that says so, and its exit code. */
export async function report(invocation: Invocation, named: string, options: ReportOptions): Promise<ExitCode> {
  const desk = openDesk(invocation);
  if (!desk.ok) return refuse(invocation, desk.error);
  const found = await auditedRun(desk.value, named);
  if (!found.ok) return refuse(invocation, [found.error.why], process.cwd(), found.error.code);
  const { folder, audit, model } = found.value;
  const format = formatOf(options);
  const text = makers[format](model);
  const { run } = folder;
  const code = audit.verdict === 'broken' ? exit.logBroken : exit.done;
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
