import { type Fault, watch, watchedCalls } from './fault.ts';
import { dieOnce } from './first-death.ts';
import { lineName, nameOf } from './name-of.ts';
import type { Stage } from './stage.ts';
import type { Call } from './trace.ts';

/** Everything that the full matrix tries, counted in one whole run. */
export interface Points {
  readonly kinds: { readonly [kind: string]: readonly Fault[] };
  /** Names of all the places that the run comes to, by `nameOf`. */
  readonly places: ReadonlySet<string>;
}

const counted = (length: number): readonly number[] => Array.from({ length }, (_, i) => i + 1);

export async function allPoints(stage: Stage): Promise<Points> {
  await stage.reset();
  const { ended, trace } = await watch(stage, stage.begin, { everyThread: true });
  if (ended.code !== 0) throw new Error(`the run itself fails: ${ended.stdout}${ended.stderr}`);
  const main = trace.calls[0]?.thread;
  const mains = trace.calls.filter(({ thread, name }) => thread === main && isWatched(name));
  const faults = (does: 'kill' | 'power-cut' | 'EIO', of: readonly Call[]): readonly Fault[] =>
    of.map(({ name: call, nth }) => ({ does, call, nth }) as Fault);
  const lines = mains.filter(({ name, on }) => name === 'write' && on === stage.log).length;
  const writes = mains.filter(({ name, on }) => name === 'write' && on.startsWith(`${stage.bench.state}/`)).length;
  const full = (does: 'ENOSPC' | 'short'): readonly Fault[] =>
    counted(writes).map((nth) => ({ does, call: 'write', nth }));
  const kinds: Points['kinds'] = {
    'killed before a line is written': counted(lines).map((nth) => ({
      does: 'kill',
      call: 'write',
      nth,
      path: stage.log,
    })),
    'killed before a sync': faults('kill', mains.filter(isSync)),
    'killed before another change of files': faults(
      'kill',
      mains.filter((call) => !isSync(call) && !isSocket(call) && reachesOut(call) && call.on !== stage.log),
    ),
    'killed in a thread beside the main one': ofOtherThreads(trace.calls, stage),
    'killed in the session that goes on, before anything is new': await goingOn(stage),
    'the power is cut before a sync': faults('power-cut', mains.filter(isSync)),
    'a sync fails (EIO)': faults('EIO', mains.filter(isSync)),
    'the disk is full (ENOSPC)': full('ENOSPC'),
    'the disk takes half of a write, and is full': full('short'),
    'killed before a connection or a write to the host or its BMC': faults('kill', mains.filter(isSocket)),
  };
  return { kinds, places: new Set(mains.filter(reachesOut).map((call) => nameOf(call, trace.calls, stage))) };
}

const isWatched = (name: string): boolean => (watchedCalls as readonly string[]).includes(name);
const isSync = ({ name }: Call): boolean => name === 'fdatasync' || name === 'fsync';
const isSocket = ({ name, on }: Call): boolean => name === 'connect' || on.startsWith('TCP');

/** Not what threads of the program wake each other with, nor a write of nothing. */
const reachesOut = ({ name, on, args }: Call): boolean =>
  !name.includes('write') || !(on.startsWith('anon_inode') || on.startsWith('pipe') || args.endsWith('"", 0'));

/** Threads of the program itself that write files; what it starts has its own. */
function ofOtherThreads(calls: readonly Call[], { bench }: Stage): readonly Fault[] {
  const threads = new Set(
    calls.filter(({ name, args }) => name === 'clone3' && args.includes('CLONE_THREAD')).map(({ result }) => result),
  );
  const places = new Map<string, number>();
  for (const { thread, name, on, args } of calls) {
    if (!threads.has(thread) || !isWatched(name)) continue;
    const path = on.startsWith('/') ? on : /"(\/[^"]*)"/.exec(args)?.[1];
    if (path === undefined || !path.startsWith(bench.folder)) continue;
    const place = `${name} ${path}`;
    places.set(place, (places.get(place) ?? 0) + 1);
  }
  return [...places].flatMap(([place, times]) => {
    const [call = '', ...path] = place.split(' ');
    return counted(times).map((nth): Fault => ({ does: 'kill', call, nth, path: path.join(' ') }));
  });
}

/** Calls of the session after a death, until it has done what the first one died at. */
async function goingOn(stage: Stage): Promise<readonly Fault[]> {
  await dieOnce(stage);
  const { calls } = (await watch(stage, stage.goOn)).trace;
  const end = calls.findIndex(
    (call) => call.name === 'write' && call.on === stage.log && lineName(call) === 'step.verified (second)',
  );
  return calls
    .slice(0, end)
    .filter((call) => isWatched(call.name) && reachesOut(call))
    .map(({ name: call, nth }) => ({ does: 'kill', call, nth, goingOn: true }));
}
