import * as Type from 'typebox';
import { action } from '../../src/core/action.ts';

const day = 86_400_000;

/** Destroys what is on the disks with these serials, as far as a fake world has any: it demands what an erase has to demand. */
export const destroy = action({
  kind: 'test.destroy',
  about: 'Destroys.',
  effect: 'destroys',
  once: true,
  irreversible: true,
  input: Type.Object({ disks: Type.Array(Type.String()) }),
  demands: ({ disks }) => [
    { kind: 'identity.confirmed', maxAge: day, disks, why: 'Without it, another disk could be erased.' },
    { kind: 'writers.stopped', maxAge: 30 * day, why: 'Without it, something could still write.' },
    {
      ...{ kind: 'restore.proven', maxAge: 7 * day, after: 'writers.stopped', covers: 'file-systems' },
      why: 'Without it, the last copy of the data could be destroyed.',
    },
  ],
  inspect: async () => ({}),
  plan: () => [{ kind: 'exec', on: 'host', argv: ['append', '/destroyed'], root: true }],
  verify: () => ({ ok: true, output: {}, evidence: [], said: 'destroyed' }),
});
