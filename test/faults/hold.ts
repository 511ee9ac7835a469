import { chmodSync, existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

/** A program that waits until the test says so: no moment depends on how fast anything is. */
export interface Hold {
  /** The stand-in's own path. */
  readonly path: string;
  /** How often it was called. */
  calls(): number;
  /** From now on nothing waits. */
  letGo(): void;
}

/** Shell: waits until the file is there. It never outlives the test. */
export const waitFor = (file: string): string =>
  `while [ ! -e '${file}' ] && kill -0 ${process.pid} 2>/dev/null; do sleep 0.05; done`;

/**
 * Puts a stand-in for a program into a folder that comes first on a PATH: when its arguments match the shell pattern it waits until it is
 * let go, and then becomes the real one. `apart`: it waits in a process of its own, so that who ends it has to end more than the program.
 */
export function holdIn(
  bin: string,
  program: string,
  pattern: string,
  { apart = false }: { readonly apart?: boolean } = {},
): Hold {
  mkdirSync(bin, { recursive: true });
  const path = join(bin, program);
  const [real, noted, go] = [`${path}.real`, `${path}.calls`, `${path}.go`];
  if (existsSync(path)) renameSync(path, real);
  const then = existsSync(real) ? `exec '${real}' "$@"` : `PATH=\${PATH#*:}; exec ${program} "$@"`;
  const wait = apart ? `(${waitFor(go)})` : waitFor(go);
  writeFileSync(path, `#!/bin/sh\ncase "$*" in\n${pattern}) echo >> '${noted}'; ${wait} ;;\nesac\n${then}\n`);
  chmodSync(path, 0o755);
  return {
    path,
    calls: () => (existsSync(noted) ? readFileSync(noted).length : 0),
    letGo: () => writeFileSync(go, ''),
  };
}
