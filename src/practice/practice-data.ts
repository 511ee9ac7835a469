import {
  chmodSync,
  closeSync,
  ftruncateSync,
  linkSync,
  mkdirSync,
  openSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { join } from 'node:path';

/** The folders of the practice machine that hold something of value, and what its service writes to. */
export interface PracticeData {
  readonly folders: readonly string[];
  /** Grows as long as app.service runs. */
  readonly journal: string;
}

const months = ['01', '02', '03', '04', '05', '06', '07', '08', '09', '10', '11', '12'];

const oddNames = [
  'with space.txt',
  ' leading and trailing ',
  '-rf',
  '--help',
  'new\nline',
  'tab\tstop',
  `quotes ' and ".txt`,
  'back\\slash',
  '*?[a-z]',
  '#comment',
  '%s %n',
  '$HOME',
  '`true`',
  'a=b;c&d|e>f',
  '.hidden',
  'Ромашка.txt',
  '日本語',
  'naïve café',
  'emoji 🗄',
  'x'.repeat(200),
];

/** Fills the machine's disk: a database dump, some hundred uploads, odd names, links, modes and old times. Always the same bytes. */
export function writePracticeData(root: string): PracticeData {
  const app = join(root, 'srv', 'app');
  const etc = join(root, 'etc', 'app');
  const random = generator(20_260_101);

  mkdirSync(join(app, 'db'), { recursive: true });
  writeFileSync(join(app, 'db', 'orders.sql'), dump(random));
  for (const month of months) {
    const folder = join(app, 'uploads', '2025', month);
    mkdirSync(folder, { recursive: true });
    for (let n = 1; n <= 20; n++) {
      const path = join(folder, `scan-${String(n).padStart(3, '0')}.bin`);
      writeFileSync(path, noise(random, Math.floor(random() * 12_000)));
      const when = Date.UTC(2025, Number(month) - 1, n, 8, 30, n) / 1000;
      utimesSync(path, when, when);
    }
  }
  writeOddities(join(app, 'odd names'));
  writeLinks(join(app, 'links'), app);

  mkdirSync(etc, { recursive: true });
  writeFileSync(join(etc, 'app.conf'), '[app]\nlisten = 127.0.0.1:8080\ndata = /srv/app\n');
  writeFileSync(join(etc, 'secret.key'), 'practice, not a secret\n');
  chmodSync(join(etc, 'secret.key'), 0o400);

  mkdirSync(join(app, 'data'), { recursive: true });
  const journal = join(app, 'data', 'journal.log');
  writeFileSync(journal, '');
  return { folders: [join(root, 'srv'), join(root, 'etc')], journal };
}

function writeOddities(folder: string): void {
  mkdirSync(folder);
  for (const name of oddNames) writeFileSync(join(folder, name), `the file named ${JSON.stringify(name)}\n`);
  mkdirSync(join(folder, 'empty folder'));
  writeFileSync(join(folder, 'empty file'), '');
  const sparse = openSync(join(folder, 'sparse'), 'w');
  ftruncateSync(sparse, 1_000_000);
  writeSync(sparse, 'end', 1_000_000);
  closeSync(sparse);
  const run = join(folder, 'run.sh');
  writeFileSync(run, '#!/bin/sh\necho practice\n');
  chmodSync(run, 0o755);
  mkdirSync(join(folder, 'shared'));
  chmodSync(join(folder, 'shared'), 0o1770);
  try {
    // 0xff is no character in UTF-8; Linux keeps such names, some file systems refuse them.
    writeFileSync(Buffer.concat([Buffer.from(join(folder, 'not utf-8 ')), Buffer.from([0xff, 0xfe])]), 'bytes\n');
  } catch {
    // Then this machine has no such file.
  }
}

function writeLinks(folder: string, app: string): void {
  mkdirSync(folder);
  writeFileSync(join(folder, 'original'), 'one file, three names\n');
  linkSync(join(folder, 'original'), join(folder, 'hard link'));
  linkSync(join(folder, 'original'), join(app, 'uploads', 'hard link from afar'));
  symlinkSync('original', join(folder, 'relative'));
  symlinkSync(join(app, 'db', 'orders.sql'), join(folder, 'absolute'));
  symlinkSync('../uploads/2025', join(folder, 'to a folder'));
  symlinkSync('nowhere at all', join(folder, 'dangling'));
}

function dump(random: () => number): string {
  const lines = ['-- practice database', 'CREATE TABLE orders (id integer PRIMARY KEY, customer text, cents integer);'];
  for (let id = 1; id <= 20_000; id++) {
    const customer = Math.floor(random() * 1000);
    lines.push(`INSERT INTO orders VALUES (${id}, 'customer ${customer}', ${Math.floor(random() * 100_000)});`);
  }
  return `${lines.join('\n')}\n`;
}

function noise(random: () => number, length: number): Uint8Array {
  const bytes = new Uint8Array(length);
  for (let at = 0; at < length; at++) bytes[at] = Math.floor(random() * 256);
  return bytes;
}

/** A linear congruential generator: the same numbers in [0, 1) on every machine. */
function generator(seed: number): () => number {
  let state = seed;
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state / 4_294_967_296;
  };
}
