import type { Breach } from '../core/chain.ts';
import type { Recorded } from '../core/event.ts';
import { type RunFold, runFolding } from '../core/fold.ts';
import type { RunFolder } from '../core/ports.ts';
import { logReader, type Reading } from '../core/read-log.ts';
import { type ReferredBlob, referredBlob } from '../core/referred-blobs.ts';
import { ok, type Result } from '../core/result.ts';
import { type Seals, sealReader } from '../core/seal.ts';
import type { PassedAt } from './audit-gates.ts';
import type { TakenAt } from './audit-statements.ts';
import { wantedReader } from './audit-wanted.ts';
import type { HeadKept } from './kept-heads.ts';

export interface WalkOptions {
  /** The hash of a head that was kept elsewhere. */
  readonly head?: string;
  /** Heads of this run that later ones recorded. */
  readonly kept?: readonly HeadKept[];
  /** Is told every good line, in order. */
  readonly visit?: (event: Recorded) => void;
}

/** What one walk through the bytes of a log comes to. */
export interface Walk extends Reading {
  readonly run: RunFold;
  readonly seals: Seals;
  /** Each file in `out/` that good lines refer to, by the first of them. */
  readonly referred: readonly ReferredBlob[];
  readonly statements: readonly TakenAt[];
  /** Where a gate let a step pass because of what people said. */
  readonly passed: readonly PassedAt[];
  /** The first line by which a step went on without the approvals that its plan wants. */
  readonly unapproved: Breach | undefined;
  /** The first line whose hash is `head`. */
  readonly anchored: number | undefined;
  /** Those of `kept` that the log holds. */
  readonly held: ReadonlySet<HeadKept>;
}

/**
 * Reads a log once, a part at a time. Beside that part, memory is taken only by what is handed back, which grows with the sessions of the
 * log, with what people said in it and with the files it refers to, and not with its lines.
 */
export async function walkLog(folder: RunFolder, first: string, options: WalkOptions): Promise<Result<Walk>> {
  const { head, kept = [], visit } = options;
  const run = runFolding();
  const seals = sealReader('sessions');
  const referred = new Map<string, ReferredBlob>();
  const statements: TakenAt[] = [];
  const passed: PassedAt[] = [];
  const wanted = wantedReader(folder);
  const held = new Set<HeadKept>();
  let anchored: number | undefined;
  const reader = logReader(first, run, (line) => {
    const { recorded, hash } = line;
    seals.take(line);
    const blob = referredBlob(recorded);
    const key = blob === undefined ? '' : `${blob.sha256} ${blob.bytes}`;
    if (blob !== undefined && !referred.has(key)) referred.set(key, { line: line.line, blob });
    for (const one of kept) if (one.size === line.line && one.hash === hash) held.add(one);
    if (hash === head) anchored ??= line.line;
    if (recorded.type === 'statement.taken') statements.push({ line: line.line, event: recorded });
    if (recorded.type === 'gate.approved' || recorded.type === 'gate.waived') {
      const { intent, drivers } = run.execution();
      passed.push({ line: line.line, event: recorded, of: { intent, drivers } });
    }
    wanted.take(line.line, recorded);
    visit?.(recorded);
  });
  for (let more = true; more; ) {
    const bytes = folder.log(reader.at);
    if (!bytes.ok) return bytes;
    more = reader.take(bytes.value);
  }
  const whole = await seals.end();
  const sealed = whole.breach === undefined ? ok(whole) : await firstUnlike(folder, first);
  if (!sealed.ok) return sealed;
  return ok({
    ...reader.reading(),
    ...{ run: run.execution(), seals: sealed.value, referred: [...referred.values()] },
    ...{ statements, passed, unapproved: wanted.breach(), anchored, held },
  });
}

/** The signatures of a log that holds one that is not right, with the first such line named. */
async function firstUnlike(folder: RunFolder, first: string): Promise<Result<Seals>> {
  const seals = sealReader('each');
  const reader = logReader(first, { add: () => true }, (line) => seals.take(line));
  for (let more = true; more; await seals.settled()) {
    const bytes = folder.log(reader.at);
    if (!bytes.ok) return bytes;
    more = reader.take(bytes.value);
  }
  return ok(await seals.end());
}
