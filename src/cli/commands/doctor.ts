import { actions } from '../../actions/index.ts';
import { stepsOf } from '../../core/runbook.ts';
import { loadRunbook } from '../../load/load-runbook.ts';
import { type ExitCode, exit } from '../exit.ts';
import type { Invocation } from '../invocation.ts';
import { lookAround } from '../look-around.ts';
import { lookAtRecord } from '../look-at-record.ts';
import { refuse } from '../refuse.ts';
import { doctorView, type Finding, isGrave, nextStep } from '../view/doctor-view.ts';
import {
  findHost,
  helpersOf,
  openWorkspace,
  readHosts,
  readWorkspaceFile,
  runbookNames,
  type Workspace,
  zoneOf,
} from '../workspace.ts';

/** Looks for what is needed on this machine; outside a workspace, only for what decom itself needs. */
export async function doctor(invocation: Invocation, host: string | undefined): Promise<ExitCode> {
  const { environment, output } = invocation;
  const workspace = openWorkspace(invocation.directory, environment);
  if (!workspace.ok && host !== undefined) return refuse(invocation, workspace.error);
  const hosts = workspace.ok ? readHosts(workspace.value) : undefined;
  if (workspace.ok && host !== undefined) {
    const found = findHost(workspace.value, host);
    if (!found.ok) return refuse(invocation, found.error, workspace.value.folder);
  }
  const known = hosts?.ok ? hosts.value : [];
  const findings: readonly Finding[] = [
    workspaceFinding(workspace.ok ? workspace.value : undefined),
    ...lookAround({
      environment,
      hosts: host === undefined ? known : known.filter((h) => h.name === host),
      helpers: workspace.ok ? helpersOf(workspace.value) : [],
      uses: workspace.ok ? usedActions(workspace.value) : new Set(),
      folder: workspace.ok ? workspace.value.folder : process.cwd(),
    }),
    ...(workspace.ok ? await lookAtRecord(invocation, workspace.value) : []),
  ];
  const grave = findings.filter(isGrave);
  output.result(
    {
      type: 'doctor',
      message:
        grave.length === 0 ? 'nothing that is needed is missing' : `missing: ${grave.map((f) => f.about).join(', ')}`,
      findings,
    },
    [...doctorView(findings), `Next: ${nextStep(findings, workspace.ok)}`],
  );
  return grave.length === 0 ? exit.done : exit.blocked;
}

function workspaceFinding(workspace: Workspace | undefined): Finding {
  return workspace === undefined
    ? {
        about: 'workspace',
        state: 'missing',
        needed: false,
        says: 'no decom.yaml here or above',
        fix: 'Make one: decom init FOLDER',
      }
    : { about: 'workspace', state: 'here', needed: false, says: workspace.folder, fix: '' };
}

/** Kinds of steps in the runbooks that can be read; `validate` tells of the others. */
function usedActions(workspace: Workspace): ReadonlySet<string> {
  const kinds = runbookNames(workspace).flatMap((file) => {
    const loaded = loadRunbook(
      `runbooks/${file}`,
      (name) => readWorkspaceFile(workspace.folder, name),
      actions,
      zoneOf(workspace),
    );
    return loaded.ok ? stepsOf(loaded.value).map((step) => step.uses) : [];
  });
  return new Set(kinds);
}
