import { readdirSync, readFileSync } from 'node:fs';
import { defineConfig } from 'vitest/config';

const lab = new URL('test/lab/', import.meta.url);

/** What boots the virtual machine. */
const machine = readdirSync(lab)
  .filter((file) => file.endsWith('.test.ts') && readFileSync(new URL(file, lab), 'utf8').includes('startVm('))
  .map((file) => `test/lab/${file}`);

/**
 * `fast` needs nothing but Node and runs anywhere; `program` drives the built program on the practice machine, through tools that look at it from
 * outside; `lab` needs a real sshd, BMC simulator and namespaces, and `machine` a virtual machine too. `program` and `machine` run one file at a time, `lab` two: its
 * files wait more than they compute, and what each makes on this computer (servers, ports, accounts, network namespaces) is named after its process.
 */
export default defineConfig({
  test: {
    projects: [
      {
        test: {
          name: 'fast',
          include: ['test/**/*.test.ts'],
          exclude: ['test/lab/**', 'test/program/**'],
          // Nothing here takes long: this is only for what hangs, however slow the machine.
          testTimeout: 300_000,
          hookTimeout: 300_000,
          pool: 'forks',
        },
      },
      {
        test: {
          name: 'program',
          include: ['test/program/**/*.test.ts'],
          fileParallelism: false,
          testTimeout: 600_000,
          hookTimeout: 600_000,
          pool: 'forks',
        },
      },
      {
        test: {
          name: 'lab',
          include: ['test/lab/**/*.test.ts'],
          exclude: machine,
          maxWorkers: 2,
          // Of tests that say they may: hosts that keep decom waiting for as long as it is patient.
          maxConcurrency: 8,
          sequence: { groupOrder: 1 },
          testTimeout: 600_000,
          hookTimeout: 600_000,
          pool: 'forks',
        },
      },
      {
        test: {
          name: 'machine',
          include: machine,
          fileParallelism: false,
          testTimeout: 600_000,
          hookTimeout: 600_000,
          pool: 'forks',
        },
      },
    ],
  },
});
