import { readFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { setFlagsFromString } from 'node:v8';
import { Script } from 'node:vm';

type Module = { readonly exports: object };
type Wrapped = (exports: object, require: NodeJS.Require, module: Module, file: string, folder: string) => void;

/**
 * V8 compiles a function anew once it has run for a while. Most commands are over before that pays: it cost `validate` a third of
 * its time. What runs long is still compiled, later. Default: 66 KiB of bytecode. Later versions of V8 do not know the flag.
 */
export function holdBackOptimiser(): void {
  if (process.versions.node.startsWith('20.')) setFlagsFromString('--interrupt-budget=1000000');
}

/** Where the build keeps what this Node makes of a script. */
export const cacheOf = (file: string): string => `${file}.${process.version}-${process.arch}.cache`;

/**
 * A script of the build, compiled with the help of its cache. V8 itself refuses one that was made with other flags, and then compiles
 * everything anew. Of the source it compares only the length, so both end in the same mark (64 characters).
 */
export function compileScript(file: string): Script {
  const source = readFileSync(file, 'latin1');
  const cachedData = cacheFor(file, source);
  return new Script(source, { filename: file, ...(cachedData === undefined ? {} : { cachedData }) });
}

/** Runs such a script as a module of CommonJS, and gives its exports. It cannot import anything later by itself: V8 forgets in a cache who would. */
export function runScript(script: Script, file: string, require: NodeJS.Require): object {
  const module: Module = { exports: {} };
  (script.runInThisContext() as Wrapped)(module.exports, require, module, file, dirname(file));
  return module.exports;
}

function cacheFor(file: string, source: string): Buffer | undefined {
  try {
    const bytes = readFileSync(cacheOf(file));
    return source.endsWith(bytes.toString('latin1', bytes.length - 64)) ? bytes.subarray(0, -64) : undefined;
  } catch {
    return undefined;
  }
}
