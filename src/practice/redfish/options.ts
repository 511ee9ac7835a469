/** What a BMC may do wrong, or differently from most. Read anew at every request, so a test may change it as it goes. */
export interface RedfishFaults {
  /** Milliseconds before every answer. */
  slow?: number;
  refusePassword?: boolean;
  /** Takes requests and never answers. */
  hang?: boolean;
  /** Does a reset, and cuts the connection instead of answering it. */
  dropAfterAccept?: boolean;
  /** The UUID of another machine. */
  uuid?: string;
  onlyForceOff?: boolean;
  /** Where the allowed reset types stand: with the action (default), in an ActionInfo of their own, or nowhere. */
  allowable?: 'inline' | 'action-info' | 'none';
  /** Number of computer systems; the others are off and not ours. */
  systems?: number;
  /** A reset is accepted, and its task ends in an exception. */
  taskFails?: boolean;
  /** Answers every request with bytes that never end. */
  endless?: boolean;
  /** How the locator light is told: in the system (default) or its chassis, by the old property, or not at all. */
  light?: 'system' | 'chassis' | 'led' | 'none';
  /** How often a PATCH comes too late: somebody else changed the resource since it was read. */
  changedMeanwhile?: number;
  /** How many requests are turned away with `busyWith`, and with which Retry-After (seconds). */
  busyFor?: number;
  busyWith?: 429 | 503;
  retryAfter?: string;
  /** How many sessions are forgotten when they are first used. */
  forgetsSessions?: number;
  /** Milliseconds without an answer after it was told to start anew. Default 15,000. */
  restartTakes?: number;
  /** Milliseconds after which an unused session ends. Default 5 min. */
  sessionLasts?: number;
}

export interface RedfishBmcOptions {
  readonly serial: string;
  readonly uuid: string;
  readonly user: string;
  readonly password: string;
  /** The machine's power. `set` returns when it has happened; it is not waited for before the BMC accepts. */
  readonly power: {
    get(): Promise<'on' | 'off'>;
    set(want: 'on' | 'off', how: 'soft' | 'hard'): Promise<void>;
  };
  /** Default: a free one. */
  readonly port?: number;
  readonly address?: string;
  /** `old`: knows TLS 1.0 only. */
  readonly tls?: 'old';
  readonly faults?: RedfishFaults;
}
