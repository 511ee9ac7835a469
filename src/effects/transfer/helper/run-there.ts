import { once } from 'node:events';
import { posix } from 'node:path';
import { belowFolder } from '../../../core/helper.ts';
import { fail, ok, type Result, trouble } from '../../../core/result.ts';
import type { HelperMachine } from '../deps.ts';
import { hearStderr, type ProgramEnd, type ProgramOptions } from '../program.ts';
import { workScript } from './work-script.ts';

/**
 * Runs a long program in the folder of a helper; it ends when the connection does. `into`: a file on the helper that its output is
 * written to, in whose folder it runs; what comes here is then how long that file is.
 */
export async function runThere(
  helper: HelperMachine,
  argv: readonly [string, ...string[]],
  options: ProgramOptions & { readonly into?: string },
): Promise<Result<ProgramEnd>> {
  const { signal, into } = options;
  const below = belowFolder(helper, into === undefined ? helper.folder : posix.dirname(into));
  if (!below.ok) return below;
  const out = into === undefined ? '' : posix.basename(into);
  const process = await helper.machine.start(
    { argv: ['sh', '-c', workScript, 'sh', helper.folder, below.value, out, ...argv], root: false },
    signal === undefined ? {} : { signal },
  );
  if (!process.ok) return process;
  const { ended, stdin, stdout, stderr } = process.value;
  stdin.on('error', () => undefined);
  const said = hearStderr(stderr, options.stderrLine);
  stdout.on('data', options.stdout ?? (() => undefined));
  const end = await ended;
  stdin.end();
  for (const stream of [stdout, stderr]) if (!stream.readableEnded && !stream.destroyed) await ending(stream);
  if (end.how === 'lost' || end.how === 'aborted') return fail(end.trouble);
  const code = end.how === 'exit' ? end.code : null;
  if (code === 127) {
    const what = `${helper.name} has no ${argv[0]}`;
    return fail(trouble('tool-missing', what, `Install ${options.pkg} there, then try again.`, said.text()));
  }
  return ok({ code, stderr: said.text() });
}

const ending = (stream: NodeJS.ReadableStream): Promise<unknown> =>
  Promise.race([once(stream, 'end'), once(stream, 'close')]).catch(() => undefined);
