import type { Claim, ClaimSeen } from '../core/claim.ts';
import type { Operation } from '../core/operation.ts';
import type { Result, Trouble } from '../core/result.ts';
import { trouble } from '../core/result.ts';
import type { Executor } from './executor.ts';
import type { Journal } from './journal.ts';

type Holding = { readonly executor: Pick<Executor, 'claims'>; readonly journal: Journal };

/**
 * Whether the host is this run's to act on; looked at before every act, because somebody may have taken it over meanwhile. A host that cannot
 * be asked is no reason against an act of its BMC: it may hang, or be off.
 */
export async function holdClaim(on: Holding, operation: Operation, n: number): Promise<Trouble | undefined> {
  const { claims } = on.executor;
  if (claims === undefined) return undefined;
  switch (operation.kind) {
    case 'exec':
    case 'disk.free':
    case 'disk.erase':
    case 'copy.archive':
    case 'copy.rsync':
    case 'copy.databases':
    case 'network.cut':
    case 'network.reopen':
      return judged(on, await claims.take());
    case 'bmc.power':
    case 'bmc.reset': {
      // A host that is going down must not be waited for between two acts of one step.
      if (n > 0) return undefined;
      const seen = await claims.take();
      return seen.ok || seen.error.code.startsWith('claim-') ? judged(on, seen) : undefined;
    }
    default:
      return undefined;
  }
}

function judged({ journal }: Holding, seen: Result<ClaimSeen>): Trouble | undefined {
  if (!seen.ok) return seen.error;
  if (seen.value.claim === 'other') return claimed(journal.execution.host, seen.value.of);
  if (seen.value.claim === 'taken') journal.record({ type: 'host.claimed', where: seen.value.where });
  return undefined;
}

export const claimed = (host: string, { run, operator, control, at }: Claim): Trouble =>
  trouble(
    'claimed',
    `${host} is claimed by run ${run} of ${operator} on ${control}, since ${at}`,
    `Ask ${operator}. If that run is over or lost for good: --take-over ${run} --take-over-reason TEXT`,
  );

interface Starting extends Holding {
  readonly operator: string;
}

/**
 * Claims the host at the start of a session, where it can be reached. `over` names the run whose claim is put away: on record before it is
 * done.
 */
export async function startClaim(
  on: Starting,
  over: { readonly run: string; readonly by: string; readonly reason: string } | undefined,
): Promise<Trouble | undefined> {
  const { claims } = on.executor;
  const seen = await claims?.take();
  // Not reachable now: looked at again before the first act.
  if (claims === undefined || seen === undefined || (!seen.ok && !seen.error.code.startsWith('claim-')))
    return undefined;
  if (!seen.ok || seen.value.claim !== 'other') return judged(on, seen);
  const { of: was } = seen.value;
  // Of one state folder only one run of a host is open at a time, so this one has ended, and could not reach the host when it did.
  const ended =
    was.state === claims.state ? { run: was.run, reason: `run ${was.run}, of the same state folder, has ended` } : over;
  if (ended?.run !== was.run) return judged(on, seen);
  on.journal.record({ type: 'claim.taken-over', was, by: over?.by ?? on.operator, reason: ended.reason });
  return judged(on, await claims.takeOver(was.run));
}

/** Why a real run could not begin on the host; a rehearsal claims nothing. */
export async function claimSeen({
  executor,
  journal,
}: Pick<Starting, 'executor' | 'journal'>): Promise<Trouble | undefined> {
  const seen = await executor.claims?.look();
  return seen?.ok && seen.value.claim === 'other' ? claimed(journal.execution.host, seen.value.of) : undefined;
}
