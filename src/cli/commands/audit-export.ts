import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { reportHtml } from '../../documents/report-html.ts';
import { reportMarkdown } from '../../documents/report-markdown.ts';
import { auditedRun } from '../audited-run.ts';
import { packedBundle } from '../compose.ts';
import { openDesk } from '../desk.ts';
import { type ExitCode, exit } from '../exit.ts';
import type { Invocation } from '../invocation.ts';
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
  const found = await auditedRun(desk.value, named);
  if (!found.ok) return refuse(invocation, [found.error.why], process.cwd(), found.error.code);
  const { audit, model } = found.value;
  const { verdict, head } = audit;
  const { run, host, path } = found.value.folder;
  const { allowedSigners } = desk.value.workspace;
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
