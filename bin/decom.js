#!/usr/bin/env node
import { existsSync } from 'node:fs';

const main = new URL('../dist/cli/main.js', import.meta.url);
if (existsSync(main)) {
  await import(main.href);
} else {
  process.stderr.write(
    'decom: the program has not been built yet (dist/cli/main.js is missing).\nIn the checkout, run: npm ci && npm run build\n',
  );
  process.exitCode = 1;
}
