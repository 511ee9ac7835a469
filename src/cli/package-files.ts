import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** The folder that this program was installed into: where `runbooks/` and `schemas/` lie. */
export function packageFolder(): string {
  for (let folder = dirname(fileURLToPath(import.meta.url)); ; folder = dirname(folder)) {
    if (existsSync(join(folder, 'package.json')) && existsSync(join(folder, 'runbooks'))) return folder;
    if (dirname(folder) === folder) throw new Error('the folder of the decom package was not found');
  }
}
