import { version } from './version.ts';

// Whatever ends this process before a command has given its code is a bug: an event loop that ran dry must never look like success.
process.exitCode = 1;

const argv = process.argv.slice(2);
if (argv.length === 1 && (argv[0] === '--version' || argv[0] === '-V')) {
  process.stdout.write(`${version}\n`);
  process.exitCode = 0;
} else {
  import('./start.ts').then(({ start }) => start(argv));
}
