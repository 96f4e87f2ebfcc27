import type { Config } from './config.ts';
import type { Db } from './db.ts';
import type { Limits } from './limits.ts';
import type { Links } from './links.ts';
import type { Passwords } from './passwords.ts';
import type { Outbox } from './tasks/outbox.ts';
import type { Watch } from './tasks/watch.ts';

/** What a resource may use. */
export interface Services {
  db: Db;
  config: Config;
  limits: Limits;
  passwords: Passwords;
  links: Links;
  outbox: Outbox;
  watch: Watch;
}
