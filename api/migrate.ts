import { readMigrationConfig } from './config.ts';
import { migrate } from './migrations.ts';

/** The `release` process: brings the database to this code's schema, or exits 1 and says why. */
try {
  const applied = await migrate(readMigrationConfig(process.env), (line) => console.warn(`warning: ${line}`));
  for (const name of applied) console.log(`applied ${name}`);
  if (applied.length === 0) console.log('nothing to migrate');
} catch (error) {
  console.error(`migration failed: ${(error as Error).message}`);
  process.exitCode = 1;
}
