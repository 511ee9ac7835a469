import type { Readable } from 'node:stream';

/** Longer than any line about a socket; what a host sends beyond it in one line is dropped. */
const longest = 16 << 10;

/** Lines of a stream as UTF-8, with U+FFFD for what is not, as they come. A last one without its newline does not count: it was cut off. */
export async function* linesWithin(stream: Readable): AsyncIterable<string> {
  const decoder = new TextDecoder('utf-8', { ignoreBOM: true });
  let rest = '';
  for await (const chunk of stream as AsyncIterable<Buffer>) {
    const lines = (rest + decoder.decode(chunk, { stream: true })).split('\n');
    rest = (lines.pop() ?? '').slice(0, longest);
    yield* lines;
  }
}
