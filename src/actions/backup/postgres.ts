import { action } from '../../core/action.ts';
import {
  type DatabaseAfter,
  type DatabaseFacts,
  examineDatabases,
  inspectDatabases,
  planDatabases,
  remarksOnDatabases,
  verifyDatabases,
} from '../parts/database-copies.ts';
import {
  accessOf,
  type DatabaseInput,
  DatabaseOutput,
  databaseComplaint,
  PostgresInput,
} from '../parts/database-input.ts';

const access = (input: DatabaseInput) => accessOf('postgres', 'postgres', input);

export const backupPostgres = action<typeof PostgresInput, DatabaseFacts, DatabaseAfter>({
  kind: 'backup.postgres',
  about:
    'Dumps databases of a PostgreSQL server, its logins and their rights into a folder here, with the rows of each table as of the moment of the dump.',
  effect: 'adds',
  once: false,
  irreversible: false,
  input: PostgresInput,
  written: ['ask'],
  check: databaseComplaint,
  output: DatabaseOutput,

  inspect: (input, probe, _past, setting) => inspectDatabases(input, access(input), probe, setting),

  remarks: remarksOnDatabases,

  plan: (input, facts, setting) => planDatabases(input, access(input), facts, setting),

  examine: (input, _receipts, context, setting) => examineDatabases(input, context, setting),

  verify: (input, after, setting) => verifyDatabases(input, access(input), after, setting),
});
