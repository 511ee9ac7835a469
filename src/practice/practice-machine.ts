import { randomBytes } from 'node:crypto';
import { type Computer, startComputer } from './computer.ts';
import { startRedfishBmc } from './redfish/redfish-bmc.ts';

/** A machine to practise on: a computer and the BMC that holds its power. */
export interface PracticeMachine extends Computer {
  readonly bmc: {
    readonly address: string;
    readonly port: number;
    readonly user: string;
    readonly password: string;
    /** SHA-256 of its certificate, `sha256:<hex>`. */
    readonly pin: string;
  };
}

/** Starts a practice computer below `folder`, with a Redfish BMC of its own whose power switch really ends it. */
export async function startPracticeMachine(options: { readonly folder: string }): Promise<PracticeMachine> {
  const computer = await startComputer(options);
  const { serial, uuid } = computer.identity;
  const user = 'admin';
  const password = randomBytes(12).toString('base64url');
  const bmc = await startRedfishBmc({ serial, uuid, user, password, power: computer.power });
  return {
    ...computer,
    bmc: { address: '127.0.0.1', port: bmc.port, user, password, pin: bmc.pin },
    close: async () => {
      await computer.close();
      await bmc.close();
    },
  };
}
