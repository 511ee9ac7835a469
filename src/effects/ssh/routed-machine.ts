import type { Machine } from '../../core/ports.ts';
import type { SshRoute } from './settings.ts';
import type { SshAround } from './target.ts';
import type { ChosenTransport } from './transport.ts';

/** A machine behind SSH as its route and the transport chosen for it say. Only what speaks is loaded. */
export async function routedMachine(route: SshRoute, chosen: ChosenTransport, deps: SshAround): Promise<Machine> {
  const { target, destination, config } = route;
  const settings = config === undefined ? { destination } : { destination, config };
  if (chosen.by === 'openssh') {
    const { opensshMachine } = await import('./openssh/machine.ts');
    return opensshMachine(target, settings, deps);
  }
  const { sshMachine } = await import('./machine.ts');
  if (!chosen.otherwise) return sshMachine(target, deps);
  return sshMachine(target, deps, async (patience, signal) => {
    const { openByProgram } = await import('./openssh/machine.ts');
    return openByProgram(target, settings, deps, patience, signal);
  });
}
