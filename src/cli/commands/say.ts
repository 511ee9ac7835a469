import { randomBytes } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { actions } from '../../actions/index.ts';
import type { AnyAction } from '../../core/action.ts';
import { milliseconds } from '../../core/duration.ts';
import { type Execution, emptyExecution, foundOf } from '../../core/execution.ts';
import { intentDigest, type Plan, type PlannedStep } from '../../core/plan.ts';
import type { RunFolder } from '../../core/ports.ts';
import { fail, ok, type Result, type Trouble, trouble } from '../../core/result.ts';
import { shellWord } from '../../core/shell-word.ts';
import {
  readStatement,
  type SignedStatement,
  type Statement,
  type StatementKind,
  statementBytes,
  statementFile,
  statementName,
  statementNamespace,
} from '../../core/statement.ts';
import { statementWords } from '../../core/statement-words.ts';
import { readRun } from '../../engine/open-run.ts';
import { asksForCoverage, coverageGate, isCoverageGate, mayAnswerFor, mayBeWaived } from '../../engine/waiver.ts';
import { type Desk, openDesk } from '../desk.ts';
import { type ExitCode, exit } from '../exit.ts';
import { findRun } from '../find-run.ts';
import type { Invocation } from '../invocation.ts';
import { refuse } from '../refuse.ts';
import { readPlanFile } from '../saved-plan.ts';

export interface SayOptions {
  readonly text?: string;
  readonly reason?: string;
  readonly role?: string;
  readonly undone?: boolean;
  /** How long an approval opens gates. */
  readonly for?: string;
  readonly output?: string;
}

/** Whoever approves for longer says so: what was known of a machine gets old. */
const approvalLifetime = '7d';

/** What is said, beyond who says it of which run. */
type Own<S> = S extends Statement ? Omit<S, 'id' | 'run' | 'host' | 'intent' | 'by' | 'at' | 'text'> : never;

/** A run that something is said of; no folder for a plan that has not begun. */
interface Spoken {
  /** Its id, which is that of its first plan: the one in force has another after a replan. */
  readonly run: string;
  readonly plan: Plan;
  readonly execution: Execution;
  readonly head: { readonly size: number; readonly hash: string };
  readonly folder?: RunFolder;
}

/**
 * Says something about a run that another process may be driving: a statement, signed where logs are, is dropped into the run's inbox, or
 * written to a file for whoever drives it. Nothing else is changed.
 */
export async function say(
  invocation: Invocation,
  kind: StatementKind,
  operands: readonly string[],
  options: SayOptions,
): Promise<ExitCode> {
  const desk = openDesk(invocation);
  if (!desk.ok) return refuse(invocation, desk.error);
  const spoken = spokenOf(desk.value, kind, operands[0] ?? '', options);
  if (!spoken.ok) {
    const code = spoken.error.code === 'log-broken' ? exit.logBroken : exit.usage;
    return refuse(invocation, [spoken.error], process.cwd(), code);
  }
  const now = invocation.now();
  const own = ownOf(kind, spoken.value, operands.slice(1), options, now);
  if (!own.ok) return refuse(invocation, [own.error]);
  const voucher = await desk.value.voucher();
  if (!voucher.ok) return refuse(invocation, [voucher.error]);
  const unsigned = voucher.value === undefined ? mustBeSigned(own.value, spoken.value.plan) : undefined;
  if (unsigned !== undefined) return refuse(invocation, [unsigned]);
  const { plan } = spoken.value;
  const at = now.toISOString();
  const statement = {
    ...own.value,
    ...{ id: randomBytes(8).toString('hex'), run: spoken.value.run, host: plan.intent.host.name },
    ...{ intent: intentDigest(plan), by: voucher.value?.principal ?? desk.value.operator, at },
    text: (options.reason ?? options.text ?? '').trim(),
  } as Statement;
  const signed = (await voucher.value?.sign(statementBytes(statement), statementNamespace, at)) ?? ok(null);
  if (!signed.ok) return refuse(invocation, [signed.error]);
  const said = { statement, signed: signed.value };
  // Whoever takes it in reads it so: what would be refused there is not written here.
  const readable = readStatement(statementFile(said), `what is said of ${statement.run}`);
  if (!readable.ok) return refuse(invocation, [readable.error]);
  const path = put(said, spoken.value.folder, options.output);
  if (!path.ok) return refuse(invocation, [path.error]);
  invocation.output.result(
    {
      type: 'statement',
      message: statementWords(statement),
      run_id: statement.run,
      statement,
      signed: signed.value !== null,
      path: path.value,
    },
    [
      `${statementWords(statement)}${signed.value === null ? ' (not signed: this workspace names no allowed signers)' : ''}`,
      `Written to ${path.value}`,
      nextOf(desk.value, spoken.value, operands[0] ?? '', path.value, options),
    ],
  );
  return exit.done;
}

