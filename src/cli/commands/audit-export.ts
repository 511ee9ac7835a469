import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { reportHtml } from '../../documents/report-html.ts';
import { reportMarkdown } from '../../documents/report-markdown.ts';
import { reportModel } from '../../documents/report-model.ts';
import { auditOf } from '../audit-of.ts';
import { packedBundle } from '../compose.ts';
import { openDesk } from '../desk.ts';
import { type ExitCode, exit } from '../exit.ts';
import { findRun } from '../find-run.ts';
import type { Invocation } from '../invocation.ts';
import { headsKept } from '../kept-heads.ts';
import { refuse } from '../refuse.ts';

export interface ExportOptions {
  readonly output?: string;
}

/**
 * Packs a run as one file for an auditor: its log, plans and outputs as they are, the report, the allowed signers, and what is needed to
 * check it all without decom. A broken log is packed too: it is evidence.
 */
export async function auditExport(invocation: Invocation, named: string, options: ExportOptions): Promise<ExitCode> {
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
  const { run, host, path } = folder.value;
  const model = reportModel(plan, events, { verdict, head, linesWhole: breach === undefined });
  const name = `decom-${host}-${run}`;
  const to = resolve(options.output ?? `${name}.tar.gz`);
  const packed = await packedBundle({
    ...{ folder: path, name, to },
    files: {
      'report.md': reportMarkdown(model),
      'report.html': reportHtml(model),
      ...(allowedSigners === undefined ? {} : textOf(allowedSigners)),
    },
  });
  if (!packed.ok) return refuse(invocation, [packed.error]);
  const { sha256, bytes } = packed.value;
  invocation.output.result(
    { type: 'audit.exported', message: `${run} in ${to}`, run_id: run, host, file: to, sha256, bytes, verdict, head },
    [
      `Run ${run} on ${host} (${verdict}) in ${to}`,
      `sha256 ${sha256}`,
      `Check it anywhere: tar -xzf ${to.split('/').at(-1)} && cd ${name} && sha256sum -c SHA256SUMS && sh verify.sh -s YOUR_ALLOWED_SIGNERS`,
    ],
  );
  return verdict === 'broken' ? exit.logBroken : exit.done;
}

/** The list as it is now. One that cannot be read is left out: it was told by the audit. */
function textOf(allowedSigners: string): { readonly allowed_signers?: string } {
  try {
    return { allowed_signers: readFileSync(allowedSigners, 'utf8') };
  } catch {
    return {};
  }
}
