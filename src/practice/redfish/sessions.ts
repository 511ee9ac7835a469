import { createHash, randomBytes, timingSafeEqual } from 'node:crypto';

export interface Session {
  readonly id: string;
  readonly token: string;
  readonly user: string;
}

/** The sessions of a BMC: few at once, and each ends when it was not used for a while. */
export interface Sessions {
  /** A new session; undefined if too many are open. */
  open(user: string): Session | undefined;
  /** The session of a token, its time counted anew. */
  use(token: string | undefined): Session | undefined;
  get(id: string): Session | undefined;
  end(id: string): void;
  all(): readonly Session[];
  /** Forgets them all. */
  clear(): void;
}

/** `lasts` gives milliseconds since the last use. */
export function sessions(lasts: () => number, most = 8): Sessions {
  const open = new Map<string, Session & { until: number }>();
  const sweep = () => {
    for (const [id, session] of open) if (session.until <= performance.now()) open.delete(id);
  };
  return {
    open(user) {
      sweep();
      if (open.size >= most) return undefined;
      const session = {
        id: randomBytes(6).toString('hex'),
        token: randomBytes(24).toString('base64url'),
        user,
        until: performance.now() + lasts(),
      };
      open.set(session.id, session);
      return session;
    },
    use(token) {
      sweep();
      const session = [...open.values()].find((each) => token !== undefined && same(each.token, token));
      if (session !== undefined) session.until = performance.now() + lasts();
      return session;
    },
    get(id) {
      sweep();
      return open.get(id);
    },
    end: (id) => void open.delete(id),
    clear: () => open.clear(),
    all() {
      sweep();
      return [...open.values()];
    },
  };
}

/** Compares two texts in a time that does not tell where they differ. */
export function same(a: string, b: string): boolean {
  const digest = (text: string) => createHash('sha256').update(text).digest();
  return timingSafeEqual(digest(a), digest(b));
}
