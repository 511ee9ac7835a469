import type { Bmc } from '../../core/ports.ts';
import { fail, type Result, type Seen, unseen } from '../../core/result.ts';

/**
 * A BMC that is only made when it is first asked: its password may be a question to a person or a command that takes time. Trouble with
 * that is the answer to every question, so an unreadable password is never "off".
 */
export function lateBmc(name: string, make: () => Promise<Result<Bmc>>): Bmc {
  let making: Promise<Result<Bmc>> | undefined;
  let notes: () => readonly string[] = () => [];
  const bmc = (): Promise<Result<Bmc>> => {
    making ??= make().then((made) => {
      if (made.ok) notes = made.value.notes;
      return made;
    });
    return making;
  };
  const ask = async <T>(question: (bmc: Bmc) => Promise<Seen<T>>): Promise<Seen<T>> => {
    const made = await bmc();
    return made.ok ? question(made.value) : unseen(made.error);
  };
  const tell = async (act: (bmc: Bmc) => Promise<Result<void>>): Promise<Result<void>> => {
    const made = await bmc();
    return made.ok ? act(made.value) : fail(made.error);
  };
  return {
    name,
    power: () => ask((made) => made.power()),
    identity: () => ask((made) => made.identity()),
    setPower: (want, how, signal) => tell((made) => made.setPower(want, how, signal)),
    indicator: () => ask((made) => made.indicator()),
    setIndicator: (want, signal) => tell((made) => made.setIndicator(want, signal)),
    restart: (signal) => tell((made) => made.restart(signal)),
    weaknesses: () => ask((made) => made.weaknesses()),
    notes: () => notes(),
    close: async () => {
      const made = await making;
      if (made?.ok) await made.value.close();
    },
  };
}
