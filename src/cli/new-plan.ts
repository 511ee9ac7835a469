import { resolve } from 'node:path';
import { actions } from '../actions/index.ts';
import type { Host } from '../core/host.ts';
import type { Plan, PlanFacts } from '../core/plan.ts';
import { fail, ok, type Result, trouble } from '../core/result.ts';
import { makePlan } from '../engine/make-plan.ts';
import { loadRunbook } from '../load/load-runbook.ts';
import { type Given, resolveParams } from '../load/param.ts';
import { parseParams } from '../load/params-file.ts';
import { approvalPolicy } from './approvals.ts';
import type { HostWorld } from './compose.ts';
import { checkWhen, checkWindow } from './compose.ts';
import { type Desk, newId, planLifetime } from './desk.ts';
import { readPlanFile } from './saved-plan.ts';
import { version } from './version.ts';
import { findHost, findRunbook, type Problem, readWorkspaceFile, zoneOf } from './workspace.ts';

/** Options of the commands that make a plan. */
export interface PlanningOptions {
  readonly runbook?: string;
  readonly param?: readonly string[];
  readonly params?: string;
  readonly facts?: string;
}

export interface Planned {
  readonly plan: Plan;
  readonly host: Host;
  /** Connected to the host; to be closed. Undefined facts were read through it. */
  readonly world: HostWorld;
}

/** Resolves a runbook for a host, on what the host says now or on a saved plan's facts. Changes nothing. */
export async function newPlan(
  desk: Desk,
  name: string,
  options: PlanningOptions,
): Promise<Result<Planned, readonly Problem[]>> {
  const { workspace } = desk;
  const host = findHost(workspace, name);
  if (!host.ok) return host;
  const file = findRunbook(workspace, options.runbook, process.cwd());
  if (!file.ok) return file;
  const runbook = loadRunbook(file.value, (f) => readWorkspaceFile(workspace.folder, f), actions, {
    ...{ checkWhen, checkWindow },
    ...zoneOf(workspace),
  });
  if (!runbook.ok) return runbook;
  const given = givenParams(options);
  if (!given.ok) return given;
  const params = resolveParams(runbook.value, given.value);
  if (!params.ok) return params;
  const borrowed = borrowedFacts(options.facts, host.value);
  if (!borrowed.ok) return borrowed;
  const id = newId();
  const world = await desk.compose(host.value, id, {
    // Only for looking whose claim there is: it is nobody's own before there is a state folder.
    state: desk.store.id() ?? '-',
    mentions: runbook.value,
    ...(borrowed.value === undefined ? {} : { borrowed: borrowed.value }),
  });
  const plan = await makePlan(world.engine, {
    host: host.value,
    runbook: runbook.value,
    params: params.value,
    id,
    run: id,
    lifetime: planLifetime,
    tool: version,
    ...approvalPolicy(desk),
  });
  return ok({ plan, host: host.value, world });
}

/** Parameters as they were given, by `-p` and `--params`; `-p` wins. */
export function givenParams({
  param = [],
  params,
}: Pick<PlanningOptions, 'param' | 'params'>): Result<Given, readonly Problem[]> {
  const given = new Map<string, string | string[]>();
  if (params !== undefined) {
    const bytes = readWorkspaceFile(process.cwd(), params);
    if (!bytes.ok) return fail([bytes.error]);
    const parsed = parseParams(bytes.value, params);
    if (!parsed.ok) return parsed;
    for (const [name, value] of Object.entries(parsed.value))
      given.set(name, typeof value === 'string' ? value : [...value]);
  }
  const named = new Set<string>();
  for (const text of param) {
    const at = text.indexOf('=');
    if (at < 1) return fail([trouble('wrong-param', `"${text}" is not a parameter`, 'Write it as: -p NAME=VALUE')]);
    const [name, value] = [text.slice(0, at), text.slice(at + 1)];
    const before = named.has(name) ? given.get(name) : undefined;
    given.set(name, before === undefined ? value : [...(typeof before === 'string' ? [before] : before), value]);
    named.add(name);
  }
  return ok(Object.fromEntries(given));
}

function borrowedFacts(file: string | undefined, host: Host): Result<PlanFacts | undefined, readonly Problem[]> {
  if (file === undefined) return ok(undefined);
  const saved = readPlanFile(resolve(file));
  if (!saved.ok) return fail([saved.error]);
  const { intent, facts } = saved.value;
  if (intent.host.name === host.name && intent.host.serial === host.serial) return ok(facts);
  const what = `${file} holds facts of ${intent.host.name} (${intent.host.serial}), not of ${host.name} (${host.serial})`;
  return fail([trouble('foreign-facts', what, 'Name a plan that was saved of this host.')]);
}
