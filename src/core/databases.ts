/** The kinds of database server that can be copied by their own tools. */
export type DatabaseServer = 'postgres';

/** Who made the server: a dump of one maker's is not restored by another's. */
export type DatabaseProduct = 'PostgreSQL';

/** How a server on the host is spoken to: by a socket or port of its own machine, as a login of the host that it trusts. */
export interface DatabaseAccess {
  readonly server: DatabaseServer;
  readonly user: string;
  readonly socket?: string;
  readonly port?: number;
}

/** A question of the runbook, whose answer has to be the same from the restored copy. */
export interface DatabaseQuestion {
  readonly database: string;
  readonly sql: string;
}

/** What a server on the host says of itself. */
export interface DatabasesSeen {
  readonly product: DatabaseProduct;
  /** As it says it: `15.18`. */
  readonly version: string;
  /** Where its data lies on the host. */
  readonly directory: string;
  /** Every one that accepts connections and is no template nor the server's own, with its bytes on the disk. */
  readonly databases: readonly { readonly name: string; readonly bytes: number }[];
  /** Version of the program that would dump it; null where the host has none. */
  readonly tool: string | null;
  /** Sessions of others, at that moment. */
  readonly sessions: number;
}

/** Server programs on this machine, by which a copy can be proved. */
export interface ServersHere {
  readonly servers: readonly { readonly product: DatabaseProduct; readonly version: string; readonly folder: string }[];
  /** Why none of them can be started here whatever it is; null where one can. */
  readonly lack: string | null;
}

/** What a copy of databases keeps of them besides its files. */
export interface CopiedDatabases {
  readonly product: DatabaseProduct;
  readonly version: string;
  /** `bytes`: of the dump. `on_disk`: what the source takes for it. `rows`: of all tables, counted at the source in the moment of the dump. */
  readonly each: readonly {
    readonly name: string;
    readonly bytes: number;
    readonly on_disk: number;
    readonly tables: number;
    readonly rows: number;
  }[];
  /** How many answers of the source it keeps. */
  readonly asked: number;
  /** Sessions of others when the first dump began and when the last one had ended: each may have written meanwhile. */
  readonly sessions: { readonly before: number; readonly after: number };
}

/** A restored copy against what was counted and answered at the source. Names are the first 100. */
export interface DatabasesComparison {
  /** SHA-256 of the manifest that it was compared with. */
  readonly manifest: string;
  readonly databases: readonly string[];
  readonly tables: number;
  readonly rows: number;
  readonly answers: number;
  /** Empty where everything is equal: `app.public.orders: 10 rows there, 9 here`. */
  readonly differences: readonly string[];
  readonly count: number;
  /** The server that it was restored into. */
  readonly server: string;
}

/** What counts of a version when a dump of one is restored by another: 15 of 15.18, 9.6 of 9.6.24. */
export function releaseOf(version: string): string {
  const [first = '0', second = '0'] = version.split(/[^0-9]+/);
  return Number(first) >= 10 ? first : `${first}.${second}`;
}

/** Negative where the first release is the older one. */
export function compareReleases(a: string, b: string): number {
  const [a1 = 0, a2 = 0] = a.split('.').map(Number);
  const [b1 = 0, b2 = 0] = b.split('.').map(Number);
  return a1 - b1 || a2 - b2;
}

/** The server here that a copy is best restored by: of its own release, else the oldest that is newer. */
export function fitServer(
  here: ServersHere,
  product: DatabaseProduct,
  version: string,
): ServersHere['servers'][number] | undefined {
  const needed = releaseOf(version);
  const release = (s: { readonly version: string }): string => releaseOf(s.version);
  return here.servers
    .filter((s) => s.product === product && compareReleases(release(s), needed) >= 0)
    .sort((a, b) => compareReleases(release(a), release(b)))[0];
}
