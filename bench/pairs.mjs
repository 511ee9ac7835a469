import { performance } from 'node:perf_hooks';

/** Median of a list of numbers. */
export const median = (values) => {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
};

/**
 * Times two things in turn, A B A B …, after one warm-up of each, and gives the ratio A/B pair by pair: on a shared machine whose
 * speed drifts only that can be compared. Times in milliseconds.
 */
export async function pairs(runs, a, b) {
  const timed = async (act) => {
    const from = performance.now();
    await act();
    return performance.now() - from;
  };
  await a();
  await b();
  const rows = [];
  for (let i = 0; i < runs; i++) rows.push({ a: await timed(a), b: await timed(b) });
  const ratios = rows.map((row) => row.a / row.b);
  return {
    a: median(rows.map((row) => row.a)),
    b: median(rows.map((row) => row.b)),
    ratio: median(ratios),
    lowest: Math.min(...ratios),
    highest: Math.max(...ratios),
  };
}

/** One figure as a line: what, ratio with its spread, the limit, and whether it was kept. */
export function report(what, result, limit) {
  const kept = limit.atMost !== undefined ? result.ratio <= limit.atMost : result.ratio >= limit.atLeast;
  const bound = limit.atMost !== undefined ? `≤ ${limit.atMost}` : `≥ ${limit.atLeast}`;
  const line = `${what}: ${result.ratio.toFixed(2)} × (${result.lowest.toFixed(2)}–${result.highest.toFixed(2)}), ${result.a.toFixed(1)} ms against ${result.b.toFixed(1)} ms; wanted ${bound}: ${kept ? 'kept' : 'MISSED'}`;
  console.log(line);
  return kept;
}
