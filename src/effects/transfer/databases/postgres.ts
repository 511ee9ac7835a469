import { fail, ok, type Result, trouble } from '../../../core/result.ts';
import type { Dialect, ServerLooked } from './dialect.ts';

/** Before 9.5 no dump can be given a moment that somebody else counts in. */
const oldest = 90_500;

const look = `
ask() { "$psql" -XAtqw "$@"; }
psql=$(command -v psql) || { echo 'lacks psql'; exit 0; }
for d in postgres template1; do ask "$@" -d "$d" -c 'SELECT 1' >/dev/null 2>&1 && break; done
echo "client $psql"
ask "$@" -d "$d" <<'END' || exit 0
SELECT 'server ' || json_build_object(
  'version', current_setting('server_version'), 'number', current_setting('server_version_num')::int,
  'directory', current_setting('data_directory', true), 'super', (SELECT rolsuper FROM pg_roles WHERE rolname = current_user),
  'owner', (SELECT rolname FROM pg_roles WHERE oid = 10),
  'sessions', (SELECT count(*) FROM pg_stat_activity WHERE pid <> pg_backend_pid() AND datname IS NOT NULL),
  'databases', (SELECT coalesce(json_agg(json_build_object('name', datname, 'bytes', pg_database_size(oid)) ORDER BY datname), '[]')
     FROM pg_database WHERE datallowconn AND NOT datistemplate))::text;
END
b=$(ask "$@" -d "$d" -c "SELECT setting FROM pg_config WHERE name = 'BINDIR'" 2>/dev/null)/pg_dump
[ -x "$b" ] || b=$(command -v pg_dump) || { echo 'lacks pg_dump'; exit 0; }
echo "dumper $b"
"$b" --version | sed 's/^/tool /'
`;

/** Tables that an extension made are made anew by it; parents of partitions have no rows of their own. */
const tables = `SELECT json_build_array(n.nspname, c.relname, format('%I.%I', n.nspname, c.relname))
FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE c.relkind = 'r' AND c.relpersistence <> 't' AND n.nspname NOT IN ('pg_catalog', 'information_schema', 'pg_toast')
  AND n.nspname NOT LIKE 'pg\\_temp%' AND n.nspname NOT LIKE 'pg\\_toast%'
  AND NOT EXISTS (SELECT FROM pg_depend d WHERE d.classid = 'pg_class'::regclass AND d.objid = c.oid AND d.deptype = 'e')
UNION ALL SELECT json_build_array('', 'large objects', 'pg_catalog.pg_largeobject_metadata') WHERE EXISTS (SELECT FROM pg_largeobject_metadata);`;

