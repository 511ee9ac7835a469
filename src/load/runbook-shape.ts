import type { Static } from 'typebox';
import * as Type from 'typebox';
import { ApprovalsShape } from '../core/approval.ts';
import { durationPattern } from '../core/duration.ts';
import { RecordOf } from '../core/record-of.ts';
import { WindowShape } from './window.ts';

const closed = { additionalProperties: false } as const;
const text = (description: string) => Type.String({ minLength: 1, description });

export const idPattern = '^[a-z0-9][a-z0-9-]{0,62}$';
const id = (description: string) =>
  Type.String({
    pattern: idPattern,
    patternErrorMessage: 'lower-case letters, digits and "-" (at most 63, the first no "-")',
    description,
  });
const duration = (description: string) =>
  Type.String({
    pattern: durationPattern,
    patternErrorMessage: 'a duration like 30s, 15m, 4h or 14d',
    description,
  });

/** A parameter as written. */
export const ParamShape = Type.Object(
  {
    type: Type.Enum(['string', 'integer', 'boolean', 'list', 'duration', 'secret'], {
      description:
        'What may be given. A list is one of texts; a secret is given as env:NAME, file:PATH or prompt:QUESTION.',
      enumDescriptions: [
        'A text, taken exactly as written.',
        'A whole number.',
        'true or false.',
        'A list of texts.',
        'A length of time: 30s, 15m, 4h, 14d.',
        'Where a secret is kept, never the secret itself.',
      ],
    }),
    description: Type.Optional(text('What it is for.')),
    required: Type.Optional(Type.Boolean({ description: 'It must be given. Default false.' })),
    default: Type.Optional(Type.Unknown({ description: 'The value where none is given.' })),
  },
  { ...closed, description: 'A parameter of the runbook.' },
);
export type ParamShape = Static<typeof ParamShape>;

/** A step as written; `with` is checked against its action in a pass of its own. */
export const StepShape = Type.Object(
  {
    id: id('The name of the step, unique in the whole runbook.'),
    title: Type.Optional(text('What people read. Default: what the action says of itself.')),
    uses: text('The action: the kind of step.'),
    with: Type.Optional(Type.Unknown({ description: 'What the action is given.' })),
    when: Type.Optional(text("A CEL expression, decided just before the step: facts.power == 'on'.")),
    needs: Type.Optional(
      Type.Array(Type.String({ minLength: 1 }), {
        minItems: 1,
        uniqueItems: true,
        description: 'Earlier steps that must be done and verified, not skipped.',
      }),
    ),
    timeout: Type.Optional(duration('Longest time for one attempt.')),
    retry: Type.Optional(
      Type.Object(
        {
          attempts: Type.Integer({ minimum: 2, maximum: 20, description: 'Attempts in all.' }),
          delay: duration('Time between two attempts.'),
        },
        { ...closed, description: 'Try again by itself after a failure.' },
      ),
    ),
    on_failure: Type.Optional(
      Type.Enum(['stop', 'ask', 'continue'], { description: 'What follows when it fails. Default stop.' }),
    ),
    window: Type.Optional(WindowShape),
    approvals: Type.Optional(ApprovalsShape),
  },
  { ...closed, description: 'One thing to do.' },
);
export type StepShape = Static<typeof StepShape>;

/** A phase without its steps' own shapes. */
export const PhaseShape = Type.Object(
  {
    phase: id('The name of the phase.'),
    title: Type.Optional(text('What people read. Default: the name.')),
    window: Type.Optional(WindowShape),
    steps: Type.Array(Type.Unknown(), { minItems: 1, description: 'The steps, in order.' }),
  },
  { ...closed, title: 'decom phase', description: 'An ordered part of a runbook.' },
);
export type PhaseShape = Static<typeof PhaseShape>;

/** Stands for a phase in a file of its own. */
export const UseShape = Type.Object(
  { use: text('A phase file, relative to this one.') },
  { ...closed, description: 'A phase that is kept in a file of its own.' },
);

/** A runbook without its phases' own shapes. */
export const RunbookShape = Type.Object(
  {
    decom: Type.Literal(1, { description: 'Version of this format.' }),
    name: id('The name of the runbook.'),
    title: Type.Optional(text('What people read. Default: the name.')),
    params: Type.Optional(
      RecordOf('^[a-z][a-z0-9_]{0,62}$', ParamShape, {
        additionalProperties: false,
        minProperties: 1,
        patternErrorMessage: 'Names are lower-case letters, digits and "_", a letter first.',
        description: 'What a run is given, by name.',
      }),
    ),
    window: Type.Optional(WindowShape),
    not_kept: Type.Optional(
      Type.Array(
        Type.Object(
          {
            path: Type.String({
              pattern: '^(/|(/[^/]+)+|zfs [^/\\s]\\S*)$',
              patternErrorMessage: 'where it is mounted (an absolute path), its device, or "zfs DATASET"',
              description:
                'The file system that is mounted there or, of one that is not mounted, its device. Never those mounted below it. No wildcards.',
            }),
            why: text('Why nothing of it is kept.'),
            by: text('Who decided so.'),
          },
          { ...closed, description: 'One file system that nothing of is kept.' },
        ),
        {
          minItems: 1,
          uniqueItems: true,
          description: 'File systems with data that no copy has to hold, each by itself.',
        },
      ),
    ),
    phases: Type.Array(Type.Unknown(), { minItems: 1, description: 'The phases, in order.' }),
  },
  { ...closed, title: 'decom runbook', description: 'How a server is retired.' },
);
export type RunbookShape = Static<typeof RunbookShape>;
