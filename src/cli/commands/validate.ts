import { existsSync } from 'node:fs';
import { basename, join, resolve } from 'node:path';
import { actions } from '../../actions/index.ts';
import { fail } from '../../core/result.ts';
import { stepsOf } from '../../core/runbook.ts';
import { type LoadOptions, loadRunbook, type ReadFile } from '../../load/load-runbook.ts';
import { parseWorkspace } from '../../load/workspace.ts';
import { type ExitCode, exit } from '../exit.ts';
import type { Invocation } from '../invocation.ts';
import { refuse } from '../refuse.ts';
import { counted, good, type Line } from '../view/text.ts';
import {
  fromHere,
  inWorkspace,
  openWorkspace,
  type Problem,
  readHosts,
  readWorkspaceFile,
  runbookNames,
  zoneOf,
} from '../workspace.ts';

interface Checked {
  readonly file: string;
  readonly says: string;
  readonly problems: readonly Problem[];
}

/** Gives what checks conditions and windows. It takes time to load, so only where there are some, or a problem to be told whole. */
export type Conditions = () => Promise<Required<Pick<LoadOptions, 'checkWhen' | 'checkWindow'>>>;

/** Checks the settings, the inventory and the runbooks, or the named files only, each as what the workspace has it for. Nothing is contacted, and every problem is told. */
export async function validate(
  invocation: Invocation,
  files: readonly string[],
  conditions: Conditions,
): Promise<ExitCode> {
  const workspace = openWorkspace(invocation.directory, invocation.environment, true);
  const folder = workspace.ok ? workspace.value.folder : process.cwd();
  if (!workspace.ok && files.length === 0) return refuse(invocation, workspace.error, folder);

  const checked: Checked[] = [];
  if (workspace.ok && files.length === 0) {
    checked.push({ file: 'decom.yaml', says: 'settings', problems: [] });
    const { hostsFile } = workspace.value;
    if (existsSync(join(folder, hostsFile))) checked.push(checkHosts(folder, hostsFile));
  }
  const named =
    files.length > 0
      ? files.map((file) => inWorkspace(folder, resolve(file)))
      : workspace.ok
        ? runbookNames(workspace.value).map((file) => join('runbooks', file))
        : [];
  const hostsFile = resolve(folder, workspace.ok ? workspace.value.hostsFile : 'hosts.yaml');
  for (const file of named) {
    if (basename(file) === 'decom.yaml') checked.push(checkSettings(folder, file));
    else if (resolve(folder, file) === hostsFile) checked.push(checkHosts(folder, file));
    else checked.push(await checkRunbook(folder, file, workspace.ok ? zoneOf(workspace.value) : {}, conditions));
  }

  const problems = checked.flatMap((c) => c.problems);
  if (problems.length > 0) return refuse(invocation, problems, folder);
  const here = (file: string) => fromHere(folder, file, process.cwd());
  invocation.output.result(
    {
      type: 'validated',
      message: `${counted(checked.length, 'file')} checked, no problem found`,
      files: checked.map((c) => ({ file: here(c.file), says: c.says })),
    },
    [
      ...checked.map((c): Line => [good('✓'), ` ${here(c.file)} — ${c.says}`]),
      ...(named.length > 0 ? [] : ['There is no runbook to check.']),
      'Next: decom plan HOST',
    ],
  );
  return exit.done;
}

function checkSettings(folder: string, file: string): Checked {
  const bytes = readWorkspaceFile(folder, file);
  const settings = bytes.ok ? parseWorkspace(bytes.value, file, true) : fail([bytes.error]);
  return settings.ok ? { file, says: 'settings', problems: [] } : { file, says: '', problems: settings.error };
}

function checkHosts(folder: string, file: string): Checked {
  const hosts = readHosts({ folder, hostsFile: file });
  return hosts.ok
    ? { file, says: counted(hosts.value.length, 'host'), problems: [] }
    : { file, says: '', problems: hosts.error };
}

async function checkRunbook(
  folder: string,
  file: string,
  zone: Pick<LoadOptions, 'timezone'>,
  conditions: Conditions,
): Promise<Checked> {
  const read: ReadFile = (name) => readWorkspaceFile(folder, name);
  const plain = loadRunbook(file, read, actions, { quick: true, order: true, ...zone });
  const whole = plain.ok && stepsOf(plain.value).every(({ when, window }) => (when ?? window) === undefined);
  const loaded = whole ? plain : loadRunbook(file, read, actions, { order: true, ...zone, ...(await conditions()) });
  if (!loaded.ok) return { file, says: '', problems: loaded.error };
  const { phases } = loaded.value;
  const says = `${counted(phases.length, 'phase')}, ${counted(stepsOf(loaded.value).length, 'step')}`;
  return { file, says, problems: [] };
}