/** How it comes on record. A saved plan may have begun since. */
function nextOf(desk: Desk, { run, folder }: Spoken, named: string, path: string, options: SayOptions): string {
  if (folder !== undefined && options.output === undefined)
    return `It is on record once the run takes it in: decom resume ${run}, or alone: decom inbox take ${run}`;
  const begun = folder !== undefined || desk.store.list().some((one) => !one.rehearsal && one.run === run);
  return `Next, by whoever drives the run: ${
    begun
      ? `decom inbox add ${run} ${shellWord(path)}`
      : `decom run --plan ${shellWord(named)} --approval ${shellWord(path)}`
  }`;
}

function spokenOf(desk: Desk, kind: StatementKind, named: string, options: SayOptions): Result<Spoken> {
  if (kind === 'approve' && named.endsWith('.json')) {
    const plan = readPlanFile(resolve(named));
    if (!plan.ok) return plan;
    if (options.output !== undefined)
      return ok({
        run: plan.value.intent.id,
        plan: plan.value,
        execution: emptyExecution,
        head: { size: 0, hash: '' },
      });
    return fail(
      trouble('usage', 'a plan that has not begun has no inbox yet', 'Write the approval to a file: -o FILE'),
    );
  }
  const folder = findRun(desk.store, named);
  if (!folder.ok) return folder;
  const read = readRun(folder.value);
  if (!read.ok) return read;
  const { plan, execution, head } = read.value;
  const cannot = (why: string, fix: string) => fail(trouble('cannot-say', `${folder.value.run} ${why}`, fix));
  if (folder.value.rehearsal) return cannot('is a rehearsal: nothing is said of one', 'Name a run: decom status');
  if (execution.run === '')
    return cannot('has not begun: its log is empty', `Begin it: decom resume ${folder.value.run}`);
  if (execution.status === 'closed' && kind !== 'comment' && kind !== 'sign')
    return cannot('has ended', `Comment on it, or sign it: decom comment ${folder.value.run} --text TEXT`);
  return ok({ run: folder.value.run, plan, execution, head, folder: folder.value });
}

/** Before a step that destroys, a name that anybody can write answers for nothing. */
function mustBeSigned(own: Own<Statement>, plan: Plan): Trouble | undefined {
  if (own.kind !== 'waive' || !isCoverageGate(own.gate)) return undefined;
  const step = plan.intent.steps.find(({ id }) => id === own.step);
  return step?.effect === 'destroys'
    ? trouble(
        'must-be-signed',
        `step "${own.step}" destroys, and this workspace names no allowed signers: what is said there is not signed`,
        'Name who may sign in decom.yaml, under allowed_signers; then say it again.',
      )
    : undefined;
}

