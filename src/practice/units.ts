import { type ChildProcess, spawn } from 'node:child_process';
import { send } from './processes.ts';

/** A unit of the practice machine: a service runs a program; a timer starts its service whenever it does not run. */
export interface UnitDefinition {
  readonly unit: string;
  readonly description: string;
  readonly argv?: readonly string[];
  readonly triggers?: string;
}

export interface UnitState {
  readonly definition: UnitDefinition;
  readonly active: 'active' | 'inactive' | 'failed' | 'deactivating';
  readonly sub: string;
  readonly enabled: 'enabled' | 'disabled' | 'masked';
  readonly pid: number;
}

/** The service manager of the practice machine. Enabled states survive `powerLost`, as they would on a disk. */
export interface Units {
  all(): readonly UnitState[];
  get(unit: string): UnitState | undefined;
  start(unit: string): void;
  /** SIGTERM to the whole group, SIGKILL after `patience` ms; returns when it is gone. */
  stop(unit: string): Promise<void>;
  set(unit: string, enabled: UnitState['enabled']): void;
  /** Starts what is enabled. */
  boot(): void;
  /** Stops everything in order. */
  shutdown(): Promise<void>;
  /** Forgets what ran: the power is gone, and the processes with it. */
  powerLost(): void;
}

const patience = 30_000;
const timerPeriod = 500;

export function createUnits(options: {
  readonly units: readonly UnitDefinition[];
  readonly environment: { readonly [name: string]: string };
  readonly directory: string;
  readonly started: (group: number) => void;
}): Units {
  const states = new Map<string, UnitState>();
  const running = new Map<string, ChildProcess>();
  const timers = new Map<string, NodeJS.Timeout>();
  for (const definition of options.units) {
    states.set(definition.unit, { definition, active: 'inactive', sub: 'dead', enabled: 'enabled', pid: 0 });
  }
  const change = (unit: string, to: Partial<UnitState>): void => {
    const state = states.get(unit);
    if (state) states.set(unit, { ...state, ...to });
  };
  const known = (unit: string): UnitState => {
    const state = states.get(unit);
    if (!state) throw new Error(`no unit ${unit}`);
    return state;
  };

  const start = (unit: string): void => {
    const { definition, active, enabled } = known(unit);
    if (active === 'active' || active === 'deactivating' || enabled === 'masked') return;
    const { triggers } = definition;
    if (triggers !== undefined) {
      const timer = setInterval(() => start(triggers), timerPeriod);
      timer.unref();
      timers.set(unit, timer);
      change(unit, { active: 'active', sub: 'waiting' });
      return;
    }
    const [program = 'true', ...rest] = definition.argv ?? [];
    const child = spawn(program, rest, {
      cwd: options.directory,
      env: { ...options.environment },
      detached: true,
      stdio: 'ignore',
    });
    if (child.pid === undefined) {
      child.on('error', () => change(unit, { active: 'failed', sub: 'failed', pid: 0 }));
      return;
    }
    options.started(child.pid);
    running.set(unit, child);
    change(unit, { active: 'active', sub: 'running', pid: child.pid });
    child.on('exit', (code) => {
      if (running.get(unit) !== child) return;
      running.delete(unit);
      const clean = code === 0 || known(unit).active === 'deactivating';
      change(unit, { active: clean ? 'inactive' : 'failed', sub: clean ? 'dead' : 'failed', pid: 0 });
    });
  };

  const stop = async (unit: string): Promise<void> => {
    const timer = timers.get(unit);
    if (timer) {
      clearInterval(timer);
      timers.delete(unit);
      change(unit, { active: 'inactive', sub: 'dead' });
      return;
    }
    const child = running.get(unit);
    if (child?.pid === undefined) return;
    const gone = new Promise((resolve) => child.once('exit', resolve));
    change(unit, { active: 'deactivating', sub: 'stop-sigterm' });
    send(-child.pid, 'SIGTERM');
    const harder = setTimeout(() => send(-(child.pid ?? 0), 'SIGKILL'), patience);
    await gone;
    clearTimeout(harder);
    // What the main process left behind in its group goes with it, as systemd ends a whole control group.
    send(-child.pid, 'SIGKILL');
  };

  return {
    all: () => [...states.values()],
    get: (unit) => states.get(unit),
    start,
    stop,
    set: (unit, enabled) => change(unit, { enabled }),
    boot: () => {
      for (const { definition, enabled } of states.values()) if (enabled === 'enabled') start(definition.unit);
    },
    shutdown: async () => {
      for (const unit of timers.keys()) await stop(unit);
      await Promise.all([...running.keys()].map(stop));
    },
    powerLost: () => {
      for (const timer of timers.values()) clearInterval(timer);
      timers.clear();
      running.clear();
      for (const unit of states.keys()) change(unit, { active: 'inactive', sub: 'dead', pid: 0 });
    },
  };
}
