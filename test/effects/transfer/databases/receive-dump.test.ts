import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { PassThrough } from 'node:stream';
import { expect, test } from 'vitest';
import type { Ended, Machine } from '../../../../src/core/ports.ts';
import { ok, trouble } from '../../../../src/core/result.ts';
import { receiveDump } from '../../../../src/effects/transfer/databases/receive-dump.ts';
import { fakeMachine } from '../../../fakes/machine.ts';
import { context, deps, temporary } from '../fixture.ts';

test('a stream that is cut before anybody knows that the connection is lost is no trouble of a disk', async () => {
  const here = temporary();
  mkdirSync(join(here.path, 'dumps'));
  const machine: Machine = {
    ...fakeMachine({ name: 'web01' }),
    start: async (_command, options) => {
      const stdout = new PassThrough();
      stdout.write('PGDMP');
      setImmediate(() => stdout.destroy());
      const stderr = new PassThrough();
      // The program is ended from here before the other end is missed.
      const ended = new Promise<Ended>((resolve) => {
        const why = trouble('aborted', 'it was ended', 'Again.');
        options?.signal?.addEventListener('abort', () => resolve({ how: 'aborted', trouble: why }));
      });
      return ok({ stdin: new PassThrough(), stdout, stderr, ended });
    },
  };
  const receiving = {
    deps: deps(machine),
    context: context(),
    folder: join(here.path, 'dumps'),
    server: 'PostgreSQL on web01',
  };
  const command = { argv: ['pg_dump'], root: false };
  expect(await receiveDump(receiving, '0.dump', command, { what: 'dumping app', database: 'app' })).toMatchObject({
    ok: false,
    error: { code: 'connection-lost', what: 'the stream from web01 was cut' },
  });
  here.remove();
});
