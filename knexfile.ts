import { readMigrationConfig } from './api/config.ts';
import { knexConfig } from './api/db.ts';
import { migrationsConfig } from './api/migrations.ts';

/** For people who use Knex themselves; releases run `node api/migrate.ts`. */
export default {
  ...knexConfig(readMigrationConfig(process.env).database, 'knex'),
  migrations: migrationsConfig,
};
