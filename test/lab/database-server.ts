import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { chmodSync, chownSync, mkdirSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import type { DatabaseAccess } from '../../src/core/databases.ts';
import { poll } from './poll.ts';

/** A database server of a host, on a socket in a folder of its own. */
export interface SourceServer {
  readonly access: DatabaseAccess;
  readonly socketFolder: string;
  /** Runs statements as its administrator, and gives what they print, a line for each row. */
  sql(database: string, statements: string): string;
  /** Ends every connection and stops it, and waits for that. */
  stopNow(): void;
  /** Drops a database, whoever uses it. */
  drop(database: string): void;
  /** As an operator does. */
  shutDown(): Promise<void>;
  start(): Promise<void>;
  remove(): Promise<void>;
}

const idOf = (user: string, flag: '-u' | '-g'): number =>
  Number(execFileSync('id', [flag, user], { encoding: 'utf8' }));

/** The newest PostgreSQL of this machine. */
export function postgresFolder(): string {
  const root = '/usr/lib/postgresql';
  const newest = readdirSync(root)
    .map(Number)
    .sort((a, b) => b - a)[0];
  return `${root}/${newest}/bin`;
}

/** A new cluster, that takes the login `postgres` for its administrator, as Debian's do (peer). */
export async function startPostgres(): Promise<SourceServer> {
  const bin = postgresFolder();
  // Nowhere near the folders of this test: its own login has to reach it.
  const folder = mkdtempSync('/tmp/decom-pg-');
  chmodSync(folder, 0o755);
  const data = join(folder, 'data');
  mkdirSync(data);
  for (const path of [data, folder]) chownSync(path, idOf('postgres', '-u'), idOf('postgres', '-g'));
  const as = ['-u', 'postgres', '--'];
  execFileSync(
    'runuser',
    [...as, `${bin}/initdb`, '-D', data, '-A', 'peer', '-E', 'UTF8', '--locale=C.UTF-8', '--no-sync'],
    { cwd: '/', stdio: 'ignore' },
  );
  const server = runServer(
    ['runuser', ...as, `${bin}/postgres`, '-D', data, '-k', folder, '-c', 'listen_addresses=', '-c', 'fsync=off'],
    /ready to accept connections/,
  );
  await server.start();
  return {
    ...server,
    access: { server: 'postgres', user: 'postgres', socket: folder },
    socketFolder: folder,
    sql: (database, statements) =>
      execFileSync(
        'runuser',
        [...as, `${bin}/psql`, '-XAtq', '-v', 'ON_ERROR_STOP=1', '-h', folder, '-d', database, '-f', '-'],
        { cwd: '/', input: statements, encoding: 'utf8' },
      ).trim(),
    stopNow: () => {
      execFileSync('runuser', [...as, `${bin}/pg_ctl`, 'stop', '-D', data, '-m', 'fast'], {
        cwd: '/',
        stdio: 'ignore',
      });
    },
    drop: (database) => {
      execFileSync('runuser', [...as, `${bin}/dropdb`, '--force', '-h', folder, database], { cwd: '/' });
    },
    async remove() {
      await server.shutDown();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

function runServer(
  argv: readonly string[],
  ready: RegExp,
  name: string = 'postgres',
): Pick<SourceServer, 'shutDown' | 'start'> {
  let child: ChildProcess | undefined;
  let said = '';
  const pidOf = (): number => {
    const parent = child?.pid;
    if (parent === undefined) throw new Error('the server was not started');
    // runuser waits for the server and hands on no SIGINT.
    const below = execFileSync('ps', ['-o', 'pid=', '--ppid', String(parent)], { encoding: 'utf8' }).trim();
    return Number(below.split('\n')[0]);
  };
  const gone = (): Promise<void> =>
    child === undefined || child.exitCode !== null || child.signalCode !== null
      ? Promise.resolve()
      : new Promise((resolve) => child?.once('exit', () => resolve()));
  return {
    async start() {
      said = '';
      const [program = '', ...rest] = argv;
      child = spawn(program, rest, {
        cwd: '/',
        stdio: ['ignore', 'ignore', 'pipe'],
        env: { ...process.env, LC_ALL: 'C' },
      });
      child.stderr?.on('data', (chunk: Buffer) => {
        said += chunk.toString();
      });
      await poll(`${name} to be ready`, () => {
        if (child?.exitCode !== null) throw new Error(said);
        return ready.test(said) ? true : undefined;
      });
    },
    async shutDown() {
      if (child === undefined || child.exitCode !== null || child.signalCode !== null) return;
      process.kill(pidOf(), name === 'postgres' ? 'SIGINT' : 'SIGTERM');
      await gone();
    },
  };
}
