import { stepState } from '../../core/execution.ts';
import { type RunRead, readRun } from '../../engine/open-run.ts';
import { openDesk } from '../desk.ts';
import { type ExitCode, exit } from '../exit.ts';
import { findRun, readRuns } from '../find-run.ts';
import type { Invocation } from '../invocation.ts';
import { refuse, refuseLog } from '../refuse.ts';
import { tally } from '../view/run-end-view.ts';
import { runListLines, runState, runStatusLines } from '../view/status-view.ts';

/** Lists the runs, or shows one step by step. Reads only. */
export async function status(invocation: Invocation, named: string | undefined): Promise<ExitCode> {
  const desk = openDesk(invocation);
  if (!desk.ok) return refuse(invocation, desk.error);
  return named === undefined ? list(invocation, desk.value.store) : one(invocation, desk.value.store, named);
}

type Store = Parameters<typeof findRun>[0];

function list(invocation: Invocation, store: Store): ExitCode {
  const runs = readRuns(store);
  const read = runs.flatMap(({ read }) => (read.ok ? [read.value] : []));
  // The newest that still has something to do, else the newest.
  const newest = runs.findLast(({ read }) => !read.ok || read.value.execution.status !== 'closed') ?? runs.at(-1);
  const broken = runs.flatMap(({ read }) => (read.ok ? [] : [read.error]));
  invocation.output.result({ type: 'runs', message: `${runs.length} runs`, runs: read.map(summary) }, [
    ...(read.length === 0 && broken.length > 0 ? ['No run can be read.'] : runListLines(read)),
    `Next: ${newest === undefined ? 'decom plan HOST' : `decom ${newest.read.ok ? 'status' : 'audit verify'} ${newest.folder.run}`}`,
  ]);
  return broken.length === 0 ? exit.done : refuse(invocation, broken, process.cwd(), exit.logBroken);
}

function one(invocation: Invocation, store: Store, named: string): ExitCode {
  const folder = findRun(store, named);
  if (!folder.ok) return refuse(invocation, [folder.error]);
  const read = readRun(folder.value);
  if (!read.ok) return refuseLog(invocation, read.error);
  const { execution, plan } = read.value;
  const next = execution.status === 'closed' ? `decom report ${execution.run}` : `decom why ${folder.value.run}`;
  invocation.output.result(
    {
      type: 'run',
      message: `${folder.value.run} on ${folder.value.host}: ${tally(plan, execution)}`,
      ...summary(read.value),
      steps: plan.intent.steps.map(({ id, title }) => ({ title, ...stepState(execution, id) })),
    },
    [...runStatusLines(read.value), `Next: ${next}`],
  );
  return exit.done;
}

const summary = ({ folder, execution, plan, head }: RunRead) => ({
  run_id: folder.run,
  host: folder.host,
  rehearsal: folder.rehearsal,
  status: execution.status,
  outcome: execution.outcome,
  state: stateText(runState(execution)),
  runbook: plan.intent.runbook.name,
  opened: execution.opened,
  last: execution.last,
  head,
  path: folder.path,
});

const stateText = (span: ReturnType<typeof runState>): string => (typeof span === 'string' ? span : span.text);
