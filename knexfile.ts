import { readMigrationConfig } from './api/config.ts';
import { knexConfig } from './api/db.ts';
import { migrationsConfig } from './api/migrations.ts';

const { database, statementTimeoutMs } = readMigrationConfig(process.env);

/** For people who use Knex themselves; releases run `node api/migrate.ts`. */
export default {
  ...knexConfig({ ...database, statementTimeoutMs }, 'knex'),
  migrations: migrationsConfig,
};
