import { setTimeout as wait } from 'node:timers/promises';
import type { Host } from '../host.ts';
import { asAdministrator } from './scratch.ts';
import { identifier, literal, type Session } from './session.ts';

export type Swap = {
  /** The name that the application knows. */
  live: string;
  /** The database that takes this name. */
  next: string;
  /** The name that the replaced one gets. */
  keepAs: string;
};

/**
 * Puts one database in another's place by one transaction of two renames: killed in the middle, nothing has changed.
 * The first rename locks the name, so that whoever connects waits, and then waits itself, up to 5 s, until those who
 * are connected to either have gone, which they are told meanwhile.
 *
 * @returns for how long nobody could use it, in seconds
 */
export async function swapDatabases(host: Host, { live, next, keepAs }: Swap): Promise<number> {
  return asAdministrator(host, 'postgres', (renamer) =>
    asAdministrator(host, 'postgres', async (usher) => {
      const began = performance.now();
      const rename = (from: string, to: string) =>
        `ALTER DATABASE ${identifier(from)} RENAME TO ${identifier(to)};`;
      const renamed = renamer.ask(`BEGIN; ${rename(live, keepAs)} ${rename(next, live)} COMMIT;`);
      await sendAway(usher, [live, next], renamed);
      return Math.round(performance.now() - began) / 1000;
    }),
  );
}

/** Ends the sessions of databases until the rename that waits for it is over. */
async function sendAway(usher: Session, databases: string[], renamed: Promise<unknown>): Promise<void> {
  const names = databases.map(literal).join(', ');
  let over = false;
  const end = renamed.finally(() => {
    over = true;
  });
  end.catch(() => {});
  while (!over) {
    await usher.ask(
      `SELECT count(pg_catalog.pg_terminate_backend(pid)) FROM pg_catalog.pg_stat_activity WHERE datname IN (${names});`,
    );
    await Promise.race([end.catch(() => {}), wait(20)]);
  }
  await end;
}
