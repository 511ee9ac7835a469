import type { Bmc } from '../../core/ports.ts';
import { fail, type Result, unseen } from '../../core/result.ts';

/**
 * A BMC that is only made when it is first asked: its password may be a question to a person or a command that takes time. Trouble with
 * that is the answer to every question, so an unreadable password is never "off".
 */
export function lateBmc(name: string, make: () => Promise<Result<Bmc>>): Bmc {
  let making: Promise<Result<Bmc>> | undefined;
  const bmc = (): Promise<Result<Bmc>> => {
    making ??= make();
    return making;
  };
  return {
    name,
    power: async () => {
      const made = await bmc();
      return made.ok ? made.value.power() : unseen(made.error);
    },
    identity: async () => {
      const made = await bmc();
      return made.ok ? made.value.identity() : unseen(made.error);
    },
    setPower: async (want, how, signal) => {
      const made = await bmc();
      return made.ok ? made.value.setPower(want, how, signal) : fail(made.error);
    },
    close: async () => {
      const made = await making;
      if (made?.ok) await made.value.close();
    },
  };
}
