import { sha256 } from './json.ts';

/** The SHA-256 of a log's line, newline included. `line` counts from 1; undefined where the log has no such whole line. */
export function lineHash(bytes: Uint8Array, line: number): string | undefined {
  let at = 0;
  for (let n = 1; ; n++) {
    const end = bytes.indexOf(0x0a, at) + 1;
    if (end === 0) return undefined;
    if (n === line) return sha256(bytes.subarray(at, end));
    at = end;
  }
}