function ownOf(
  kind: StatementKind,
  spoken: Spoken,
  operands: readonly string[],
  options: SayOptions,
  now: Date,
): Result<Own<Statement>> {
  const [named, item] = operands;
  switch (kind) {
    case 'comment':
      return ok({ kind });
    case 'approve': {
      const long = milliseconds(options.for ?? approvalLifetime);
      if (long === undefined || long === 0)
        return fail(trouble('usage', `"${options.for}" is no length of time`, 'Give one like --for 48h or --for 14d.'));
      const expires = new Date(now.getTime() + long).toISOString();
      return ok({ kind, role: options.role ?? null, expires });
    }
    case 'sign':
      return ok({ kind, role: options.role ?? null, ...spoken.head });
    case 'tick': {
      const step = stepOf(spoken.plan, named ?? '');
      if (!step.ok) return step;
      const items = (step.value.operations ?? []).flatMap((operation) =>
        operation.kind === 'ask' ? operation.items : [],
      );
      const found = item === undefined && items.length === 1 ? items[0] : items.find(({ id }) => id === item);
      if (found === undefined) {
        const what =
          item === undefined
            ? `step "${step.value.id}" has more than one item`
            : `step "${step.value.id}" has no item "${item}"`;
        const fix =
          items.length === 0
            ? 'Only what a person answers can be ticked.'
            : `Give one of: ${items.map(({ id }) => id).join(', ')}`;
        return fail(trouble('no-item', what, fix));
      }
      return ok({ kind, step: step.value.id, item: found.id, done: options.undone !== true });
    }
    case 'waive': {
      const path = /^([^/:]+):(.+)$/s.exec(operands[0] ?? '');
      if (path !== null) return ofPath(spoken, path[1] ?? '', path[2] ?? '');
      const [id = '', gate = ''] = (operands[0] ?? '').split('/');
      const step = stepOf(spoken.plan, id);
      if (!step.ok) return step;
      const action = actions.find((one) => one.kind === step.value.uses);
      const { id: named, with: input } = step.value;
      const ofFinds = action === undefined ? [] : mayAnswerFor(action, input);
      const found = foundOf(spoken.execution, named).findLast(({ kinds }) => kinds.includes(gate))?.list.sha256;
      if (ofFinds.includes(gate) && found !== undefined) return ok({ kind, step: named, gate, found });
      if (ofFinds.includes(gate)) {
        const why = `step "${named}" has found nothing of the kind "${gate}" that could be answered for`;
        return fail(trouble('nothing-found', why, `Have it look first: decom resume ${spoken.run}`));
      }
      if (action !== undefined && mayBeWaived(action, gate, input)) return ok({ kind, step: named, gate });
      const demanded = (action?.demands?.(input as never) ?? []).map(({ kind }) => kind);
      const open = ['wait', ...demanded, ...ofFinds].filter(
        (one) => action !== undefined && mayBeWaived(action, one, input),
      );
      return fail(
        trouble(
          'cannot-waive',
          gate === ''
            ? `step "${step.value.id}" was named without a gate of it`
            : `nobody can answer for the gate "${gate}" of step "${step.value.id}"`,
          open.length === 0
            ? cannotAnswer(action, spoken.run)
            : `Name a gate as STEP/GATE; there can be answered for: ${open.map((one) => `${step.value.id}/${one}`).join(', ')}`,
        ),
      );
    }
  }
}

/** Answers for one file system that nothing is kept of, before a step that asks for all of them. */
function ofPath({ run, plan, execution }: Spoken, id: string, path: string): Result<Own<Statement>> {
  const step = stepOf(plan, id);
  if (!step.ok) return step;
  const action = actions.find((one) => one.kind === step.value.uses);
  if (action === undefined || !asksForCoverage(action, step.value.with))
    return fail(
      trouble(
        'cannot-waive',
        `step "${id}" does not ask that every file system is kept`,
        `What a step needs is told by: decom why ${run}`,
      ),
    );
  const { coverage } = plan.facts;
  const seen = execution.storage?.file_systems ?? (coverage?.known === true ? coverage.value.map(({ of }) => of) : []);
  if (!seen.some(({ at }) => at === path))
    return fail(
      trouble(
        'no-file-system',
        `no file system with data was seen at ${path}`,
        `Name one as STEP:PATH: ${seen.map(({ at }) => `${id}:${at}`).join(', ')}`,
      ),
    );
  return ok({ kind: 'waive', step: id, gate: coverageGate(path) });
}

/** What is left to do where nobody can answer for anything. */
const cannotAnswer = (action: AnyAction | undefined, run: string): string =>
  action?.effect === 'destroys'
    ? 'What it would do cannot be undone: have the evidence made.'
    : action?.waivable === undefined
      ? `What it needs is told by: decom why ${run}`
      : 'The runbook protects every kind of use: whoever uses the host has to leave.';

function stepOf(plan: Plan, id: string): Result<PlannedStep> {
  const step = plan.intent.steps.find((one) => one.id === id);
  return step === undefined
    ? fail(
        trouble(
          'no-step',
          `the plan has no step "${id}"`,
          `It has: ${plan.intent.steps.map((one) => one.id).join(', ')}`,
        ),
      )
    : ok(step);
}

function put(said: SignedStatement, folder: RunFolder | undefined, output: string | undefined): Result<string> {
  const { id, kind } = said.statement;
  if (output === undefined && folder !== undefined)
    return folder.inbox().drop(statementName(said.statement), statementFile(said));
  const path = resolve(output ?? `${kind}-${id}.json`);
  try {
    writeFileSync(path, statementFile(said), { flag: 'wx', mode: 0o600 });
    return ok(path);
  } catch (error) {
    return fail(
      trouble('not-writable', `${path} cannot be written: ${(error as Error).message}`, 'Name another file with -o.'),
    );
  }
}
