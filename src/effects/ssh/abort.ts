import type { Command } from '../../core/ports.ts';
import { endTreeScript } from '../end-tree.ts';

/** What ends process group `group`; `grace` in milliseconds between TERM and KILL. */
export const killCommand = (group: number, grace: number): Command => ({
  argv: ['sh', '-c', endTreeScript, 'sh', String(group), String(Math.ceil(grace / 100))],
  root: false,
});
