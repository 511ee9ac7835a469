const units = { ms: 1, s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000, w: 604_800_000 } as const;

/** A length of time as people write it in runbooks: `500ms`, `30s`, `15m`, `4h`, `14d`, `2w`. */
export type DurationText = string;

export const durationPattern = '^[1-9][0-9]{0,8}(ms|s|m|h|d|w)$';

/** Milliseconds of a duration text; undefined if it is not one. */
export function milliseconds(text: DurationText): number | undefined {
  const match = /^([1-9][0-9]{0,8})(ms|s|m|h|d|w)$/.exec(text);
  if (!match?.[1] || !match[2]) return undefined;
  return Number(match[1]) * units[match[2] as keyof typeof units];
}

/** Milliseconds as people read them: `0.4 s`, `12 s`, `4 min 10 s`, `3 h 5 min`, `14 d`. */
export function durationText(ms: number): string {
  if (ms < 10_000) return `${(ms / 1000).toFixed(1)} s`;
  const s = Math.round(ms / 1000);
  if (s < 60) return `${s} s`;
  const m = Math.floor(s / 60);
  if (m < 60) return s % 60 === 0 ? `${m} min` : `${m} min ${s % 60} s`;
  const h = Math.floor(m / 60);
  if (h < 48) return m % 60 === 0 ? `${h} h` : `${h} h ${m % 60} min`;
  const d = Math.floor(h / 24);
  return h % 24 === 0 ? `${d} d` : `${d} d ${h % 24} h`;
}
