import { expect, test } from 'vitest';
import { endedBadly } from '../../../../src/effects/transfer/databases/ask-server.ts';

const asked = { server: 'PostgreSQL on web01', database: 'app' };
const exited = { how: 'exit', code: 1 } as const;

test.each([
  [
    'pg_dump: error: aborting because of server version mismatch\npg_dump: detail: server version: 15.18; pg_dump version: 13.11',
    'tool-too-old',
    'the program on the host that dumps is older than PostgreSQL on web01',
  ],
  [
    'psql: error: connection to server on socket "/run/s" failed: FATAL:  database "app" does not exist',
    'database-gone',
    '"app" of PostgreSQL on web01 was dropped before it was copied',
  ],
  [
    'pg_dump: error: Dumping the contents of table "t" failed: PQgetResult() failed.\nFATAL:  terminating connection due to administrator command',
    'database-cut',
    'PostgreSQL on web01 ended the connection while "app" was dumped: pg_dump: error: Dumping the contents of table "t" failed: PQgetResult() failed.',
  ],
  [
    'pg_dump: error: query failed: ERROR:  permission denied for table t',
    'dump-failed',
    '"app" of PostgreSQL on web01 could not be dumped: pg_dump: error: query failed: ERROR:  permission denied for table t',
  ],
])('%s', (said, code, what) => {
  expect(endedBadly(exited, said, asked, 'dumped')).toMatchObject({ code, what, detail: said });
});

test('a lost connection is told as what it is', () => {
  const trouble = { code: 'connection-lost', what: 'lost', fix: 'Again.' };
  expect(endedBadly({ how: 'lost', trouble }, '', asked, 'dumped')).toBe(trouble);
});
