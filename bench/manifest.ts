// Memory and time of a manifest with a million entries: sorted, hard links joined, hashes filled in, written, read back and compared.
// The files themselves are not made: names and hashes come from stand-ins as fast as they are taken.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { performance } from 'node:perf_hooks';
import { PassThrough, Writable } from 'node:stream';
import { encodeName, formatEntry, parseEntry } from '../src/core/mtree.ts';
import type { Ended, Machine } from '../src/core/ports.ts';
import { ok } from '../src/core/result.ts';
import { systemClock } from '../src/effects/state/clock.ts';
import { resolveLinks } from '../src/effects/transfer/hard-links.ts';
import { linesIn, sorter } from '../src/effects/transfer/lines.ts';
import { takeManifest } from '../src/effects/transfer/manifest.ts';

const count = 1_000_000;
const work = mkdtempSync(join(tmpdir(), 'decom-bench-'));
const began = performance.now();
let peak = 0;
const watch = setInterval(() => {
  peak = Math.max(peak, process.memoryUsage.rss());
}, 50);

/** A host whose SHA-256 program answers at once. */
const answering = (): Pick<Machine, 'start'> => ({
  start: async () => {
    const [stdout, stderr] = [new PassThrough(), new PassThrough()];
    let end: (ended: Ended) => void = () => undefined;
    const ended = new Promise<Ended>((resolve) => {
      end = resolve;
    });
    const stdin = new Writable({
      write(script: Buffer, _encoding, done) {
        const lines = script.toString('latin1').split('\n');
        const hashes = lines
          .filter((line) => line.startsWith('openssl'))
          .flatMap((line) => line.match(/(?<=')\.\/[^']*(?=')/g) ?? [])
          .map((name) => `${'ab'.repeat(32)} *${name}\n`);
        const last = lines.some((line) => line.startsWith('echo')) ? 'end of batch\n' : '';
        stdout.write(Buffer.from(hashes.join('') + last, 'latin1'));
        done();
      },
      final(done) {
        stdout.end();
        stderr.end();
        end({ how: 'exit', code: 0 });
        done();
      },
    });
    return ok({ stdin, stdout, stderr, ended });
  },
});
const never = (): never => {
  throw new Error('not asked in this bench');
};
const machine: Machine = { ...answering(), name: 'bench', exec: never, hostKey: never, reachable: never, close: never };

let kept = true;
try {
  const [entries, links] = [sorter(work), sorter(work)];
  for (let i = 0; i < count; i++) {
    const name = encodeName(`./srv/folder ${(i * 7919) % 1000}/file number ${i}`);
    if (i % 20 === 1)
      links.write(`${encodeName(`./srv/folder ${((i - 1) * 7919) % 1000}/file number ${i - 1}`)} ${name}`);
    else entries.write(formatEntry({ name, type: 'file', mode: 0o644, uid: 0, gid: 0, size: i, time: '1.000000000' }));
    if (i % 1000 === 0) {
      await entries.room();
      await links.room();
    }
  }
  const file = join(work, 'manifest.mtree');
  const taken = await takeManifest({
    ...{ machine, clock: systemClock, root: false, tool: 'openssl', file, work, omitUnreadable: false },
    entries: resolveLinks(entries.sorted(), links.sorted(), work),
    signal: new AbortController().signal,
    progress: () => undefined,
    unreadable: (name) => {
      throw new Error(`${name} has no hash`);
    },
  });
  if (!taken.ok || taken.value.entries !== count) throw new Error(JSON.stringify(taken));
  const written = performance.now();
  const again = linesIn(file)[Symbol.asyncIterator]();
  let equal = 0;
  for await (const line of linesIn(file)) {
    const [one, other] = [parseEntry(line), parseEntry(String((await again.next()).value))];
    if (one !== undefined && one.sha256 === other?.sha256 && one.tags === other?.tags) equal++;
  }
  if (equal !== count) throw new Error(`${equal} of ${count} lines are equal to themselves`);
  const seconds = (from: number, to: number): string => ((to - from) / 1000).toFixed(1);
  const mebibytes = Math.round(peak / 2 ** 20);
  kept = mebibytes < 200;
  console.log(
    `manifest of ${count} entries: RSS at most ${mebibytes} MiB, made in ${seconds(began, written)} s, compared in ${seconds(written, performance.now())} s; wanted < 200 MiB: ${kept ? 'kept' : 'MISSED'}`,
  );
} finally {
  clearInterval(watch);
  rmSync(work, { recursive: true });
}
process.exitCode = kept ? 0 : 1;
