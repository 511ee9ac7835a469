import { setFlagsFromString } from 'node:v8';
import { version } from './version.ts';

// Whatever ends this process before a command has given its code is a bug: an event loop that ran dry must never look like success.
process.exitCode = 1;

const argv = process.argv.slice(2);
if (argv.length === 1 && (argv[0] === '--version' || argv[0] === '-V')) {
  process.stdout.write(`${version}\n`);
  process.exitCode = 0;
} else {
  // V8 compiles a function anew once it has run for a while. Most commands are over before that pays: it cost `validate` a third of
  // its time. What runs long is still compiled, later. Default: 132 KiB of bytecode. Later versions of V8 do not know the flag.
  if (process.versions.node.startsWith('20.')) setFlagsFromString('--interrupt-budget=1000000');
  const { start } = await import('./start.ts');
  await start(argv);
}
