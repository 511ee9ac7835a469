import { literally, relative, type Selection } from './selection.ts';
import type { SourceTools } from './source-tools.ts';

/** What writes an archive of the selection to stdout at the source, as well as the tar there can. */
export function tarCommand(tools: SourceTools, selection: Selection): readonly string[] {
  const options = tools.tar === 'bsd' ? ['--format=pax'] : tools.tarOptions;
  const exclude = selection.exclude.map(relative);
  const left =
    tools.tar === 'gnu'
      ? exclude.length === 0
        ? []
        : ['--anchored', '--no-wildcards', ...exclude.map((path) => `--exclude=${path}`)]
      : exclude.map((path) => `--exclude=${literally(path)}`);
  return [
    'env',
    'LC_ALL=C',
    'tar',
    '-c',
    '-f',
    '-',
    ...options,
    ...left,
    '-C',
    '/',
    '--',
    ...selection.from.map(relative),
  ];
}
