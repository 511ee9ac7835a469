import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';
import { type FakeMachine, type FakeMachineOptions, fakeMachine } from '../../fakes/machine.ts';

/** A machine on which these programs (sh scripts) come first on the PATH. Removed with the test. */
export function machineWith(
  programs: { readonly [name: string]: string },
  options: FakeMachineOptions = {},
): FakeMachine {
  const folder = mkdtempSync(join(tmpdir(), 'decom-stand-ins-'));
  for (const [name, script] of Object.entries(programs)) {
    writeFileSync(join(folder, name), `#!/bin/sh\n${script}\n`, { mode: 0o755 });
  }
  const machine = fakeMachine({ path: `${folder}:${process.env.PATH}`, ...options });
  onTestFinished(async () => {
    await machine.close();
    rmSync(folder, { recursive: true, force: true });
  });
  return machine;
}