export const postgres: Dialect = {
  name: 'PostgreSQL',
  look,
  connect: ({ socket, port }) => [
    ...(socket === undefined ? [] : ['-h', socket]),
    ...(port === undefined ? [] : ['-p', String(port)]),
  ],
  read: (lines) => readLook(lines),
  session: ({ client, connect }, database) => [
    'env',
    'PGOPTIONS=-c default_transaction_read_only=on',
    client,
    ...['-XAtqw', '-v', 'ON_ERROR_STOP=1', ...connect, '-d', conninfo(database)],
  ],
  mark: (word) => `\\echo ${word}`,
  begin: `SET statement_timeout = 0; SET lock_timeout = 0; SET idle_in_transaction_session_timeout = 0;
BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY;
SELECT pg_export_snapshot();`,
  end: 'COMMIT;',
  tables,
  table: (line) => {
    const [schema, name, quoted] = texts(line);
    if (schema === undefined || name === undefined || quoted === undefined) return undefined;
    return { name: schema === '' ? name : `${schema}.${name}`, quoted };
  },
  count: ({ quoted }) => `SELECT count(*) FROM ONLY ${quoted};`,
  answer: (sql) => `COPY (\n${sql}\n) TO STDOUT;`,
  dump: ({ dumper }, connect, database, moment) => [
    dumper,
    ...['-Fc', '-w', '--lock-wait-timeout=600000', `--snapshot=${moment}`, ...connect, '-d', conninfo(database)],
  ],
  globals: ({ dumper }, connect) => [`${dumper}all`, '--globals-only', '-w', ...connect],
  here: {
    folders: ['/usr/lib/postgresql/*/bin', '/usr/pgsql-*/bin'],
    programs: ['postgres', 'initdb', 'psql', 'pg_restore'],
    version: (text) => {
      const version = /PostgreSQL\) (\d+(?:\.\d+)*)/.exec(text)?.[1];
      return version === undefined ? undefined : { product: 'PostgreSQL', version };
    },
    make: (folder, scratch, owner) => [
      `${folder}/initdb`,
      ...['-D', `${scratch}/data`, '-U', owner, '-A', 'trust', '-E', 'UTF8', '--no-locale', '--no-sync'],
    ],
    serve: (folder, scratch) => [
      `${folder}/postgres`,
      ...['-D', `${scratch}/data`],
      ...[
        'listen_addresses=',
        `unix_socket_directories=${scratch}`,
        'unix_socket_permissions=0700',
        'port=5432',
        // It lives for one proof: what a power cut would leave of it is made anew.
        'fsync=off',
        'full_page_writes=off',
        'autovacuum=off',
        'wal_level=minimal',
        'max_wal_senders=0',
        'max_wal_size=256MB',
        'logging_collector=off',
        'log_destination=stderr',
        'lc_messages=C',
      ].flatMap((setting) => ['-c', setting]),
    ],
    ready: /database system is ready to accept connections/,
    stop: 'SIGINT',
    way: (folder, scratch, owner) => ({
      client: `${folder}/psql`,
      connect: ['-h', scratch, '-p', '5432', '-U', owner],
    }),
    globals: (text, owner, folderFor) =>
      text
        .split('\n')
        // It has this one already: the server was made with it.
        .filter((line) => line !== `CREATE ROLE ${owner};` && line !== `CREATE ROLE "${owner.replaceAll('"', '""')}";`)
        .map((line) =>
          line.startsWith('CREATE TABLESPACE ')
            ? line.replace(/ LOCATION '(?:[^']|'')*'/, (location) => ` LOCATION '${folderFor(location)}'`)
            : line,
        )
        .join('\n'),
    takeGlobals: ({ client, connect }) => [
      client,
      ...['-XAtqw', '-v', 'ON_ERROR_STOP=1', ...connect, '-d', 'template1', '-f', '-'],
    ],
    restore: (folder, { connect }) => [
      `${folder}/pg_restore`,
      ...['--create', '--clean', '--if-exists', '--exit-on-error', '-w', ...connect, '-d', 'template1'],
    ],
  },
};

/** A name with `=` in it would be read as settings of a connection. */
const conninfo = (database: string): string => `dbname='${database.replaceAll('\\', '\\\\').replaceAll("'", "\\'")}'`;

function texts(line: string): readonly (string | undefined)[] {
  const value: unknown = JSON.parse(line);
  return Array.isArray(value) ? value.map((one) => (typeof one === 'string' ? one : undefined)) : [];
}

interface Said {
  readonly version: string;
  readonly number: number;
  readonly directory: string | null;
  readonly super: boolean;
  readonly owner: string;
  readonly sessions: number;
  readonly databases: readonly { readonly name: string; readonly bytes: number }[];
}

function readLook(lines: readonly string[]): Result<ServerLooked> {
  const after = (word: string): string | undefined =>
    lines.find((line) => line.startsWith(`${word} `))?.slice(word.length + 1);
  const server = after('server');
  if (server === undefined) throw new Error('asked without an answer');
  const { version, number, super: superuser, directory, owner, sessions, databases } = JSON.parse(server) as Said;
  if (number < oldest) {
    return fail(
      trouble(
        'server-too-old',
        `PostgreSQL ${version} on the host is older than 9.5, and cannot dump and count in one moment`,
        'Stop it and copy its data directory with backup.archive.',
      ),
    );
  }
  if (!superuser) {
    return fail(
      trouble(
        'not-superuser',
        'the login is no superuser of PostgreSQL on the host, so it sees neither all tables nor all logins',
        'Name in "user" the login of the host that is one: mostly postgres.',
      ),
    );
  }
  const tool = after('tool');
  return ok({
    ...{
      product: 'PostgreSQL',
      version: version.split(' ')[0] ?? version,
      directory: directory ?? '',
      databases,
      sessions,
      owner,
    },
    tool: tool === undefined ? null : (/PostgreSQL\) (\d+(?:\.\d+)*)/.exec(tool)?.[1] ?? null),
    client: after('client') ?? 'psql',
    dumper: after('dumper') ?? 'pg_dump',
  });
}
