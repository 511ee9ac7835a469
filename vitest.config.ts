import { defineConfig } from 'vitest/config';

/**
 * `fast` needs nothing but Node and runs anywhere; `lab` needs a real sshd, BMC and virtual machine, and runs one file at a time
 * because those share ports and two cores.
 */
export default defineConfig({
  test: {
    projects: [
      {
        test: {
          name: 'fast',
          include: ['test/**/*.test.ts'],
          exclude: ['test/lab/**'],
          testTimeout: 20_000,
          pool: 'forks',
        },
      },
      {
        test: {
          name: 'lab',
          include: ['test/lab/**/*.test.ts'],
          fileParallelism: false,
          testTimeout: 600_000,
          hookTimeout: 600_000,
          pool: 'forks',
        },
      },
    ],
  },
});
