import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import type { PerformContext } from '../../src/core/action.ts';
import type { DatabaseQuestion } from '../../src/core/databases.ts';
import type { Outcome } from '../../src/core/operation.ts';
import type { Machine } from '../../src/core/ports.ts';
import type { CopyDescription } from '../../src/core/probe.ts';
import { sshMachine } from '../../src/effects/ssh/machine.ts';
import { transferHandlers, transferProbes } from '../../src/effects/transfer/handlers.ts';
import { context, deps, temporary } from '../effects/transfer/fixture.ts';
import { type SourceServer, startPostgres } from './database-server.ts';
import { poll } from './poll.ts';
import { type Sshd, startSshd } from './sshd.ts';

let sshd: Sshd;
let machine: Machine;
let here: ReturnType<typeof temporary>;
beforeAll(async () => {
  sshd = await startSshd();
});
afterAll(() => sshd.stop());
beforeEach(() => {
  here = temporary();
  machine = sshMachine(
    {
      ...{ name: 'web01', address: sshd.address, port: sshd.port, user: sshd.user, sudo: false },
      ...{ identityFiles: [sshd.userKey], hostKeys: sshd.hostKeys },
    },
    { home: '/nonexistent', patience: { abort: 1000 } },
  );
});
afterEach(async () => {
  await machine.close();
  here.remove();
});

describe.each([{ kind: 'postgres', start: startPostgres, fill: fillPostgres, fillLarge: fillLargePostgres }] as const)(
  '$kind',
  ({ start, fill, fillLarge }) => {
    let source: SourceServer;
    beforeAll(async () => {
      source = await start();
      fill(source);
    });
    afterAll(() => source.remove());

    const vault = (): string => {
      const folder = join(here.path, 'vault');
      if (!existsSync(folder)) mkdirSync(folder);
      return join(folder, 'web01', 'copy');
    };
    const scratch = (): string => join(here.path, 'scratch', 'one');
    const copy = (
      databases: readonly string[],
      ask: readonly DatabaseQuestion[] = [],
      how: PerformContext = context(),
    ) =>
      transferHandlers(deps(machine))['copy.databases'](
        { kind: 'copy.databases', on: 'control', access: source.access, databases, ask, to: vault(), root: true, keep },
        how,
      );
    const keep = { until: '2033-12-31', by: 'ada' };
    const restore = () =>
      transferHandlers(deps(machine))['copy.restore'](
        { kind: 'copy.restore', on: 'control', copy: vault(), scratch: scratch() },
        context(),
      );
    const compare = () =>
      transferProbes(deps(machine))['databases.compare']({
        kind: 'databases.compare',
        copy: vault(),
        scratch: scratch(),
      });
    const described = (): CopyDescription => JSON.parse(readFileSync(join(vault(), 'copy.json'), 'utf8'));

    test('the server tells its databases', async () => {
      const seen = await transferProbes(deps(machine)).databases({
        kind: 'databases',
        access: source.access,
        root: true,
      });
      expect(seen).toMatchObject({ known: true });
      if (!seen.known) return;
      expect(seen.value.databases.map(({ name }) => name)).toEqual(expect.arrayContaining(['app', "o'dd = name"]));
    });

    test('every row and every answer comes back from the restored copy', async () => {
      const ask = [{ database: 'app', sql: 'SELECT name FROM people ORDER BY id' }];
      expect(await copy(['app', "o'dd = name"], ask)).toMatchObject({ outcome: 'done', receipt: { databases: 2 } });
      expect(described()).toMatchObject({ from: [], archive: null, kept: keep });
      expect(described().databases?.each.find(({ name }) => name === 'app')).toMatchObject({ rows: 1003 });
      expect(await restore()).toMatchObject({ outcome: 'done' });
      expect(await compare()).toMatchObject({ known: true, value: { differences: [], count: 0, answers: 1 } });
      expect(readdirSync(join(here.path, 'scratch')).filter((name) => name.endsWith('.decom-server'))).toEqual([]);
    });

    /** Does something in the middle of the dump of `large`, while none of it is read here: far more is to come than any buffer holds. */
    const inTheMiddle = (act: () => void): Promise<Outcome> => {
      let done = false;
      return copy(['large'], [], {
        signal: new AbortController().signal,
        progress: ({ what, bytes = 0 }) => {
          if (done || what !== 'dumping large' || bytes === 0) return;
          done = true;
          act();
        },
      });
    };
    const state = async () => {
      const seen = await transferProbes(deps(machine)).copy({ kind: 'copy', copy: vault() });
      return seen.known ? seen.value.state : seen.trouble.what;
    };

    test('a cut connection leaves nothing that counts as a copy, and a new attempt makes one', async () => {
      const outcome = await inTheMiddle(() => {
        for (const pid of sshd.sessions()) process.kill(pid, 'SIGKILL');
      });
      expect(outcome).toMatchObject({ outcome: 'failed', trouble: { code: 'connection-lost' } });
      expect(await state()).toBe('partial');
      expect(await copy(['app'])).toMatchObject({ outcome: 'done' });
      expect(await state()).toBe('complete');
      expect(existsSync(`${vault()}.partial`)).toBe(false);
    });

    test('stopped by a person, it leaves nothing that counts as a copy, and nothing that runs on the host', async () => {
      const stop = new AbortController();
      const outcome = await copy(['large'], [], {
        signal: stop.signal,
        progress: ({ what }) => {
          if (what === 'dumping large') stop.abort();
        },
      });
      expect(outcome).toMatchObject({ outcome: 'failed', trouble: { code: 'aborted' } });
      expect(await state()).toBe('partial');
      await poll('the server to be alone', async () => {
        const seen = await transferProbes(deps(machine)).databases({
          kind: 'databases',
          access: source.access,
          root: true,
        });
        return seen.known && seen.value.sessions === 0 ? true : undefined;
      });
    });

    test('a server that is stopped in the middle is told so', async () => {
      const outcome = await inTheMiddle(() => source.stopNow());
      try {
        expect(outcome).toMatchObject({
          outcome: 'failed',
          trouble: {
            code: 'database-cut',
            what: expect.stringContaining('ended the connection while "large" was dumped'),
          },
        });
        expect(await state()).toBe('partial');
        expect(
          await transferProbes(deps(machine)).databases({ kind: 'databases', access: source.access, root: true }),
        ).toMatchObject({ known: false, trouble: { code: 'database-unreachable' } });
      } finally {
        await source.start();
      }
    });

    test('a database that is dropped in the middle is told so', async () => {
      const outcome = await inTheMiddle(() => source.drop('large'));
      expect(outcome).toMatchObject({
        outcome: 'failed',
        trouble: { code: expect.stringMatching(/^database-(cut|gone)$/) },
      });
      expect(await state()).toBe('partial');
      expect(await copy(['large'])).toMatchObject({
        outcome: 'failed',
        trouble: { code: 'database-gone', what: expect.stringContaining('has no database large') },
      });
      fillLarge(source);
    });

    test('a full disk here is told so, and leaves nothing that counts as a copy', async () => {
      mkdirSync(join(here.path, 'vault'));
      execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=4m', 'tmpfs', join(here.path, 'vault')]);
      try {
        expect(await copy(['large'])).toMatchObject({ outcome: 'failed', trouble: { code: 'disk-full' } });
        expect(await state()).toBe('partial');
      } finally {
        execFileSync('umount', [join(here.path, 'vault')]);
      }
    });

    test('a bit that flipped in a dump is found before anything is restored', async () => {
      await copy(['app']);
      const file = join(vault(), 'dumps', '0.dump');
      const bytes = readFileSync(file);
      const middle = Math.floor(bytes.length / 2);
      bytes[middle] = (bytes[middle] ?? 0) ^ 1;
      writeFileSync(file, bytes);
      expect(await restore()).toMatchObject({ outcome: 'failed', trouble: { code: 'archive-changed' } });
      expect(existsSync(scratch())).toBe(false);
    });

    test('a table with one row more at the source is named, with both numbers', async () => {
      await copy(['app'], [{ database: 'app', sql: 'SELECT count(*) FROM people' }]);
      // As if the source had counted one more: its manifest, and the hash that it is kept by.
      const file = join(vault(), 'manifest.json');
      const manifest = JSON.parse(readFileSync(file, 'utf8'));
      const table = manifest.databases[0].tables.find(([name]: readonly [string]) => name.endsWith('people'));
      table[1]++;
      manifest.databases[0].answers[0] = { ...manifest.databases[0].answers[0], sha256: '0'.repeat(64), text: '4' };
      writeFileSync(file, JSON.stringify(manifest));
      const about = described();
      const sha256 = createHash('sha256').update(readFileSync(file)).digest('hex');
      writeFileSync(join(vault(), 'copy.json'), JSON.stringify({ ...about, manifest: { ...about.manifest, sha256 } }));
      expect(await restore()).toMatchObject({ outcome: 'done' });
      expect(await compare()).toMatchObject({
        known: true,
        value: {
          count: 2,
          differences: [
            `app.${table[0]}: 4 rows there, 3 here`,
            'app, asked "SELECT count(*) FROM people": "4" there, "3" here',
          ],
        },
      });
    });

    test('a manifest that was changed proves nothing', async () => {
      await copy(['app']);
      const file = join(vault(), 'manifest.json');
      writeFileSync(file, readFileSync(file, 'utf8').replace('"format": 1', '"format":  1'));
      expect(await restore()).toMatchObject({ outcome: 'failed', trouble: { code: 'manifest-changed' } });
      expect(await compare()).toMatchObject({ known: false, trouble: { code: 'manifest-changed' } });
    });
  },
);

