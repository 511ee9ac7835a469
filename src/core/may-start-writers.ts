import type { Operation } from './operation.ts';

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
  const [program = '', ...words] = operation.argv;
  const at = program.lastIndexOf('/') + 1;
  if (program.slice(0, at).endsWith('/etc/init.d/')) return words.join(' ') !== 'stop';
  const stops = otherInits[program.slice(at)];
  if (stops !== undefined) return !stops.test(words.join(' '));
  return !(program === 'systemctl' && stopping.has(words.find((word) => !word.startsWith('-')) ?? ''));
}
