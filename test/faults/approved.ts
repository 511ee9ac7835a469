import { execFileSync } from 'node:child_process';
import { appendFileSync, existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const bin = fileURLToPath(new URL('../../bin/decom.js', import.meta.url));

/** What `decom run` is given once `approved` has been called. */
export const approval = ['--approval', 'approval.json'] as const;

/**
 * Has the workspace's `plan.json` approved by somebody who does not drive its run. The first call makes two keys, one for who drives (it is
 * found in `home`), and lists both. Returns `approval`; nothing where the workspace has a list of its own: then a test says who approves.
 */
export function approved(workspace: string, home = workspace): readonly string[] {
  const at = (file: string): string => join(workspace, file);
  const manager = at('key-manager');
  if (!existsSync(manager)) {
    if (/^allowed_signers:/m.test(readFileSync(at('decom.yaml'), 'utf8'))) return [];
    mkdirSync(join(home, '.ssh'), { recursive: true, mode: 0o700 });
    const driver = join(home, '.ssh', 'id_ed25519');
    for (const file of [driver, manager]) execFileSync('ssh-keygen', ['-q', '-t', 'ed25519', '-f', file, '-N', '']);
    const lines = [
      `driver ${readFileSync(`${driver}.pub`, 'utf8')}`,
      `grace,role:manager ${readFileSync(`${manager}.pub`, 'utf8')}`,
    ];
    writeFileSync(at('signers'), lines.join(''));
    appendFileSync(at('decom.yaml'), 'allowed_signers: signers\n');
  }
  rmSync(at('approval.json'), { force: true });
  execFileSync(process.execPath, [bin, 'approve', 'plan.json', '-o', 'approval.json'], {
    cwd: workspace,
    env: { PATH: process.env.PATH ?? '', HOME: workspace, DECOM_SIGNING_KEY: manager },
    stdio: ['ignore', 'ignore', 'inherit'],
  });
  return approval;
}
