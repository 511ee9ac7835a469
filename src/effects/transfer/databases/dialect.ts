import type { DatabaseAccess, DatabaseProduct, DatabasesSeen } from '../../../core/databases.ts';
import type { Result } from '../../../core/result.ts';

/** A table as a server names it: for people, and as its statements write it. */
export interface Table {
  readonly name: string;
  readonly quoted: string;
}

/** What of a server is needed to copy it, besides what people want to know. */
export interface ServerLooked extends DatabasesSeen {
  /** The programs of the host: one that takes statements, and one that dumps. Absolute paths. */
  readonly client: string;
  readonly dumper: string;
  /** The login that the server was made with; it owns what no other login does. */
  readonly owner: string;
}

/** How a client reaches a server: on the host as the runbook says, here by a socket in the scratch folder. */
export interface Way {
  readonly client: string;
  readonly connect: readonly string[];
}

/** What differs between kinds of server. Argument vectors are of the server's own programs. */
export interface Dialect {
  /** For people. */
  readonly name: string;
  /** A script for sh, that prints lines for `read`; it is given `connect(access)`. */
  readonly look: string;
  connect(access: DatabaseAccess): readonly string[];
  read(lines: readonly string[]): Result<ServerLooked>;
  /** A session in which nothing can be changed. */
  session(way: Way, database: string): readonly string[];
  mark(word: string): string;
  /** Statements that begin a moment: all that is asked and dumped after it is of it. Their last line names it. */
  readonly begin: string;
  readonly end: string;
  /** One line for each table. */
  readonly tables: string;
  table(line: string): Table | undefined;
  /** One line: how many rows it has. */
  count(table: Table): string;
  answer(sql: string): string;
  dump(looked: ServerLooked, connect: readonly string[], database: string, moment: string): readonly string[];
  /** Logins and their rights, as statements. */
  globals(looked: ServerLooked, connect: readonly string[]): readonly string[];
  /** Programs of a server here. */
  readonly here: HereDialect;
}

/** A server that is made for a proof. `folder` is where its programs lie, `scratch` the scratch folder as it sees it. */
export interface HereDialect {
  /** Folders that may hold one, with `*` for one name. */
  readonly folders: readonly string[];
  /** What the folder has to hold; the first tells the version by `--version`. */
  readonly programs: readonly string[];
  version(text: string): { readonly product: DatabaseProduct; readonly version: string } | undefined;
  make(folder: string, scratch: string, owner: string): readonly string[];
  serve(folder: string, scratch: string): readonly string[];
  /** What it says on stderr once it can be asked. */
  readonly ready: RegExp;
  readonly stop: NodeJS.Signals;
  way(folder: string, scratch: string, owner: string): Way;
  /** Statements of `globals` as this server takes them. */
  globals(text: string, owner: string, folderFor: (name: string) => string): string;
  /** The program that takes them. */
  takeGlobals(way: Way): readonly string[];
  restore(folder: string, way: Way, database: string): readonly string[];
}
