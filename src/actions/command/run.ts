import type { Static } from 'typebox';
import * as Type from 'typebox';
import { action } from '../../core/action.ts';
import { durationPattern, durationText, milliseconds } from '../../core/duration.ts';
import type { CommandSeen } from '../../core/probe.ts';
import { RecordOf } from '../../core/record-of.ts';
import { type Seen, trouble } from '../../core/result.ts';
import { SecretRef } from '../../core/secret.ts';

const Argv = (description: string) =>
  Type.Array(Type.String({ minLength: 1 }), { minItems: 1, maxItems: 1000, description });
const variable = '^[A-Za-z_][A-Za-z0-9_]*$';

const Input = Type.Object(
  {
    argv: Type.Optional(Argv('The program and its arguments; no shell reads them.')),
    shell: Type.Optional(
      Type.String({ minLength: 1, description: 'A script for sh. It gets values as "$1", "$2" … from "arguments".' }),
    ),
    arguments: Type.Optional(
      Type.Array(Type.String(), { minItems: 1, description: 'Values for the script: "$1" and on.' }),
    ),
    probe: Type.Object(
      {
        argv: Argv('Another program and its arguments, which shows whether the work is done. It changes nothing.'),
        exit: Type.Optional(
          Type.Integer({ minimum: 0, maximum: 255, description: 'The exit code that says so. Default 0.' }),
        ),
        stdout: Type.Optional(
          Type.String({ description: 'Its output must be exactly this (but for the last newline).' }),
        ),
        contains: Type.Optional(Type.String({ minLength: 1, description: 'Its output must contain this.' })),
        within: Type.Optional(
          Type.String({
            pattern: durationPattern,
            patternErrorMessage: 'a duration like 30s or 5m',
            description: 'How long it may take to hold. Default: at once.',
          }),
        ),
      },
      { additionalProperties: false, description: 'How it is known that the work is done.' },
    ),
    root: Type.Optional(Type.Boolean({ description: 'Run both as root. Default false.' })),
    directory: Type.Optional(
      Type.String({
        pattern: '^/',
        patternErrorMessage: 'an absolute path',
        description: 'Working folder on the host (absolute).',
      }),
    ),
    environment: Type.Optional(
      RecordOf(variable, Type.String(), {
        additionalProperties: false,
        patternErrorMessage: 'Names are letters, digits and "_", no digit first.',
        minProperties: 1,
        description: 'Environment variables of the command.',
      }),
    ),
    secrets: Type.Optional(
      RecordOf(variable, SecretRef, {
        additionalProperties: false,
        patternErrorMessage: 'Names are letters, digits and "_", no digit first.',
        minProperties: 1,
        description: 'Environment variables whose values are secret.',
      }),
    ),
  },
  { additionalProperties: false, description: 'Runs one command on the host, and another that proves it.' },
);

type Input = Static<typeof Input>;
type Facts = { readonly probe: Seen<CommandSeen> };

