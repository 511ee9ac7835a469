import type { Points } from './points.ts';
import type { Tried } from './try-point.ts';

export type TriedOfKind = Tried & { readonly kind: string };

/** What the matrix came to: a table in Markdown, a row for each kind of fault, and the places that were met, by their names. */
export function summary(tried: readonly TriedOfKind[], { kinds, places }: Points): readonly string[] {
  const row = (kind: string, of: readonly Tried[], all: number): string => {
    const count = (holds: (one: Tried) => boolean): number => of.filter(holds).length;
    const cells = [
      `${of.length} of ${all}`,
      count(({ name }) => name !== undefined),
      count(({ lost }) => lost.length > 0),
      count(({ twice }) => twice.length > 0),
      count(({ open }) => open.length > 0),
    ];
    return `| ${kind} | ${cells.join(' | ')} |`;
  };
  const all = Object.values(kinds).flat().length;
  const met = new Map<string, number>();
  for (const { name } of tried) if (name !== undefined) met.set(name, (met.get(name) ?? 0) + 1);
  const never = [...places].filter((place) => !met.has(place));
  const byName = [...met].sort(([a], [b]) => a.localeCompare(b));
  return [
    '| fault | points tried | hit | records lost | acts done twice | not done in the end |',
    '| --- | --- | --- | --- | --- | --- |',
    ...Object.entries(kinds).map(([kind, points]) =>
      row(
        kind,
        tried.filter((one) => one.kind === kind),
        points.length,
      ),
    ),
    row('together', tried, all),
    `Of the ${places.size} places of a whole run ${places.size - never.length} were met.`,
    ...never.map((place) => `  never × ${place}`),
    ...byName.map(([name, times]) => `  ${String(times).padStart(5)} × ${name}`),
  ];
}
