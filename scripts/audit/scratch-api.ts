import { type ChildProcess, spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { chmod, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface, type Interface } from 'node:readline';
import { startDevPostgres } from '../dev-postgres.ts';
import { runChecked } from '../process.ts';

/** The bundled API, its server and a worker, on a database of its own, all gone afterwards. */
export interface ScratchApi {
  url: string;
  directory: string;
  /** The lines of their logs that tell of a failure of their own. */
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
  const failures: string[] = [];
  const server = begin('server.ts');
  const [listening] = await once(server.lines, 'line');
  const worker = begin('worker.ts');
  await once(worker.lines, 'line');
  return {
    url: `http://127.0.0.1:${JSON.parse(listening).address.port}/api`,
    directory,
    failures,
    async stop() {
      await Promise.all([end(server.child), end(worker.child)]);
      await postgres.stop();
      await rm(directory, { recursive: true });
    },
  };

  /** One of its programs, which says a line once it is ready. */
  function begin(program: string): { child: ChildProcess; lines: Interface } {
    const argv = [join(API, program)];
    const child = spawn(process.execPath, argv, { env: all, stdio: ['ignore', 'pipe', 'inherit'] });
    const lines = createInterface({ input: child.stdout });
    lines.on('line', (line) => Number(JSON.parse(line).level) >= 50 && failures.push(line));
    return { child, lines };
  }
}

async function end(child: ChildProcess): Promise<void> {
  child.kill('SIGTERM');
  await once(child, 'close');
}
