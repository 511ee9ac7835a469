import type { Acts } from '../../core/act.ts';
import type { OperationHandlers, Perform, Probe, ProbeHandlers } from '../../core/action.ts';
import type { Operation, Outcome } from '../../core/operation.ts';
import type { Machine } from '../../core/ports.ts';
import { type Seen, trouble, unseen } from '../../core/result.ts';
import type { BmcProbe } from '../../effects/bmc/handlers.ts';
import type { Redactor } from '../../effects/redaction/redactor.ts';

/** A machine whose programs end with the signal. */
export const endedBy = (machine: Machine, signal: AbortSignal): Machine => {
  const withSignal = <O extends { readonly signal?: AbortSignal }>(options: O | undefined) => ({
    ...options,
    signal: options?.signal === undefined ? signal : AbortSignal.any([signal, options.signal]),
  });
  return {
    ...machine,
    exec: (command, options) => machine.exec(command, withSignal(options)),
    start: (command, options) => machine.start(command, withSignal(options)),
  };
};

/** A BMC may take half a minute to answer, and leaves nothing running when nobody waits for it. */
export function givenUpBy(
  probes: Pick<ProbeHandlers, BmcProbe>,
  signal: AbortSignal | undefined,
): Pick<ProbeHandlers, BmcProbe> {
  if (signal === undefined) return probes;
  const unless = <T>(ask: () => Promise<Seen<T>>): Promise<Seen<T>> => {
    if (signal.aborted) return Promise.resolve(unseen(givenUp));
    return new Promise((resolve, reject) => {
      const stop = () => resolve(unseen(givenUp));
      signal.addEventListener('abort', stop, { once: true });
      ask()
        .then(resolve, reject)
        .finally(() => signal.removeEventListener('abort', stop));
    });
  };
  return {
    power: (question) => unless(() => probes.power(question)),
    'bmc.identity': (question) => unless(() => probes['bmc.identity'](question)),
    'bmc.indicator': (question) => unless(() => probes['bmc.indicator'](question)),
    'bmc.weaknesses': (question) => unless(() => probes['bmc.weaknesses'](question)),
  };
}

const givenUp = trouble('aborted', 'the BMC was not waited for: it was stopped here', 'Go on with: decom resume');

/**
 * The table's type ties each handler to its question; a union cannot be told so, hence the casts. What a program of the host printed, what
 * stands in its tables, and why something could not be asked, may hold a secret: it is taken out here, before anything is shown, kept, or
 * handed to a later step.
 */
export const probeBy =
  (handlers: ProbeHandlers, redactor: Redactor): Probe =>
  async (question, context) => {
    const told = ['command', 'host.survey', 'host.use'].includes(question.kind);
    const handler = handlers[question.kind] as (q: typeof question, c: typeof context) => ReturnType<Probe>;
    const answer = await handler(question, context);
    if (!answer.known) return bounded(redactor.redactIn(answer)) as never;
    return (told ? redactor.redactIn(answer) : answer) as never;
  };

/** What a program printed comes back through here as well. */
export const actsBy = (jobs: Acts, redactor: Redactor): Acts => ({
  prepare: async (operation, place) => bounded(redactor.redactIn(await jobs.prepare(operation, place))),
  recall: async (operation, act, context) => bounded(redactor.redactIn(await jobs.recall(operation, act, context))),
  forget: (run) => jobs.forget(run),
});

export const performBy =
  (handlers: OperationHandlers, redactor: Redactor): Perform =>
  async (operation, context) => {
    if (operation.kind === 'ask' || operation.kind === 'wait')
      throw new Error(`the engine itself does "${operation.kind}"`);
    const handler = handlers[operation.kind] as (o: Operation, c: typeof context) => Promise<Outcome>;
    return bounded(redactor.redactIn(await handler(operation, context)));
  };

/** Greatest length in bytes of one text of an outcome, written as JSON: several of them have to find room in one line of the log. */
const longestText = 8192;

/** With every text cut that is longer: a machine may say as much as it likes, and must not end the run by that. */
function bounded<T>(value: T): T {
  const within = (inner: unknown): unknown => {
    if (typeof inner === 'string') return cut(inner);
    if (Array.isArray(inner)) return inner.map(within);
    if (typeof inner !== 'object' || inner === null) return inner;
    return Object.fromEntries(Object.entries(inner).map(([key, one]) => [key, within(one)]));
  };
  return within(value) as T;
}

function cut(text: string): string {
  let kept = text.slice(0, longestText);
  while (Buffer.byteLength(JSON.stringify(kept)) > longestText) kept = kept.slice(0, Math.ceil(kept.length * 0.7));
  return kept.length === text.length ? text : `${kept.toWellFormed()}…`;
}
