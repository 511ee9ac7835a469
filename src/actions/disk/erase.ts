import type { Static } from 'typebox';
import * as Type from 'typebox';
import { action, type Past, type Verdict } from '../../core/action.ts';
import { type DiskSeen, type DisksSeen, diskOf, type Technique, techniqueFor, useWords } from '../../core/disk.ts';
import { eraseSeed, type ReadBack, samplePlaces } from '../../core/disk-samples.ts';
import { durationPattern, milliseconds } from '../../core/duration.ts';
import type { OperationOf, Receipt } from '../../core/operation.ts';
import type { SamplesSeen } from '../../core/probe.ts';
import { type Seen, type Trouble, trouble } from '../../core/result.ts';
import { runOf } from '../parts/isolation.ts';

const Disk = Type.Object(
  {
    serial: Type.String({
      minLength: 1,
      maxLength: 200,
      description: 'As on its label, and as lsblk -o SERIAL tells it.',
    }),
    wwn: Type.Optional(Type.String({ minLength: 1, maxLength: 200, description: 'Its WWN, compared as well.' })),
  },
  { additionalProperties: false, description: 'One disk.' },
);

const Input = Type.Object(
  {
    disks: Type.Array(Disk, {
      minItems: 1,
      maxItems: 64,
      description: 'The disks, each by its serial; hosts.yaml lists them too.',
    }),
    level: Type.Enum(['clear', 'purge'], {
      description:
        'How thoroughly (NIST SP 800-88). A disk that cannot be brought to it is refused, never erased less thoroughly.',
    }),
    free: Type.Optional(
      Type.Boolean({
        description:
          'Take away what is on the disks first: mounts, swap, encryption, volume groups, arrays, where all of it is on disks of this step. Default false: such a disk is refused.',
      }),
    ),
    verify: Type.Optional(
      Type.Enum(['sampled', 'full'], { description: 'Read back a tenth of it, or all. Default sampled.' }),
    ),
    proof_age: Type.Optional(
      Type.String({
        pattern: durationPattern,
        patternErrorMessage: 'a duration like 12h or 7d',
        description: 'How old the restore proof may be, counted from its manifest. Default 7d.',
      }),
    ),
  },
  { additionalProperties: false, description: 'Erases disks of the host.' },
);

type Input = Static<typeof Input>;
type Facts = { readonly disks: Seen<DisksSeen>; readonly frees: boolean };
type Erase = OperationOf<'disk.erase'>;

/** One disk after its erase: what was done, and what was read. */
interface Erased {
  readonly erase: Erase;
  readonly receipt: Receipt;
  readonly read: Seen<SamplesSeen>;
}

const day = 86_400_000;
const howOf = ({ verify }: Input): ReadBack => verify ?? 'sampled';

