import type { Static } from 'typebox';
import * as Type from 'typebox';

/** Where a secret is kept. Only the reference ever stands in a runbook, a plan or a journal. */
export const SecretRef = Type.Object(
  {
    env: Type.Optional(Type.String({ minLength: 1, description: 'Name of an environment variable that holds it.' })),
    file: Type.Optional(
      Type.String({ minLength: 1, description: 'A file (mode 0600) whose first line is the secret.' }),
    ),
    command: Type.Optional(
      Type.Array(Type.String(), {
        minItems: 1,
        description: 'A program and its arguments; its first line of output is it.',
      }),
    ),
    prompt: Type.Optional(Type.String({ minLength: 1, description: 'The question to ask a person at the terminal.' })),
  },
  {
    additionalProperties: false,
    minProperties: 1,
    maxProperties: 1,
    description: 'One of env, file, command, prompt.',
  },
);
export type SecretRef = Static<typeof SecretRef>;

/** A secret value in memory. It prints as `[redacted]` everywhere; only `reveal` gives it up. */
export interface Secret {
  reveal(): string;
  toJSON(): string;
  toString(): string;
}

export function secret(value: string): Secret {
  const hidden = () => '[redacted]';
  return Object.freeze({ reveal: () => value, toJSON: hidden, toString: hidden });
}
