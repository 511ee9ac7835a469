import { durationText } from './duration.ts';
import type { Result } from './result.ts';

export const weekdays = ['sun', 'mon', 'tue', 'wed', 'thu', 'fri', 'sat'] as const;
export type Weekday = (typeof weekdays)[number];

interface InZone {
  /** IANA zone. */
  readonly timezone: string;
  /** Dates in that zone, `2026-12-31`, on which it does not open. */
  readonly except: readonly string[];
}

/** Open while the clocks of its zone show such a time. Where `to` is not after `from`, it is one of the next day. */
export interface HoursWindow extends InZone {
  /** The days on which it opens. */
  readonly days: readonly Weekday[];
  /** `22:00` */
  readonly from: string;
  /** `05:00`, or `24:00`. */
  readonly to: string;
}

/** Open for so long after each moment that a cron pattern of five fields names. */
export interface CronWindow extends InZone {
  readonly cron: string;
  /** Milliseconds. */
  readonly for: number;
}

/** When steps may be begun, as a runbook says it and a plan binds it. */
export type Window = HoursWindow | CronWindow;

/** Where a window stands at an instant; `until` is null for one that never closes. */
export type Opening =
  | { readonly open: true; readonly until: Date | null }
  | { readonly open: false; readonly opens: Date };

/** Judges a window at an instant. Trouble where it cannot be told, and for one that never opens again. */
export type NextOpening = (window: Window, at: Date) => Result<Opening>;

/** Time in which nothing of the workspace is begun. RFC 3339, UTC; `to` is the first instant after it. */
export interface Freeze {
  readonly from: string;
  readonly to: string;
  readonly why: string;
}

/** A window for people: `22:00–05:00 on mon, tue (Europe/Moscow), not on 2026-12-31`. */
export function windowWords(window: Window): string {
  const { length } = window.except;
  const except = length === 0 ? '' : `, not on ${length > 3 ? `${length} dates` : window.except.join(', ')}`;
  if ('cron' in window) return `cron ${window.cron} for ${durationText(window.for)} (${window.timezone})${except}`;
  const days = window.days.length === weekdays.length ? 'daily' : `on ${window.days.join(', ')}`;
  return `${window.from}–${window.to} ${days} (${window.timezone})${except}`;
}
