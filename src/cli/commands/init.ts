import { copyFileSync, existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join, relative, resolve } from 'node:path';
import { trouble } from '../../core/result.ts';
import { shellWord } from '../../core/shell-word.ts';
import { type ExitCode, exit } from '../exit.ts';
import type { Invocation } from '../invocation.ts';
import { packageFolder } from '../package-files.ts';
import { refuse } from '../refuse.ts';
import type { Line } from '../view/text.ts';

const settings = `# yaml-language-server: $schema=schemas/workspace.schema.json
decom: 1
# organisation: { name: "…", locale: en, timezone: Europe/Berlin }
# Where runs, their logs and the locks are kept.
state: ./state
# The inventory, and the runbook that "plan" and "run" take when -r is not given.
hosts: hosts.yaml
runbook: linux-server
`;

const hosts = `# yaml-language-server: $schema=schemas/hosts.schema.json
# The inventory is what identity is compared with. Fill an entry from the host itself, and compare it with the label:
#   decom host add web01 --address 192.0.2.10 --user decom --sudo
hosts: {}
# hosts:
#   web01:
#     fqdn: web01.example.net
#     addresses: [192.0.2.10]
#     serial: "0012345"
#     uuid: a1234567-89ab-cdef-a123-456789abcdef
#     ssh: { user: decom, sudo: true, host_keys: ["ssh-ed25519 AAAA…"] }
#     bmc: { kind: ipmi, address: 192.0.2.110, user: admin, password: { env: BMC_PASSWORD } }
`;

const ignored = 'state/\n';

/** Makes a workspace: settings, an empty inventory, the shipped runbooks and schemas. A file that is there already is left as it is. */
export async function init(invocation: Invocation, where: string | undefined): Promise<ExitCode> {
  const folder = resolve(invocation.directory, where ?? '.');
  const made: string[] = [];
  const kept: string[] = [];
  const put = (file: string, write: (path: string) => void) => {
    const path = join(folder, file);
    if (existsSync(path)) {
      kept.push(file);
      return;
    }
    mkdirSync(dirname(path), { recursive: true });
    write(path);
    made.push(file);
  };
  const text = (content: string) => (path: string) => writeFileSync(path, content, { flag: 'wx' });
  try {
    put('decom.yaml', text(settings));
    put('hosts.yaml', text(hosts));
    put('.gitignore', text(ignored));
    for (const source of shipped('schemas', /\.json$/))
      put(source, (path) => copyFileSync(join(packageFolder(), source), path));
    for (const source of shipped('runbooks', /\.ya?ml$/)) put(source, text(runbook(source)));
  } catch (error) {
    const what = `${folder} cannot be written: ${(error as Error).message}`;
    return refuse(invocation, [trouble('not-writable', what, 'Name a folder that can be written: decom init FOLDER')]);
  }
  const beside = relative(process.cwd(), folder);
  const here = beside.startsWith('..') ? folder : beside;
  invocation.output.result({ type: 'initialised', message: `workspace in ${folder}`, folder, made, kept }, [
    `Workspace in ${folder}`,
    ...made.map((file): Line => `  made  ${file}`),
    ...kept.map((file): Line => `  kept  ${file} (it was there already)`),
    `Next: ${here === '' ? '' : `cd ${shellWord(here)} && `}decom host add NAME --address ADDRESS`,
  ]);
  return exit.done;
}

/** Files of the package below one of its folders, relative to the package. */
const shipped = (folder: string, pattern: RegExp): readonly string[] =>
  readdirSync(join(packageFolder(), folder), { recursive: true, encoding: 'utf8' })
    .filter((file) => pattern.test(file))
    .sort()
    .map((file) => join(folder, file));

/** A shipped runbook whose editor hint names the schema by a local path. */
function runbook(source: string): string {
  const content = readFileSync(join(packageFolder(), source), 'utf8');
  const kind = source.split(/[/\\]/).length > 2 ? 'phase' : 'runbook';
  const schema = relative(dirname(source), join('schemas', `${kind}.schema.json`));
  const hint = `# yaml-language-server: $schema=${schema}\n`;
  return /^# yaml-language-server:/m.test(content) ? content : `${hint}${content}`;
}
