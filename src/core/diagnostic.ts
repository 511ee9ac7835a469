/**
 * One finding about an input file. `line` and `column` count from 1; `column` counts UTF-16 units as editors do.
 * Printed as `file:line:column  what. fix`, and what leads to it on lines of its own below.
 */
export interface Diagnostic {
  readonly code: string;
  readonly file: string;
  readonly line: number;
  readonly column: number;
  readonly what: string;
  readonly fix?: string;
  /** The places that lead to it, in the order of what happens, each with what it contributes. */
  readonly way?: readonly {
    readonly file: string;
    readonly line: number;
    readonly column: number;
    readonly what: string;
  }[];
}

export function diagnosticText(d: Diagnostic): string {
  const way = (d.way ?? []).map((at) => `\n    ${at.file}:${at.line}:${at.column}  ${at.what}`);
  return `${d.file}:${d.line}:${d.column}  ${d.what}${d.fix ? ` ${d.fix}` : ''}${way.join('')}`;
}

/** The nearest of `names` to a misspelt one (Damerau-Levenshtein ≤ a third of its length), or undefined. */
export function nearest(word: string, names: Iterable<string>): string | undefined {
  let best: string | undefined;
  let bestDistance = Math.max(1, Math.floor(word.length / 3)) + 1;
  for (const name of names) {
    const d = distance(word.toLowerCase(), name.toLowerCase());
    if (d < bestDistance) {
      best = name;
      bestDistance = d;
    }
  }
  return best;
}

export const didYouMean = (word: string, names: Iterable<string>): string => {
  const name = nearest(word, names);
  return name === undefined ? '' : `Did you mean "${name}"?`;
};

function distance(a: string, b: string): number {
  const rows: number[][] = [Array.from({ length: b.length + 1 }, (_, j) => j)];
  for (let i = 1; i <= a.length; i++) {
    const row: number[] = [i];
    for (let j = 1; j <= b.length; j++) {
      const cost = a[i - 1] === b[j - 1] ? 0 : 1;
      let d = Math.min((rows[i - 1]?.[j] ?? 0) + 1, (row[j - 1] ?? 0) + 1, (rows[i - 1]?.[j - 1] ?? 0) + cost);
      if (i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1]) {
        d = Math.min(d, (rows[i - 2]?.[j - 2] ?? 0) + 1);
      }
      row.push(d);
    }
    rows.push(row);
  }
  return rows[a.length]?.[b.length] ?? 0;
}
