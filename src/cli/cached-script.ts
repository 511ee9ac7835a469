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
export const cacheOf = (file: string): string => `${file}.${process.version}-${process.platform}-${process.arch}.cache`;

/**
 * A script of the build, compiled with the help of its cache. V8 itself refuses one that was made with other flags, and then compiles
 * everything anew. What is in the cache it believes, and of the source it compares only the length: the seal is over both.
 */
export function compileScript(file: string): Script {
  const source = readFileSync(file);
  const cachedData = cacheFor(file, source);
  return new Script(source.toString('latin1'), { filename: file, ...(cachedData === undefined ? {} : { cachedData }) });
}

/** Runs such a script as a module of CommonJS, and gives its exports. It cannot import anything later by itself: V8 forgets in a cache who would. */
export function runScript(script: Script, file: string, require: NodeJS.Require): object {
  const module: Module = { exports: {} };
  (script.runInThisContext() as Wrapped)(module.exports, require, module, file, dirname(file));
  return module.exports;
}

/** A cache as it is kept: with a checksum over it and the script it was made of. */
export function sealed(cache: Buffer, source: Buffer): Buffer {
  const seal = Buffer.alloc(4);
  seal.writeUInt32LE(checksum(cache, source));
  return Buffer.concat([cache, seal]);
}

/** Throws where Node has no such function (21, and 22 before 22.3). Loaded here, as no other command needs it. */
function checksum(cache: Buffer, source: Buffer): number {
  const { crc32 } = process.getBuiltinModule('node:zlib');
  return crc32(source, crc32(cache));
}

function cacheFor(file: string, source: Buffer): Buffer | undefined {
  try {
    const bytes = readFileSync(cacheOf(file));
    const cache = bytes.subarray(0, -4);
    return bytes.readUInt32LE(cache.length) === checksum(cache, source) ? cache : undefined;
  } catch {
    return undefined;
  }
}
