/** How many hosts may be changed: at once, and ended within an hour. */
export interface Caps {
  readonly hosts_at_once: number;
  readonly per_hour: number;
}

/** Where a workspace says nothing of them: what a person still keeps an eye on, and what a script that runs wild must not pass. */
export const defaultCaps: Caps = { hosts_at_once: 5, per_hour: 5 };

/** Another host of the state folder that counts. */
export interface CountedHost {
  readonly host: string;
  /** The run by which it does. */
  readonly run: string;
}
