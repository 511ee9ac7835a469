import type { Operation } from './operation.ts';

/** Options of systemctl that have no value. */
const alone = new Set(['--no-ask-password', '--now', '--quiet', '-q', '--no-block', '--runtime', '--force', '-f']);
/** A program that is found by its name, or where the system keeps its own. */
const ofSystem = /^((\/usr)?\/s?bin\/)?[^/]+$/;
const stopping = new Set(['stop', 'disable', 'mask']);
/** Of init systems other than systemd: the words that stop a service or keep it from the boot, as `service.stop` writes them. */
const otherInits: { readonly [program: string]: RegExp } = {
  service: /^\S+ stop$/,
  'rc-service': /^\S+ stop$/,
  'update-rc.d': /^\S+ disable$/,
  chkconfig: /^\S+ off$/,
  'rc-update': /^del /,
  mv: /^-n -- \S+\/S(\d\d[^\s/]+) \S+\/K\1$/,
};

/**
 * Whether an operation could start something that writes on the host: any command could, and only those that stop units are known not to.
 * Copies only read, and what the BMC does shows as another boot.
 */
export function mayStartWriters(operation: Operation): boolean {
  if (operation.kind !== 'exec') return false;
  // Another PATH, and what runs is another program.
  if (operation.environment !== undefined) return true;
  const [program = '', ...words] = operation.argv;
  const at = program.lastIndexOf('/') + 1;
  if (program.slice(0, at).endsWith('/etc/init.d/')) return words.join(' ') !== 'stop';
  const stops = otherInits[program.slice(at)];
  if (stops !== undefined) return !(ofSystem.test(program) && stops.test(words.join(' ')));
  // What stands behind another option may be its value, and the verb one word further on: "-t stop start".
  return !(program === 'systemctl' && stopping.has(words.find((word) => !alone.has(word)) ?? ''));
}