export const commandRun = action<typeof Input, Facts>({
  kind: 'command.run',
  about: 'Runs a command on the host and proves its work with another one.',
  effect: 'changes',
  once: true,
  irreversible: false,
  startsWriters: true,
  input: Input,
  literal: ['shell'],
  output: Type.Object({ exit: Type.Integer(), stdout: Type.String() }),

  check: (input) => {
    if ((input.argv === undefined) === (input.shell === undefined)) return 'give either "argv" or "shell"';
    if (input.arguments !== undefined && input.shell === undefined) return '"arguments" go with "shell"';
    if (input.probe.stdout !== undefined && input.probe.contains !== undefined) {
      return 'a probe has "stdout" or "contains", not both';
    }
    const twice = Object.keys(input.secrets ?? {}).find((name) => input.environment?.[name] !== undefined);
    if (twice !== undefined) return `${twice} is in "environment" and in "secrets"`;
    const same = JSON.stringify(argvOf(input)) === JSON.stringify(input.probe.argv);
    return same ? 'the probe is the command itself, so it proves nothing: give one that only looks' : undefined;
  },

  settledBy: ({ probe: { argv } }) => argv.join(' '),

  inspect: async (input, probe) => ({
    probe: await probe({ kind: 'command', argv: input.probe.argv, root: input.root ?? false }),
  }),

  plan: (input, facts) => {
    const holds = judge(input, facts.probe);
    if (!holds.known) return { blocked: holds.trouble };
    if (holds.value.holds) return [];
    const environment = { ...input.environment, ...input.secrets };
    return [
      {
        kind: 'exec',
        on: 'host',
        argv: argvOf(input),
        root: input.root ?? false,
        ...(input.directory === undefined ? {} : { directory: input.directory }),
        ...(Object.keys(environment).length === 0 ? {} : { environment }),
      },
    ];
  },

  foresee: () => ({ probe: { known: true, value: { exit: null, signal: null, stdout: '', stderr: '' } } }),

  settle: ({ probe }) => ({ within: milliseconds(probe.within ?? '') ?? 0, every: 1000 }),

  verify: (input, after) => {
    const holds = judge(input, after.probe);
    if (!holds.known) return { ok: false, trouble: holds.trouble };
    if (!holds.value.holds) {
      const { within } = input.probe;
      const wait = within === undefined ? '' : ` within ${durationText(milliseconds(within) ?? 0)}`;
      return {
        ok: false,
        trouble: trouble(
          'probe-does-not-hold',
          `the command ran, but its probe does not confirm it${wait}: ${holds.value.why}`,
          `Look on the host with: ${input.probe.argv.join(' ')}`,
        ),
      };
    }
    const { exit, stdout } = holds.value.seen;
    return {
      ok: true,
      output: { exit: exit ?? 0, stdout: stdout.slice(0, 4096) },
      evidence: [],
      said: `confirmed by: ${input.probe.argv.join(' ')}`,
    };
  },
});

/** A script's values are positional arguments: text that is spliced into a script becomes part of its program. */
const argvOf = ({ argv, shell, arguments: values = [] }: Input): readonly string[] =>
  argv ?? ['sh', '-c', shell ?? '', 'sh', ...values];

/** Bytes of output that a probe brings back at most. */
const limit = 65_536;

type Judged = { readonly holds: true; readonly seen: CommandSeen } | { readonly holds: false; readonly why: string };

/** Whether the probe's end is the one that proves the work; unknown where it could not be run at all. */
function judge({ probe }: Input, asked: Seen<CommandSeen>): Seen<Judged> {
  if (!asked.known) return asked;
  const { exit, signal, stdout, stderr } = asked.value;
  const wanted = probe.exit ?? 0;
  const no = (why: string): Seen<Judged> => ({ known: true, value: { holds: false, why } });
  // 126 and 127 are the shell's and sudo's words for "could not run it".
  if (signal !== null || ((exit === 126 || exit === 127) && exit !== wanted)) {
    return {
      known: false,
      trouble: trouble(
        'probe-did-not-run',
        `the probe "${probe.argv.join(' ')}" could not be run on the host (${signal ?? `exit ${exit}`})`,
        'Correct the probe of this step, or install the program it needs.',
        stderr.slice(0, 2000),
      ),
    };
  }
  if (exit !== wanted) return no(`exit ${exit ?? 'unknown'}, expected ${wanted}`);
  const holds: Seen<Judged> = { known: true, value: { holds: true, seen: asked.value } };
  if (probe.stdout !== undefined && stdout.replace(/\n$/, '') === probe.stdout.replace(/\n$/, '')) return holds;
  if (probe.contains !== undefined && stdout.includes(probe.contains)) return holds;
  if (probe.stdout === undefined && probe.contains === undefined) return holds;
  if (Buffer.byteLength(stdout) >= limit) {
    return {
      known: false,
      trouble: trouble(
        'probe-output-cut',
        `the probe "${probe.argv.join(' ')}" says more than ${limit} bytes, and what was looked for may be beyond`,
        'Give a probe that says less.',
      ),
    };
  }
  return no(
    `it says ${JSON.stringify(stdout.slice(0, 200))}, expected ${JSON.stringify(probe.stdout ?? probe.contains)}`,
  );
}
