import type { ErrorCode } from 'yaml';

/** A fault of YAML's form in words: what is wrong, what to do. */
export function syntaxText(code: ErrorCode, message: string): [what: string, fix: string] {
  const quote = /^Missing closing (["'])quote/.exec(message)?.[1];
  if (quote !== undefined) return [`a ${quote} is opened above and not closed before here.`, 'Close it.'];
  switch (code) {
    case 'TAB_AS_INDENT':
      return ['a tab is used for indentation.', 'Use spaces.'];
    case 'BAD_INDENT':
      return ['the indentation does not fit the lines above.', 'Align it with its neighbours.'];
    case 'MULTILINE_IMPLICIT_KEY':
    case 'BLOCK_AS_IMPLICIT_KEY':
    case 'UNEXPECTED_TOKEN':
    case 'MISSING_CHAR':
      return [`not YAML: ${lower(message)}.`, 'Check colons, indentation and quotes here; quote texts that hold ": ".'];
    case 'BAD_SCALAR_START':
      return [`not YAML: ${lower(message)}.`, 'Put the text in quotes.'];
    case 'BAD_DIRECTIVE':
      return [`${lower(message)}.`, 'Remove the line.'];
    default:
      return [`not YAML: ${lower(message)}.`, 'Correct it.'];
  }
}

const lower = (text: string): string => text.charAt(0).toLowerCase() + text.slice(1).replace(/\.$/, '');
