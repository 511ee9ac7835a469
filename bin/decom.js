#!/usr/bin/env node
'use strict';
const { existsSync } = require('node:fs');
const { join } = require('node:path');

const main = join(__dirname, '..', 'dist', 'cli', 'main.cjs');
if (existsSync(main)) {
  require(main);
} else {
  process.stderr.write(
    'decom: the program has not been built yet (dist/cli/main.cjs is missing).\nIn the checkout, run: npm ci && npm run build\n',
  );
  process.exitCode = 1;
}
