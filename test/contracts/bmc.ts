import { afterEach, describe, expect, it } from 'vitest';
import type { Bmc } from '../../src/core/ports.ts';

/** A machine with a BMC, real or not. `bmc` makes a client for it; the options put that client at a disadvantage. */
export interface BmcWorld {
  readonly guid: string;
  readonly serial: string;
  bmc(client?: { readonly password?: string; readonly closedPort?: boolean }): Bmc;
  power(): Promise<'on' | 'off'>;
  /** How often the machine's power was touched. */
  touched(): Promise<number>;
  light(): Promise<'on' | 'off'>;
  /** It has a light and cannot read it back. */
  readonly blindToLight?: boolean;
  /** How often the BMC was told to start anew. Absent where that leaves no trace. */
  restarts?(): Promise<number>;
  stop(): Promise<void>;
}

export interface BmcWorldOptions {
  readonly guid?: string;
  readonly power?: 'on' | 'off';
  readonly refuses?: 'soft';
}

const never = new AbortController().signal;

/** What every BMC adapter promises, run over the fake, the simulator and the real thing. */
export function bmcContract(name: string, make: (options?: BmcWorldOptions) => Promise<BmcWorld>): void {
  describe(`${name}, as a BMC`, () => {
    const open: { stop(): Promise<void> }[] = [];
    const world = async (options?: BmcWorldOptions): Promise<BmcWorld> => {
      const made = await make(options);
      open.push(made);
      return made;
    };
    const client = (of: BmcWorld, options?: Parameters<BmcWorld['bmc']>[0]): Bmc => {
      const bmc = of.bmc(options);
      open.push({ stop: () => bmc.close() });
      return bmc;
    };
    afterEach(async () => {
      for (const one of open.splice(0).reverse()) await one.stop();
    });

    it('tells whether the machine is on or off', async () => {
      expect(await client(await world({ power: 'on' })).power()).toEqual({ known: true, value: 'on' });
      expect(await client(await world({ power: 'off' })).power()).toEqual({ known: true, value: 'off' });
    });

    it('cuts the power, and sees it gone', async () => {
      const machine = await world({ power: 'on' });
      const bmc = client(machine);
      expect(await bmc.setPower('off', 'hard', never)).toEqual({ ok: true, value: undefined });
      await until(machine, 'off');
      expect(await bmc.power()).toEqual({ known: true, value: 'off' });
    });

    it('asks the operating system to power off', async () => {
      const machine = await world({ power: 'on' });
      expect(await client(machine).setPower('off', 'soft', never)).toEqual({ ok: true, value: undefined });
      await until(machine, 'off');
    });

    it('switches the power on again', async () => {
      const machine = await world({ power: 'off' });
      expect(await client(machine).setPower('on', 'hard', never)).toEqual({ ok: true, value: undefined });
      await until(machine, 'on');
    });

    it('says that a soft power-off was declined, and the machine stays on', async () => {
      const machine = await world({ power: 'on', refuses: 'soft' });
      const result = await client(machine).setPower('off', 'soft', never);
      expect(result).toMatchObject({
        ok: false,
        error: { code: expect.stringMatching(/^bmc-(declined|not-allowed)$/) },
      });
      expect(await machine.power()).toBe('on');
    });

    it('switches the locator light, and says whether it is on or that it cannot', async () => {
      const machine = await world({ power: 'off' });
      const bmc = client(machine);
      for (const want of ['on', 'off'] as const) {
        expect(await bmc.setIndicator(want, never)).toEqual({ ok: true, value: undefined });
        await expect.poll(() => machine.light(), { timeout: 240_000 }).toBe(want);
        expect(await bmc.indicator()).toMatchObject(
          machine.blindToLight === true
            ? { known: false, trouble: { code: 'bmc-cannot-tell' } }
            : { known: true, value: want },
        );
      }
      expect(await machine.power()).toBe('off');
    });

    it('starts the BMC anew, and the machine goes on', async () => {
      const machine = await world({ power: 'on' });
      expect(await client(machine).restart(never)).toEqual({ ok: true, value: undefined });
      if (machine.restarts !== undefined) expect(await machine.restarts()).toBe(1);
      expect(await machine.power()).toBe('on');
    });

    it('names the GUID of its machine in both byte orders, and the serial', async () => {
      const machine = await world({ guid: 'a1b2c3d4-0506-4708-890a-0b0c0d0e0f10' });
      const identity = await client(machine).identity();
      if (!identity.known) throw new Error(identity.trouble.what);
      const { guid, guid_swapped, serial } = identity.value;
      expect(guid).toEqual({ known: true, value: 'a1b2c3d4-0506-4708-890a-0b0c0d0e0f10' });
      expect(guid_swapped).toMatchObject({ known: true });
      expect(guid_swapped).not.toEqual(guid);
      expect(serial).toEqual({ known: true, value: machine.serial });
    });

    it('names the GUID of another machine as it is', async () => {
      const identity = await client(await world({ guid: 'ffeeddcc-bbaa-4988-b766-554433221100' })).identity();
      expect(identity).toMatchObject({
        known: true,
        value: { guid: { known: true, value: 'ffeeddcc-bbaa-4988-b766-554433221100' } },
      });
    });

    it('takes a refused login for neither on nor off, and repeats no password', async () => {
      const machine = await world({ power: 'off' });
      const bmc = client(machine, { password: 'wrong-horse' });
      const answers = [
        await bmc.power(),
        await bmc.identity(),
        await bmc.indicator(),
        await bmc.setPower('on', 'hard', never),
        await bmc.setIndicator('on', never),
        await bmc.restart(never),
      ];
      const unknown = { known: false, trouble: { code: 'bmc-refused' } };
      const failed = { ok: false, error: { code: 'bmc-refused' } };
      expect(answers).toMatchObject([unknown, unknown, unknown, failed, failed, failed]);
      expect(JSON.stringify(answers)).not.toContain('wrong-horse');
      expect(await machine.touched()).toBe(0);
    });

    it('takes no answer for neither on nor off, and waits for none for long', async () => {
      const machine = await world({ power: 'off' });
      const bmc = client(machine, { closedPort: true });
      for (const ask of [() => bmc.power(), () => bmc.identity()]) {
        const began = performance.now();
        expect(await ask()).toMatchObject({ known: false, trouble: { code: 'bmc-no-answer' } });
        expect(performance.now() - began).toBeLessThan(100_000);
      }
      expect(await bmc.setPower('on', 'hard', never)).toMatchObject({ ok: false, error: { code: 'bmc-no-answer' } });
    });

    it('sends nothing once it was stopped', async () => {
      const machine = await world({ power: 'on' });
      const result = await client(machine).setPower('off', 'hard', AbortSignal.abort());
      expect(result).toMatchObject({ ok: false, error: { code: 'aborted' } });
      const bmc = client(machine);
      const aborted = { ok: false, error: { code: 'aborted' } };
      expect(await bmc.setIndicator('on', AbortSignal.abort())).toMatchObject(aborted);
      expect(await bmc.restart(AbortSignal.abort())).toMatchObject(aborted);
      expect(await machine.touched()).toBe(0);
      expect(await machine.power()).toBe('on');
      expect(await machine.light()).toBe('off');
    });

    it('can be closed twice', async () => {
      const bmc = (await world()).bmc();
      await bmc.close();
      await bmc.close();
    });
  });
}

async function until(machine: BmcWorld, want: 'on' | 'off'): Promise<void> {
  const deadline = performance.now() + 240_000;
  while ((await machine.power()) !== want) {
    if (performance.now() > deadline) throw new Error(`the machine did not go ${want}`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}
