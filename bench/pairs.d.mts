export interface PairResult {
  readonly a: number;
  readonly b: number;
  readonly ratio: number;
  readonly lowest: number;
  readonly highest: number;
}
export function median(values: readonly number[]): number;
export function pairs(runs: number, a: () => unknown, b: () => unknown): Promise<PairResult>;
export function report(
  what: string,
  result: PairResult,
  limit: { readonly atMost?: number; readonly atLeast?: number },
): boolean;
