import type { ProbeHandlers } from '../../core/action.ts';
import type { Machine } from '../../core/ports.ts';
import { commandProbe } from './command.ts';
import { disksProbe, samplesProbe } from './disks.ts';
import { identityProbe } from './identity.ts';
import { networkProbe } from './network.ts';
import { pathsProbe } from './paths.ts';
import { serviceProbe } from './service.ts';
import { storageProbe } from './storage.ts';
import { surveyProbe, useProbe } from './survey.ts';
import { toolsProbe } from './tools.ts';
import { watchProbe } from './watch.ts';

export { claimsOn } from './claims.ts';
export { diskHandlers } from './disks.ts';
export { execHandlers } from './exec.ts';
export { jobsOn } from './jobs.ts';
export { networkHandlers } from './network.ts';

/** Milliseconds until a host that does not answer counts as not reachable. */
const reachableWithin = 5000;

type HostProbe =
  | 'host.identity'
  | 'host.survey'
  | 'host.use'
  | 'host.storage'
  | 'host.connections'
  | 'host.disks'
  | 'disk.samples'
  | 'host.reachable'
  | 'host.tools'
  | 'host.paths'
  | 'service'
  | 'command'
  | 'network';

/** Everything that is asked of the host itself. */
export const hostProbes = (machine: Machine): Pick<ProbeHandlers, HostProbe> => ({
  'host.identity': identityProbe(machine),
  'host.survey': surveyProbe(machine),
  'host.use': useProbe(machine),
  'host.storage': storageProbe(machine),
  'host.connections': watchProbe(machine),
  'host.disks': disksProbe(machine),
  'disk.samples': samplesProbe(machine),
  'host.reachable': () => machine.reachable(reachableWithin),
  'host.tools': toolsProbe(machine),
  'host.paths': pathsProbe(machine),
  service: serviceProbe(machine),
  command: commandProbe(machine),
  network: networkProbe(machine),
});
