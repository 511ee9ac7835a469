import type { Operation } from './operation.ts';

const stopping = new Set(['stop', 'disable', 'mask']);

/**
 * Whether an operation could start something that writes on the host: any command could, and only those that stop units are known not to.
 * Copies only read, and what the BMC does shows as another boot.
 */
export function mayStartWriters(operation: Operation): boolean {
  if (operation.kind !== 'exec') return false;
  const [program, ...words] = operation.argv;
  return !(program === 'systemctl' && stopping.has(words.find((word) => !word.startsWith('-')) ?? ''));
}
