import { mayStartWriters } from './may-start-writers.ts';
import type { Operation } from './operation.ts';

/**
 * Whether an operation is known to cut users of the host off: it stops a service, or cuts the network. Any command may, which nobody can tell; the
 * commands that are known to start nothing are those that stop.
 */
export const cutsOff = (operation: Operation): boolean =>
  operation.kind === 'network.cut' || (operation.kind === 'exec' && !mayStartWriters(operation));
