import bcrypt from 'bcrypt';

/** Hashes and compares in libuv's thread pool, so that the event loop goes on. */
export interface Passwords {
  hash(password: string): Promise<string>;
  /** `hash` is undefined for an unknown user, and the answer then takes as long as a real comparison. */
  matches(password: string, hash: string | undefined): Promise<boolean>;
}

/** `cost` is bcrypt's: one more doubles the time. */
export function createPasswords(cost: number): Passwords {
  // The hash of a password that nobody has, at the same cost.
  const nobody = bcrypt.hash('nobody has this password', cost);
  return {
    hash: (password) => bcrypt.hash(password, cost),
    async matches(password, hash) {
      const same = await bcrypt.compare(password, hash ?? (await nobody));
      return same && hash !== undefined;
    },
  };
}