function fillPostgres(source: SourceServer): void {
  source.sql(
    'postgres',
    `CREATE ROLE ada LOGIN PASSWORD 'secret'; CREATE DATABASE app OWNER ada; CREATE DATABASE odd;`,
  );
  source.sql(
    'app',
    `CREATE TABLE people (id int PRIMARY KEY, name text); INSERT INTO people VALUES (1, 'Ada'), (2, 'имя'), (3, E'new\\nline');
     CREATE SCHEMA "odd schema"; CREATE TABLE "odd schema"."a ""table""" AS SELECT generate_series(1, 1000) AS n;
     GRANT SELECT ON people TO ada;`,
  );
  fillLargePostgres(source);
  source.sql('odd', 'CREATE TABLE t (x int);');
  // psql itself would read such a name as settings of a connection.
  source.sql('postgres', `ALTER DATABASE odd RENAME TO "o'dd = name";`);
}

/** Incompressible enough that its dump is more than all buffers on the way hold. */
function fillLargePostgres(source: SourceServer): void {
  source.sql('postgres', 'CREATE DATABASE large;');
  source.sql(
    'large',
    'CREATE TABLE noise AS SELECT n, (SELECT string_agg(md5(random()::text || n || m), $$$$) FROM generate_series(1, 8) m) FROM generate_series(1, 100000) n;',
  );
}
