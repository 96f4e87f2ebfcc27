import type { Config } from './config.ts';
import type { Db } from './db.ts';
import type { Limits } from './limits.ts';
import type { Passwords } from './passwords.ts';

/** What a resource may use. */
export interface Services {
  db: Db;
  config: Config;
  limits: Limits;
  passwords: Passwords;
}
