import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';
import { exit } from '../src/cli/exit.ts';
import { runProgram } from '../src/cli/program.ts';

const root = fileURLToPath(new URL('..', import.meta.url));
const readme = readFileSync(join(root, 'README.md'), 'utf8');
const documents = [
  'README.md',
  'CONTRIBUTING.md',
  'SECURITY.md',
  'docs/ARCHITECTURE.md',
  'docs/dictionary.md',
  'docs/dependencies.md',
  'docs/helpers.md',
  'docs/actions.md',
  'docs/audit-format.md',
  'docs/people.md',
  'docs/windows.md',
  'docs/scream-test.md',
  'docs/safety.md',
  'docs/in-use.md',
  'docs/survey.md',
  'docs/coverage.md',
  'docs/databases.md',
  'docs/erase.md',
  'docs/dead-host.md',
];

/** Command lines in fenced blocks of shell, one simple command each. */
function commandLines(markdown: string): readonly string[] {
  return [...markdown.matchAll(/^```(?:sh|console)\n(.*?)^```$/gms)].flatMap(([, block = '']) =>
    block
      .replaceAll('\\\n', ' ')
      .split(/\n|&&|\|/)
      .map((line) =>
        line
          .replace(/(^|\s)#.*$/, '')
          .replace(/^\s*\$ /, '')
          .trim(),
      )
      .filter((line) => line !== ''),
  );
}

const words = (line: string): readonly string[] => line.match(/(?:"[^"]*"|'[^']*'|[^\s"'])+/g) ?? [];
const decomLines = commandLines(readme).filter((line) => words(line)[0] === 'decom');

/** What `decom … --help` prints. */
async function helpOf(command: readonly string[]): Promise<string> {
  const { write } = process.stdout;
  let text = '';
  process.stdout.write = (chunk: string | Uint8Array): boolean => {
    text += String(chunk);
    return true;
  };
  try {
    expect(await runProgram([...command, '--help'])).toBe(exit.done);
  } finally {
    process.stdout.write = write;
  }
  return text;
}

describe('the README', () => {
  test('shows the commands of the whole way', () => {
    const shown = new Set(decomLines.map((line) => words(line)[1]));
    for (const command of ['init', 'host', 'validate', 'plan', 'run', 'resume', 'status', 'report', 'audit']) {
      expect(shown).toContain(command);
    }
  });

  test.each(decomLines)('%s is a command with these options', async (line) => {
    const [, ...given] = words(line);
    const path = given[0] === 'host' || given[0] === 'audit' ? given.slice(0, 2) : given.slice(0, 1);
    const help = await helpOf(path);
    if (!path.some((word) => word.startsWith('-'))) expect(help).toContain(`Usage: decom ${path.join(' ')}`);
    const options = given.filter((word) => word.startsWith('-')).map((word) => word.replace(/=.*$/s, ''));
    for (const option of options) expect(help, option).toMatch(new RegExp(`(^|[\\s,])${option}(?=[\\s,=])`, 'm'));
  });

  test('names only npm scripts that there are', () => {
    const { scripts } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as { scripts: object };
    const named = commandLines(readme).flatMap((line) => {
      const [npm, verb, script] = words(line);
      if (npm !== 'npm') return [];
      return verb === 'run' ? [script] : verb === 'test' ? ['test'] : [];
    });
    expect(named.length).toBeGreaterThan(1);
    for (const script of named) expect(Object.keys(scripts)).toContain(script);
  });

  test('links to every document for those who use decom', () => {
    const files = readdirSync(join(root, 'docs')).filter((file) => file.endsWith('.md'));
    expect(files.filter((file) => !readme.includes(`](docs/${file})`))).toEqual([]);
  });

  test('lists every exit code, and no other', () => {
    const listed = [...readme.matchAll(/^\| (\d+) \|/gm)].map(([, code]) => Number(code));
    expect(listed).toEqual([...Object.values(exit)].sort((a, b) => a - b));
  });
});

test.each(documents)('%s links only to files that there are', (document) => {
  const text = readFileSync(join(root, document), 'utf8');
  const links = [...text.matchAll(/\]\(([^)\s]+)\)/g)].map(([, target = '']) => target.replace(/#.*$/, ''));
  const local = links.filter((target) => target !== '' && !/^[a-z]+:/.test(target));
  const missing = local.filter((target) => !existsSync(resolve(dirname(join(root, document)), target)));
  expect(missing).toEqual([]);
});