export const diskErase = action<typeof Input, Facts, readonly Erased[]>({
  kind: 'disk.erase',
  about: 'Erases disks, each told by its serial, and reads them back to prove it.',
  effect: 'destroys',
  // It could be repeated, but not while it still runs: the host keeps the act, so that it is found again and never begun twice at once.
  once: true,
  irreversible: true,
  input: Input,
  output: Type.Object({ disks: Type.Array(Type.String()), level: Type.Enum(['clear', 'purge']) }),
  yields: ['disk.erased'],

  check: ({ disks }) => {
    const serials = disks.map(({ serial }) => serial);
    const twice = serials.find((serial, i) => serials.indexOf(serial) !== i);
    return twice === undefined ? undefined : `disk ${twice} is named twice`;
  },

  settledBy: ({ disks }) =>
    `the first and last bytes of ${disks.map(({ serial }) => serial).join(', ')}, and whether dd still runs`,

  demands: ({ disks, proof_age }) => [
    {
      kind: 'identity.confirmed',
      maxAge: day,
      disks: disks.map(({ serial }) => serial),
      why: 'Without it, the disks of another machine could be erased.',
    },
    {
      kind: 'writers.stopped',
      maxAge: 30 * day,
      why: 'Without it, something could still write data that is in no copy.',
    },
    {
      kind: 'restore.proven',
      maxAge: (proof_age === undefined ? undefined : milliseconds(proof_age)) ?? 7 * day,
      after: 'writers.stopped',
      covers: 'file-systems',
      why: 'Without it, the last copy of the data could be destroyed.',
    },
  ],

  inspect: async ({ disks, free = false }, probe) => ({
    frees: free,
    disks: await probe({ kind: 'host.disks', serials: disks.map(({ serial }) => serial) }),
  }),

  // An earlier step of the run may well unmount it: what is on a disk stops nobody from planning, and the host refuses in the command that would erase.
  remarks: ({ disks, frees }) =>
    disks.known
      ? disks.value.disks
          .filter(({ uses }) => uses.length > 0)
          .map(
            ({ serial, name, uses }) =>
              `disk ${serial} (${name} now) is ${uses.map(useWords).join('; ')}. ${frees ? 'That is taken away before it is erased, or nothing is.' : 'It is not erased until that is gone; write "free: true" into the step, or let a step before it take it away.'}`,
          )
      : [],

  plan: (input, { disks }, setting) => {
    const { host, step } = setting;
    if (!disks.known) return { blocked: disks.trouble };
    const erases: Erase[] = [];
    for (const named of input.disks) {
      const disk = diskOf(named, disks.value, host.name);
      if (isTrouble(disk)) return { blocked: disk };
      const technique = techniqueFor(disk, input.level);
      if (isTrouble(technique)) return { blocked: technique };
      const seed = eraseSeed(runOf(setting), step, disk.serial);
      const { serial, wwn, size, sector } = disk;
      const verify = howOf(input);
      if (verify === 'sampled' && samplePlaces(seed, size, sector) === undefined) return { blocked: small(serial) };
      erases.push({ kind: 'disk.erase', on: 'host', serial, wwn, size, sector, technique, seed, verify });
    }
    if (input.free !== true) return erases;
    const freed = erases.map(({ serial, wwn, size }) => ({ serial, wwn, size }));
    return [{ kind: 'disk.free', on: 'host', disks: freed }, ...erases];
  },

  examine: async (input, _receipts, { probe, past }) => {
    const erased: Erased[] = [];
    for (const { serial } of input.disks) {
      const last = lastOf(past, serial);
      if (last === undefined) continue;
      const { erase, receipt } = last;
      const { wwn, size, sector, seed, verify } = erase;
      const read = await probe({ kind: 'disk.samples', serial, wwn, size, sector, seed, how: verify });
      erased.push({ erase, receipt, read });
    }
    return erased;
  },

  verify: (input, after, { host }): Verdict => {
    const failed = (t: Trouble): Verdict => ({ ok: false, trouble: t });
    const found = input.disks.map(({ serial }) => after.find(({ erase }) => erase.serial === serial));
    const evidence = [];
    for (const [i, one] of found.entries()) {
      const serial = input.disks[i]?.serial ?? '';
      const ended = /^erased (\d+) (\d+) (.+)$/m.exec(String(one?.receipt.stdout_tail ?? ''));
      if (one === undefined || ended === null) return failed(unseenEnd(serial, host.name));
      const { erase, read } = one;
      if (!read.known) return failed(read.trouble);
      if (read.value.other > 0) return failed(notErased(serial, read.value, host.name));
      const [, started, finished, tool = ''] = ended;
      evidence.push({
        ...{ kind: 'disk.erased' as const, serial, ...(erase.wwn === '' ? {} : { wwn: erase.wwn }) },
        ...{ level: input.level, technique: erase.technique, tool, size: erase.size },
        ...{ verified: erase.verify, seed: erase.seed, places: read.value.places, bytes_read: read.value.bytes },
        ...{ started: timeOf(started), ended: timeOf(finished) },
      });
    }
    const serials = input.disks.map(({ serial }) => serial);
    return {
      ok: true,
      output: { disks: serials, level: input.level },
      evidence,
      said: `${input.level}: ${evidence.map(({ serial, bytes_read, places }) => `${serial} (${bytes_read} bytes in ${places} places read back: nothing but zeroes, and the canary is gone)`).join(', ')}`,
    };
  },
});

const isTrouble = (one: DiskSeen | Technique | Trouble): one is Trouble => typeof one === 'object' && 'fix' in one;

/** The last erase of a disk in this run that was seen to end well. */
function lastOf(past: Past, serial: string): { readonly erase: Erase; readonly receipt: Receipt } | undefined {
  const last = past.done.findLast(({ operation: o }) => o.kind === 'disk.erase' && o.serial === serial);
  return last?.operation.kind === 'disk.erase' ? { erase: last.operation, receipt: last.receipt } : undefined;
}

const timeOf = (seconds: string | undefined): string => new Date(Number(seconds) * 1000).toISOString();

const small = (serial: string): Trouble =>
  trouble(
    'disk-too-small',
    `disk ${serial} is too small to be read by sampling`,
    'Write "verify: full" into the step.',
  );

const unseenEnd = (serial: string, host: string): Trouble =>
  trouble(
    'erase-unseen',
    `nobody saw the erase of disk ${serial} end`,
    `Whether ${host} still writes to it: look there (dd). Then erase it in a new run, or have it destroyed, on record.`,
  );

const notErased = (serial: string, { other, first, bytes }: SamplesSeen, host: string): Trouble =>
  trouble(
    'not-erased',
    `disk ${serial} was erased without an error, and is not: ${other} of ${bytes} bytes read back are not zero, the first of them in the place that begins at byte ${first ?? 0}`,
    `Do not trust this disk of ${host}: it holds data. Have it destroyed, on record; or find out what lied, and erase it in a new run.`,
  );
