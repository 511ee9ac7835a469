import { decodeName } from '../../core/mtree.ts';
import type { Machine, RemoteProcess } from '../../core/ports.ts';
import { fail, ok, type Result, type Trouble, trouble } from '../../core/result.ts';
import { type HashTool, hashFiles, hashInput } from './hash-tool.ts';
import { linesOf } from './lines.ts';

/** A second, independent read of the source: the host's own SHA-256 program, fed names in batches over one shell's stdin. */
export interface SourceHashes {
  /** The hashes of these files (encoded names), in order; undefined where the host could not read one. */
  hash(names: readonly string[]): Promise<Result<readonly (string | undefined)[]>>;
  /** Which of these files are not there any more. */
  gone(names: readonly string[]): Promise<Result<readonly boolean[]>>;
  close(): Promise<Result<void>>;
}

type Answers = readonly (string | undefined)[];

interface Batch {
  readonly names: readonly string[];
  /** Whether a line of output is the answer for a file, and which. */
  readonly read: (line: string, raw: string) => { readonly answer: string | undefined } | undefined;
  readonly settle: (result: Result<Answers>) => void;
}

/** Starts the shell. Batches are answered in order; several may be under way. */
export async function sourceHashes(
  machine: Machine,
  root: boolean,
  tool: HashTool,
  signal: AbortSignal,
  directory = '/',
): Promise<Result<SourceHashes>> {
  const started = await machine.start({ argv: ['env', 'LC_ALL=C', 'sh', '-s'], root }, { signal });
  if (!started.ok) return started;
  const process = started.value;
  const waiting: Batch[] = [];
  let broken: Trouble | undefined;
  let complaints = '';

  process.stderr.on('data', (chunk: Buffer) => {
    if (complaints.length < 4000) complaints += chunk.toString('latin1');
  });
  process.stdin.on('error', () => undefined);
  const reading = read(process, waiting).then(async (failure) => {
    const ended = await process.ended;
    if (ended.how === 'lost' || ended.how === 'aborted') broken = ended.trouble;
    else broken = failure ?? hashFailed(machine.name, complaints);
    for (const batch of waiting.splice(0)) batch.settle(fail(broken));
    return ended;
  });
  process.stdin.write(Buffer.from(`cd -- ${quote(Buffer.from(directory).toString('latin1'))} || exit\n`, 'latin1'));
  const ask = (names: readonly string[], script: string, read: Batch['read']): Promise<Result<Answers>> => {
    if (broken !== undefined) return Promise.resolve(fail(broken));
    return new Promise((settle) => {
      waiting.push({ names, read, settle });
      // The first echo ends a line that a program left open: the end of the batch has to stand alone.
      process.stdin.write(Buffer.from(`${script}echo\necho '${endOfBatch}'\n`, 'latin1'));
    });
  };

  return ok({
    hash: (names) => ask(names, hashScript(names, tool), readHash),
    async gone(names) {
      const answers = await ask(names, names.map(goneScript).join(''), (line) => ({ answer: line }));
      return answers.ok ? ok(answers.value.map((answer) => answer === 'gone')) : answers;
    },
    async close() {
      process.stdin.end();
      const ended = await reading;
      if (ended.how === 'exit') return ok(undefined);
      return fail(broken ?? hashFailed(machine.name, complaints));
    },
  });
}

const hashFailed = (name: string, detail: string): Trouble =>
  trouble('hash-failed', `the shell that takes hashes on ${name} ended early`, 'Try again.', detail.slice(0, 2000));

const endOfBatch = 'end of batch';

/** Programs print names differently where these are in them; such a file is hashed from stdin, on its own. */
const awkward = /[\\\n\r]/;

function hashScript(names: readonly string[], tool: HashTool): string {
  let script = '';
  let together: string[] = [];
  const flush = (): void => {
    if (together.length > 0) script += `${hashFiles[tool]} ${together.join(' ')} </dev/null\n`;
    together = [];
  };
  for (const name of names) {
    const raw = decodeName(name);
    const quoted = quote(raw);
    if (awkward.test(raw)) {
      flush();
      script += `${hashInput[tool]} <${quoted} || echo unread\n`;
    } else {
      together.push(quoted);
    }
  }
  flush();
  return script;
}

const quote = (raw: string): string => `'${raw.replaceAll("'", "'\\''")}'`;

function goneScript(name: string): string {
  const quoted = quote(decodeName(name));
  return `if [ -e ${quoted} ] || [ -L ${quoted} ]; then echo there; else echo gone; fi\n`;
}

function readHash(line: string, raw: string): { readonly answer: string | undefined } | undefined {
  const hash = /^[0-9a-f]{64}(?= )/.exec(line)?.[0];
  const matches = awkward.test(raw) ? hash !== undefined || line === 'unread' : line.slice(66) === raw;
  return matches ? { answer: hash } : undefined;
}

/** Matches what is printed with what was asked. Names come back in order, but those that failed are left out. */
async function read(process: RemoteProcess, waiting: Batch[]): Promise<Trouble | undefined> {
  let at = 0;
  let found: (string | undefined)[] = [];
  try {
    for await (const line of linesOf(process.stdout)) {
      const batch = waiting[0];
      if (batch === undefined) return trouble('hash-failed', `an answer that nobody asked for: ${line}`, 'Try again.');
      if (line === endOfBatch) {
        while (found.length < batch.names.length) found.push(undefined);
        waiting.shift();
        batch.settle(ok(found));
        at = 0;
        found = [];
        continue;
      }
      while (at < batch.names.length) {
        const read = batch.read(line, decodeName(batch.names[at] ?? ''));
        at++;
        found.push(read?.answer);
        if (read !== undefined) break;
      }
    }
    return undefined;
  } catch (error) {
    return trouble('connection-lost', 'the connection was cut while hashes were taken', 'Try again.', String(error));
  }
}
