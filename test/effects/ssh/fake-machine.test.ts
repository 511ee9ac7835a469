import { machineContract } from '../../contracts/machine.ts';
import { fakeMachine } from '../../fakes/machine.ts';

machineContract('the fake machine', async () => ({ machine: fakeMachine(), close: async () => undefined }));
