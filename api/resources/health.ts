import { setTimeout } from 'node:timers/promises';
import Joi from 'joi';
import { ApiError } from '../errors.ts';
import { pendingMigrations } from '../migrations.ts';
import { type Route, route } from '../route.ts';
import type { Services } from '../services.ts';

const TIMEOUT_MS = 2_000;

const healthShape = Joi.object({
  status: Joi.string().valid('ok').required(),
  release: Joi.string().required(),
})
  .meta({ title: 'Health' })
  .example({ status: 'ok', release: 'v42' });

/** Is the process alive, and can it serve? Asked every few seconds, so logged quietly. */
export function health({ db, config }: Services): Route[] {
  const ok = { status: 'ok', release: config.release };
  return [
    route('GET /livez', {
      operationId: 'live',
      summary: 'Is the process alive',
      public: true,
      success: [200, healthShape],
      async handle(ctx) {
        ctx.state.quiet = true;
        ctx.body = ok;
      },
    }),

    route('GET /readyz', {
      operationId: 'ready',
      summary: 'Can it serve',
      public: true,
      success: [200, healthShape],
      errors: [notReady('migrations')],
      async handle(ctx) {
        ctx.state.quiet = true;
        await check('database', async () => db.raw('select 1'));
        await check('migrations', async () => {
          const pending = await pendingMigrations(db);
          if (pending.length > 0) throw new Error(`Not applied: ${pending.join(', ')}`);
        });
        ctx.body = ok;
      },
    }),
  ];
}

/** Runs one check and answers 503 with its name if it fails or hangs. */
async function check(name: string, run: () => Promise<unknown>): Promise<void> {
  try {
    await Promise.race([run(), timeout()]);
  } catch (cause) {
    throw notReady(name, cause);
  }
}

function notReady(name: string, cause?: unknown): ApiError {
  return new ApiError(503, 'not_ready', `Not ready: ${name}`, {
    headers: { 'Retry-After': '1' },
    errors: [{ path: name, message: 'failed' }],
    cause,
  });
}

async function timeout(): Promise<never> {
  await setTimeout(TIMEOUT_MS, undefined, { ref: false });
  throw new Error(`No answer within ${TIMEOUT_MS} ms`);
}
