/** What a service's status command ended with and said, and what else was found that bears on it. */
export interface StatusSaid {
  readonly exit: number;
  readonly text: string;
  /** Processes that pidfiles name and that are alive: `1234 nginx`. */
  readonly alive: readonly string[];
  /** Pidfiles whose process is gone. */
  readonly dead: readonly string[];
  readonly lock: boolean;
}

export type Judged = { readonly active: string; readonly sub: string } | { readonly unclear: string };

/**
 * LSB: 0 runs, 1 dead with a pidfile, 2 dead with a lock file, 3 does not run, 4 unknown. Scripts lie: usage text with any code, 0
 * whatever is the case, 2 for a word that they do not know. So the code is believed only where nothing contradicts it, and, where others
 * use it for something else, only where something bears it out.
 */
export function judgeLsb({ exit, text, alive, dead, lock }: StatusSaid): Judged {
  const saysStopped = stopped.test(text);
  const saysRunning = !saysStopped && running.test(text);
  if (usage.test(text)) return { unclear: 'it answers with how it is used' };
  if (closed.test(text)) return { unclear: 'it may not look' };
  switch (exit) {
    case 0:
      if (saysStopped) return { unclear: 'it says that it does not run, and exits 0 as if it did' };
      if (alive.length > 0) return { active: 'active', sub: 'running' };
      if (dead.length > 0) return { unclear: `it exits 0, and the process of ${dead[0]} is gone` };
      return saysRunning ? { active: 'active', sub: 'running' } : { unclear: 'it exits 0, and nothing bears it out' };
    case 1:
    case 2:
    case 3: {
      if (alive.length > 0) return { unclear: `it exits ${exit}, and the process of a pidfile is alive: ${alive[0]}` };
      if (saysRunning) return { unclear: `it says that it runs, and exits ${exit}` };
      if (exit === 3) return { active: 'inactive', sub: 'dead' };
      const borneOut = saysStopped || (exit === 1 ? dead.length > 0 : lock);
      return borneOut ? { active: 'failed', sub: 'dead' } : { unclear: `it exits ${exit}, and nothing bears it out` };
    }
    default:
      return { unclear: `it exits ${exit}` };
  }
}

/** OpenRC: an exit code for each state, and `* status: STATE`; both have to agree. */
export function judgeOpenrc({ exit, text, alive, dead }: StatusSaid): Judged {
  const word = /status:\s*(\w+)/.exec(text)?.[1];
  const [state, active] = openrcStates[exit] ?? [];
  if (state === undefined || active === undefined || word !== state) return { unclear: `it exits ${exit}` };
  if ((active === 'inactive' || active === 'failed') && alive.length > 0) {
    return { unclear: `it is ${state}, and the process of a pidfile is alive: ${alive[0]}` };
  }
  // OpenRC goes by what it started, and does not always see that it died.
  if (active === 'active' && alive.length === 0 && dead.length > 0) {
    return { unclear: `it is ${state}, and the process of ${dead[0]} is gone` };
  }
  return { active, sub: state };
}

/** `inactive` of OpenRC waits for something and may start by itself, so it is not "stopped". */
const openrcStates: { readonly [exit: number]: readonly [string, string] } = {
  0: ['started', 'active'],
  3: ['stopped', 'inactive'],
  4: ['stopping', 'deactivating'],
  8: ['starting', 'activating'],
  16: ['inactive', 'activating'],
  32: ['crashed', 'failed'],
};

const usage = /\busage\b|\bunknown (command|option|action|argument)|\binvalid (command|option|action|argument)/i;
const closed = /permission denied|must be (run as |)root|operation not permitted/i;
const stopped = /\b(not running|is not (active|started|up)|stopped|inactive|dead|unused|down)\b|\bnot started\b/i;
const running = /\b(running|active|started|up|online|pids?:? ?\d+)\b/i;
