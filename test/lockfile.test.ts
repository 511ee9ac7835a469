import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';

interface Locked {
  readonly resolved?: string;
  readonly optionalDependencies?: { readonly [name: string]: string };
}

/** Whether a package finds another as Node does: in its own node_modules, then in each folder above. */
function finds(packages: { readonly [path: string]: Locked }, from: string, name: string): boolean {
  for (let at = from; ; at = at.slice(0, Math.max(0, at.lastIndexOf('/node_modules/')))) {
    if (`${at === '' ? '' : `${at}/`}node_modules/${name}` in packages) return true;
    if (!at.includes('/node_modules/')) return `node_modules/${name}` in packages;
  }
}

// "npm ci" refuses a lock file that leaves out what other platforms would install, and npm itself leaves it out where a registry
// does not have those packages.
test('the lock file holds the packages of every platform, so that "npm ci" takes it anywhere', () => {
  const file = fileURLToPath(new URL('../package-lock.json', import.meta.url));
  const { packages } = JSON.parse(readFileSync(file, 'utf8')) as { packages: { [path: string]: Locked } };
  const asked = Object.entries(packages).flatMap(([path, { optionalDependencies = {} }]) =>
    Object.keys(optionalDependencies).map((name) => ({ path, name })),
  );
  expect(asked.length).toBeGreaterThan(10);
  expect(asked.filter(({ path, name }) => !finds(packages, path, name))).toEqual([]);
});

test('the lock file names no registry but the public one', () => {
  const file = fileURLToPath(new URL('../package-lock.json', import.meta.url));
  const { packages } = JSON.parse(readFileSync(file, 'utf8')) as { packages: { [path: string]: Locked } };
  const foreign = Object.values(packages).flatMap(({ resolved }) =>
    resolved === undefined || resolved.startsWith('https://registry.npmjs.org/') ? [] : [resolved],
  );
  expect(foreign).toEqual([]);
});
