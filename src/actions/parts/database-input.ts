import type { Static } from 'typebox';
import * as Type from 'typebox';
import type { DatabaseAccess, DatabaseServer } from '../../core/databases.ts';
import { badKeep, KeepShape } from '../../core/keep.ts';
import { placeOf, placePattern } from '../../core/place.ts';
import { keptOutput } from './backup-input.ts';

const Name = (description: string) => Type.String({ minLength: 1, maxLength: 64, description });

const fieldsOf = (login: string, socket: string) => ({
  to: Type.String({
    pattern: placePattern,
    patternErrorMessage: 'an absolute path here',
    description:
      'The folder here that holds all copies (a mounted vault, or a disk). Absolute; it has to be there already. Helpers keep no copies of databases yet.',
  }),
  keep: Type.Optional(KeepShape),
  databases: Type.Optional(
    Type.Array(Name('Name of a database.'), {
      minItems: 1,
      uniqueItems: true,
      description:
        'Which databases. Default: every one that accepts connections, but for templates and the server’s own.',
    }),
  ),
  user: Type.Optional(
    Type.String({
      pattern: '^[a-z_][a-z0-9_.-]{0,31}$',
      patternErrorMessage: 'the name of a login',
      description: `The login of the host that the server takes for its administrator without a password. Default ${login}.`,
    }),
  ),
  socket: Type.Optional(
    Type.String({
      pattern: '^/',
      patternErrorMessage: 'an absolute path',
      description: `${socket} Default: the server’s own.`,
    }),
  ),
  port: Type.Optional(
    Type.Integer({ minimum: 1, maximum: 65_535, description: 'Port of the server. Default: the server’s own.' }),
  ),
  ask: Type.Optional(
    Type.Array(
      Type.Object(
        {
          database: Name('The database that is asked.'),
          sql: Type.String({
            pattern: '^\\s*([Ss][Ee][Ll][Ee][Cc][Tt]|[Ww][Ii][Tt][Hh])\\b[^;]*$',
            patternErrorMessage: 'one SELECT without ";"',
            description: 'One SELECT, without ";". Give it an ORDER BY where the order of its rows counts.',
          }),
        },
        {
          additionalProperties: false,
          description: 'A question, whose answer has to be the same from the restored copy.',
        },
      ),
      {
        minItems: 1,
        description: 'Questions that are asked at the source in the moment of the dump, and of the restored copy.',
      },
    ),
  ),
});

export const PostgresInput = Type.Object(fieldsOf('postgres', 'The folder of its socket.'), {
  additionalProperties: false,
  description: 'Dumps databases of a PostgreSQL server on the host into a folder of their own here.',
});

export type DatabaseInput = Static<typeof PostgresInput>;

export const DatabaseOutput = Type.Object({
  backup: Type.String(),
  databases: Type.Integer(),
  tables: Type.Integer(),
  rows: Type.Integer(),
  bytes: Type.Integer(),
  manifest: Type.String(),
  ...keptOutput,
});

/** What a schema cannot say of such an input. */
export function databaseComplaint({ to, databases, ask = [], keep }: DatabaseInput): string | undefined {
  if (placeOf(to).on !== 'control') {
    return `"to" is ${to}: a helper cannot keep copies of databases yet. Name a folder here, and have it copied from there`;
  }
  const term = badKeep(keep);
  if (databases === undefined || term !== undefined) return term;
  const stranger = ask.find(({ database }) => !databases.includes(database));
  return stranger === undefined
    ? undefined
    : `"ask" asks "${stranger.database}", which is not among "databases": it would not be copied`;
}

export const accessOf = (
  server: DatabaseServer,
  login: string,
  { user = login, socket, port }: DatabaseInput,
): DatabaseAccess => ({
  server,
  user,
  ...(socket === undefined ? {} : { socket }),
  ...(port === undefined ? {} : { port }),
});
