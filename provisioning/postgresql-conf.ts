import type { PostgresqlSettings } from './settings.ts';

const mib = (value: number) => `'${Math.max(1, Math.floor(value))}MB'`;

/** PostgreSQL's settings, sized from the machine's memory after the rules of thumb of its manual and PgTune. */
export function postgresqlConf(
  { memoryPercent, maxConnections }: PostgresqlSettings,
  memoryMiB: number,
): string {
  const share = (memoryMiB * memoryPercent) / 100;
  const values: Record<string, string | number> = {
    // The unix socket alone: peer authentication, so no password exists.
    listen_addresses: "''",
    max_connections: maxConnections,
    shared_buffers: mib(Math.min(share, 8192)),
    effective_cache_size: mib(share * 2),
    maintenance_work_mem: mib(Math.min(share / 4, 1024)),
    work_mem: mib(Math.max(1, share / maxConnections / 2)),
    min_wal_size: "'256MB'",
    max_wal_size: "'2GB'",
    random_page_cost: 1.1,
    idle_in_transaction_session_timeout: "'60s'",
    log_lock_waits: 'on',
    log_min_duration_statement: "'1s'",
    // A slow statement is logged without its parameters: they may be secrets.
    log_parameter_max_length: 0,
    log_parameter_max_length_on_error: 0,
  };
  const lines = Object.entries(values).map(([name, value]) => `${name} = ${value}\n`);
  return `# Kept by berth apply.\n${lines.join('')}`;
}
