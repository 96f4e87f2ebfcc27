import { spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { chmod, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { startDevPostgres } from '../dev-postgres.ts';
import { runChecked } from '../process.ts';

/** The bundled API on a database of its own, both gone afterwards. */
export interface ScratchApi {
  url: string;
  directory: string;
  /** The lines of its log that tell of a failure of its own. */
  failures: string[];
  stop(): Promise<void>;
}

const API = join(import.meta.dirname, '../../api');
const UNLIMITED = '1000000000';

/** Without limits of attempts, so that what is tried is tried; `env` overrides settings. */
export async function startScratchApi(env: Record<string, string> = {}): Promise<ScratchApi> {
  const directory = await mkdtemp(join(tmpdir(), 'berth-audit-'));
  // As root, PostgreSQL runs as another user, who must get to what is his.
  await chmod(directory, 0o711);
  const postgres = await startDevPostgres(join(directory, 'postgres'));
  const all = {
    DATABASE_URL: postgres.url,
    JWT_KEYS: `audit:${randomBytes(32).toString('base64url')}`,
    PORT: '0',
    LISTEN_HOST: '127.0.0.1',
    LOGIN_LIMIT_ACCOUNT: UNLIMITED,
    LOGIN_LIMIT_ADDRESS: UNLIMITED,
    REGISTRATION_LIMIT_ADDRESS: UNLIMITED,
    // Longer than the audit.
    ACCESS_TOKEN_SECONDS: '1000000',
    ...env,
  };
  await runChecked([process.execPath, join(API, 'migrate.ts')], { env: all });
  const server = spawn(process.execPath, [join(API, 'server.ts')], {
    env: all,
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const lines = createInterface({ input: server.stdout });
  const failures: string[] = [];
  lines.on('line', (line) => Number(JSON.parse(line).level) >= 50 && failures.push(line));
  const [listening] = await once(lines, 'line');
  return {
    url: `http://127.0.0.1:${JSON.parse(listening).address.port}/api`,
    directory,
    failures,
    async stop() {
      server.kill('SIGTERM');
      await once(server, 'close');
      await postgres.stop();
      await rm(directory, { recursive: true });
    },
  };
}
