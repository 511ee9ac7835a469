import { execFileSync } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { hashesInside } from './observe.ts';
import type { Vm } from './vm.ts';

/** Folders of the complete copies below a vault, sorted. */
export const copiesIn = (vault: string): readonly string[] =>
  execFileSync('find', [vault, '-name', 'copy.json', '-printf', '%h\\n'], { encoding: 'utf8' })
    .split('\n')
    .filter((line) => line !== '')
    .sort();

/**
 * How a copy differs from what the machine holds now, told by find, tar and sha256sum alone, as at most twenty lines: contents of every file
 * below `paths`, and below /srv type, mode, owner, target, size and time as well.
 */
export async function differences(vm: Vm, copy: string, paths: readonly string[]): Promise<readonly string[]> {
  const unpacked = existsSync(join(copy, 'tree')) ? undefined : mkdtempSync(join(tmpdir(), 'decom-unpacked-'));
  try {
    if (unpacked !== undefined) {
      execFileSync('tar', ['-xpf', join(copy, 'data.tar'), '--numeric-owner', '-C', unpacked], { stdio: 'ignore' });
    }
    const tree = unpacked ?? join(copy, 'tree');
    const roots = paths.map((path) => path.slice(1));
    const here = hashesHere(tree, roots);
    const inside = await hashesInside(vm, paths);
    const contents = [...new Set([...inside.keys(), ...here.keys()])].filter(
      (name) => inside.get(name) !== here.get(name),
    );
    const script = attributesScript(roots.filter((root) => root.startsWith('srv')));
    const is = lines(execFileSync('sh', ['-c', script], { cwd: tree, maxBuffer: 1 << 27 }));
    const was = lines((await vm.sh(`cd / && ${script}`)).stdout);
    return [
      ...contents.map((name) => `content of ${name}`),
      ...[...was].filter((line) => !is.has(line)).map((line) => `only there: ${line}`),
      ...[...is].filter((line) => !was.has(line)).map((line) => `only here: ${line}`),
    ].slice(0, 20);
  } finally {
    if (unpacked !== undefined) rmSync(unpacked, { recursive: true });
  }
}

const attributesScript = (roots: readonly string[]): string =>
  `find ${roots.join(' ')} \\( -type d -printf '%p %y %m %U:%G %T@\\0' -o -type l -printf '%p %y %U:%G %l\\0' -o -printf '%p %y %m %U:%G %s %T@\\0' \\)`;

function hashesHere(tree: string, roots: readonly string[]): ReadonlyMap<string, string> {
  const script = `find ${roots.join(' ')} -type f -print0 | xargs -0 sha256sum -z --`;
  const found = lines(execFileSync('sh', ['-c', script], { cwd: tree, maxBuffer: 1 << 27 }));
  return new Map([...found].map((line) => [line.slice(66), line.slice(0, 64)]));
}

/** latin1 keeps every byte of a name apart. */
const lines = (bytes: Buffer): ReadonlySet<string> =>
  new Set(
    bytes
      .toString('latin1')
      .split('\0')
      .filter((line) => line !== ''),
  );
