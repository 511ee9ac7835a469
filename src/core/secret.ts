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

/** Whatever has the form of a reference, anywhere in a value: of an inventory's entry, a runbook or a plan. */
export function secretRefsIn(value: unknown): readonly SecretRef[] {
  if (Array.isArray(value)) return value.flatMap(secretRefsIn);
  if (typeof value !== 'object' || value === null) return [];
  return isRef(value) ? [value] : Object.values(value).flatMap(secretRefsIn);
}

function isRef(value: object): value is SecretRef {
  const [only, ...others] = Object.entries(value);
  if (only === undefined || others.length > 0) return false;
  const [kind, where] = only as [string, unknown];
  if (kind === 'command') return Array.isArray(where) && where.every((word) => typeof word === 'string');
  return (kind === 'env' || kind === 'file' || kind === 'prompt') && typeof where === 'string';
}
