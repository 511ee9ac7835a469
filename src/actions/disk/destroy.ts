import type { Static } from 'typebox';
import * as Type from 'typebox';
import { action, type Setting, type Verdict } from '../../core/action.ts';
import { type DestroyHow, destroyHows } from '../../core/disk.ts';
import { type Trouble, trouble } from '../../core/result.ts';
import { type Answered, lastAnswer } from '../parts/answers.ts';

const Input = Type.Object(
  {
    disks: Type.Array(
      Type.Object(
        {
          serial: Type.String({ minLength: 1, maxLength: 200, description: 'As on its label.' }),
        },
        { additionalProperties: false, description: 'One disk.' },
      ),
      { minItems: 1, maxItems: 64, description: 'The disks, each by its serial.' },
    ),
    how: Type.Enum(Object.keys(destroyHows) as DestroyHow[], {
      description:
        'By which means (NIST SP 800-88, Destroy). Bending, drilling and degaussing leave data on flash: they are none.',
    }),
    why: Type.String({
      minLength: 1,
      maxLength: 500,
      description: 'Why they are not erased: what failed, or which rule wants it.',
    }),
    no_copy: Type.Optional(
      Type.Object(
        {
          by: Type.String({ minLength: 1, maxLength: 200, description: 'Who decided so.' }),
          why: Type.String({ minLength: 1, maxLength: 500, description: 'Why nothing of them is kept.' }),
        },
        {
          additionalProperties: false,
          description:
            'Nothing of the disks is kept, on purpose. Without it a proved copy of the host is demanded first.',
        },
      ),
    ),
  },
  { additionalProperties: false, description: 'Has disks destroyed, and keeps that on record.' },
);
type Input = Static<typeof Input>;

interface Facts {
  readonly answered: Answered | null;
}

const day = 86_400_000;

/** Two things are ticked of each disk: who read its label, and that it was destroyed, by whom. */
const items = ({ disks, how }: Input, host: string) =>
  disks.flatMap(({ serial }, i) => [
    {
      id: `serial-${i + 1}`,
      text: `Take the disk ${serial} of ${host} in your hand. Read the serial on its label, and give it as the note (at the terminal: y SERIAL)`,
    },
    {
      id: `destroyed-${i + 1}`,
      text: `Have the disk ${serial} ${destroyHows[how]} in front of a witness. Give as the note who did it, who saw it, and the number of their certificate`,
    },
  ]);

export const diskDestroy = action<typeof Input, Facts>({
  kind: 'disk.destroy',
  about:
    'Leads people through the destruction of disks that cannot be erased, and keeps on record who read each label, and who destroyed it.',
  // People destroy; the step leads them and keeps what they say. The disk may be seen by no kernel any more, and the host be off.
  effect: 'changes',
  once: false,
  irreversible: true,
  witnesses: 1,
  input: Input,
  output: Type.Object({ disks: Type.Array(Type.String()), by: Type.String() }),
  yields: ['disk.destroyed'],

  check: ({ disks }) => {
    const serials = disks.map(({ serial }) => serial);
    const twice = serials.find((serial, i) => serials.indexOf(serial) !== i);
    return twice === undefined ? undefined : `disk ${twice} is named twice`;
  },

  demands: ({ no_copy }) =>
    no_copy !== undefined
      ? []
      : [
          {
            kind: 'restore.proven',
            maxAge: 365 * day,
            after: 'writers.stopped',
            why: 'Without it, the last copy of the data could be destroyed.',
          },
        ],

  inspect: async (_input, _probe, past) => ({ answered: lastAnswer(past) }),

  foresee: () => ({ answered: null }),

  plan: (input, { answered }, setting) =>
    lacking(input, answered, setting) === undefined
      ? []
      : [
          {
            ...{ kind: 'ask', on: 'control', form: 'checklist' },
            title: `Disks of ${setting.host.name} that are ${destroyHows[input.how]}: ${input.why}`,
            items: items(input, setting.host.name),
          },
        ],

  verify: (input, { answered }, setting): Verdict => {
    const lacks = lacking(input, answered, setting);
    if (answered === null || lacks !== undefined) return { ok: false, trouble: lacks ?? unread('', setting) };
    const serials = input.disks.map(({ serial }) => serial);
    return {
      ok: true,
      output: { disks: serials, by: answered.by },
      evidence: serials.map((serial, i) => ({
        ...{ kind: 'disk.destroyed' as const, serial, how: input.how, why: whyOf(input), read_by: answered.by },
        said: noteOf(answered, `destroyed-${i + 1}`) ?? '',
      })),
      said: `${serials.join(', ')} ${destroyHows[input.how]}, says ${answered.by}`,
    };
  },
});

const whyOf = ({ why, no_copy }: Input): string =>
  no_copy === undefined ? why : `${why}; nothing of it is kept: ${no_copy.why} (${no_copy.by})`;

const noteOf = (answered: Answered, id: string): string | undefined =>
  answered.items.find((item) => item.id === id && item.done)?.note.trim();

/** What the answers lack; a label that was not read as the plan has it is another disk. */
function lacking({ disks, how }: Input, answered: Answered | null, setting: Setting): Trouble | undefined {
  for (const [i, { serial }] of disks.entries()) {
    const read = answered === null ? '' : (noteOf(answered, `serial-${i + 1}`) ?? '');
    if (read === '') return unread(serial, setting);
    if (read !== serial) return otherDisk(read, serial, setting);
    const done = answered === null ? '' : (noteOf(answered, `destroyed-${i + 1}`) ?? '');
    if (done === '') return undestroyed(serial, how, setting);
  }
  return undefined;
}

const unread = (serial: string, { host: { name } }: Setting): Trouble =>
  trouble(
    'label-unread',
    `nobody gave the serial on the label of disk ${serial}`,
    `Read it, and give it as the note; then: decom resume ${name}`,
  );

const otherDisk = (read: string, serial: string, { host: { name } }: Setting): Trouble =>
  trouble(
    'disk-mismatch',
    `the serial on the label is "${read}", and that of the disk to be destroyed is "${serial}"`,
    `Put that disk back where it was: it is another one. If it was only mistyped, it is asked for anew by: decom resume ${name}`,
  );

const undestroyed = (serial: string, how: DestroyHow, { host: { name } }: Setting): Trouble =>
  trouble(
    'not-destroyed',
    `nobody says by whom disk ${serial} was ${destroyHows[how]}`,
    `Until that is on record it holds data: keep it locked away. Then: decom resume ${name}`,
  );
