import bcrypt from 'bcrypt';

/**
 * Hashes and compares in libuv's thread pool, so that the event loop goes on, and one after another: each takes a core for
 * a quarter of a second, and whoever signs in shall wait for others who do, not those who read.
 */
export interface Passwords {
  hash(password: string): Promise<string>;
  /** `hash` is undefined for an unknown user, and the answer then takes as long as a real comparison. */
  matches(password: string, hash: string | undefined): Promise<boolean>;
}

/** `cost` is bcrypt's: one more doubles the time. */
export function createPasswords(cost: number): Passwords {
  const inTurn = queue();
  // The hash of a password that nobody has, at the same cost.
  const nobody = bcrypt.hash('nobody has this password', cost);
  return {
    hash: (password) => inTurn(() => bcrypt.hash(password, cost)),
    async matches(password, hash) {
      const compared = hash ?? (await nobody);
      const same = await inTurn(() => bcrypt.compare(password, compared));
      return same && hash !== undefined;
    },
  };
}

/** Runs what it is given one after another, whether that succeeds or fails. */
function queue(): <T>(run: () => Promise<T>) => Promise<T> {
  let last: Promise<unknown> = Promise.resolve();
  return (run) => {
    const result = last.then(run);
    last = result.catch(() => {});
    return result;
  };
}
