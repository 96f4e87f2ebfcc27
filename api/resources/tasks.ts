import { isDeepStrictEqual } from 'node:util';
import Joi from 'joi';
import type { Db } from '../db.ts';
import { ApiError, invalid, notFound } from '../errors.ts';
import { type ApiContext, PREFIX, type Route, route } from '../route.ts';
import type { Services } from '../services.ts';
import { statement } from '../statements.ts';
import { type Kind, versionOf } from '../tasks/kind.ts';
import { KINDS } from '../tasks/kinds.ts';
import type { Task } from '../tasks/store.ts';
import { createStreams } from '../tasks/stream.ts';
import { SEEN, type SeenTask } from '../tasks/watch.ts';
import { id, pathId, text } from '../validate.ts';

interface Order {
  kind: string;
  payload: object;
}

interface Listing {
  limit: number;
  after?: number;
}

/** Of a body: what a task works on is in the database, not in what it is asked with. */
const BODY_LIMIT = 64 * 1024;

const kinds = [...KINDS.values()];

const order = Joi.object<Order>({
  kind: text()
    .valid(...KINDS.keys())
    .required()
    .example('digest')
    .description(kinds.map(({ name, description }) => `\`${name}\`: ${description}`).join('. ')),
  payload: Joi.when('kind', {
    // biome-ignore lint/suspicious/noThenProperty: Joi's name, of what nobody awaits.
    switch: kinds.map(({ name, payload }) => ({ is: name, then: payload.default() })),
  }).description('As the kind has it'),
})
  .meta({ title: 'TaskOrder' })
  .example({ kind: 'export_posts', payload: { format: 'csv' } });

const listing = Joi.object<Listing>({
  limit: Joi.number().integer().min(1).max(100).default(10),
  after: id().description('The last task of the page before, as its Link header says').example(31),
});

const taskShape = Joi.object({
  id: Joi.number().integer().required(),
  kind: Joi.string().required(),
  status: Joi.string().valid('pending', 'running', 'done', 'failed').required(),
  progress: Joi.number().integer().required().description('In percent'),
  result: Joi.object()
    .unknown()
    .description('Of one that is done, as the kind has it')
    .example({ digest_id: 4, posts: 10 }),
  error: Joi.string().description('Why one has failed'),
  created_at: Joi.date().iso().required(),
  started_at: Joi.date().iso(),
  finished_at: Joi.date().iso(),
})
  .meta({ title: 'Task' })
  .example({
    id: 31,
    kind: 'digest',
    status: 'done',
    progress: 100,
    result: { digest_id: 4, posts: 10 },
    created_at: '2026-11-21T09:47:18.608Z',
    started_at: '2026-11-21T09:47:18.634Z',
    finished_at: '2026-11-21T09:47:18.659Z',
  });

/** When to ask again, in seconds: tasks end and streams do, and none says when. */
const RETRY_SECONDS = 10;

/** Work that is accepted here and done by the workers. */
export function tasks({ db, config, links, outbox, watch }: Services): Route[] {
  const sign = (path: string, seconds: number) => links.sign(PREFIX + path, seconds);
  const present = (task: SeenTask) => presentTask(task, sign);
  const openStream = createStreams(watch);
  return [
    route('POST /tasks', {
      operationId: 'orderTask',
      summary: 'Have something done',
      body: order,
      bodyLimit: BODY_LIMIT,
      requestHeader: 'Idempotency-Key',
      success: [202, taskShape],
      headers: ['Location'],
      errors: [keyReused(), tooManyTasks()],
      async handle(ctx, { body: { kind: name, payload } }) {
        const wanted = {
          owner_id: ctx.state.caller.id,
          kind: name,
          version: versionOf(KINDS.get(name) as Kind),
          payload,
          idempotency_key: idempotencyKeyOf(ctx),
        };
        const task = await writeTask(db, wanted, config.limits.taskOwner);
        if (task.isNew) outbox.add({ id: task.id, kind: name });
        ctx.set('Location', `${PREFIX}/tasks/${task.id}`);
        // The first answer, also when it is asked for again.
        ctx.body = { id: task.id, kind: name, status: 'pending', progress: 0, created_at: task.created_at };
      },
    }),

    route('GET /tasks', {
      operationId: 'listTasks',
      summary: 'One’s own tasks, the newest first',
      query: listing,
      success: [200, Joi.array().items(taskShape)],
      headers: ['Link'],
      async handle(ctx, { query: { limit, after } }) {
        const page = db('tasks')
          .where({ owner_id: ctx.state.caller.id })
          .orderBy('id', 'desc')
          .limit(limit + 1)
          .select(...SEEN);
        const found = await (after === undefined ? page : page.where('id', '<', after));
        const shown = found.slice(0, limit);
        const next = new URLSearchParams({ limit: String(limit), after: String(shown.at(-1)?.id) });
        if (found.length > limit) ctx.set('Link', `<${PREFIX}/tasks?${next}>; rel="next"`);
        ctx.body = shown.map(present);
      },
    }),

    route('GET /tasks/:id', {
      operationId: 'readTask',
      summary: 'How a task of one’s own is doing',
      success: [200, taskShape],
      errors: [notFound('task')],
      async handle(ctx) {
        ctx.body = present(await findOwnTask(db, ctx));
      },
    }),

    route('GET /tasks/:id/events', {
      operationId: 'followTask',
      summary:
        'The task now, and with each change until it is over or the token expires, as server-sent events',
      requestHeader: 'Last-Event-ID',
      success: [200, Joi.string().description('Each event is named `task`, its data is a Task')],
      mediaTypes: ['text/event-stream'],
      noContent: 'It is over, and `Last-Event-ID` was its last event: there will be no other',
      errors: [notFound('task'), tooManyStreams()],
      async handle(ctx) {
        const task = await findOwnTask(db, ctx);
        const seen = Number(ctx.get('Last-Event-ID')) || 0;
        if (task.finished_at !== null && seen === task.revision) {
          ctx.status = 204;
          return;
        }
        const { caller, identity } = ctx.state;
        const { expires } = identity;
        const stream = openStream({ id: task.id, ownerId: caller.id, seen, expires, present });
        if (!stream) throw tooManyStreams();
        // nginx sends on what it gets, and keeps nothing.
        ctx.set({ 'Cache-Control': 'no-store', 'X-Accel-Buffering': 'no' });
        ctx.type = 'text/event-stream';
        ctx.body = stream;
      },
    }),
  ];
}

type NewTask = Pick<Task, 'owner_id' | 'kind' | 'version' | 'payload' | 'idempotency_key'>;

type Insert = Omit<NewTask, 'payload'> & { payload: string; limit: number };

/** Those that are written at the same time do not count each other: as many more there can be. */
const insertTask = statement<Insert, Pick<Task, 'id' | 'created_at'>>({
  name: 'insert_task',
  build: (db, { owner_id, kind, version, payload, idempotency_key, limit }) =>
    db.raw(
      `insert into tasks (owner_id, kind, version, payload, idempotency_key)
       select ?, ?, ?, ?, ?
        where (select count(*)
                 from (select from tasks where owner_id = ? and status in ('pending', 'running') limit ?) as theirs) < ?
       on conflict (owner_id, idempotency_key) where idempotency_key is not null do nothing
       returning id, created_at`,
      [owner_id, kind, version, payload, idempotency_key, owner_id, limit, limit] as never,
    ),
});

/** The task that is new, or the one that its owner has asked for by the same key before. */
async function writeTask(db: Db, task: NewTask, limit: number) {
  const [written] = await insertTask(db, { ...task, payload: JSON.stringify(task.payload), limit });
  if (written) return { ...written, isNew: true };
  const { owner_id, idempotency_key, kind, payload } = task;
  if (idempotency_key === null) throw tooManyTasks();
  const [earlier] = await db('tasks')
    .where({ owner_id, idempotency_key })
    .select('id', 'created_at', 'kind', 'payload');
  if (!earlier) throw tooManyTasks();
  if (earlier.kind !== kind || !isDeepStrictEqual(earlier.payload, payload)) throw keyReused();
  return { id: earlier.id, created_at: earlier.created_at, isNew: false };
}

function tooManyTasks(): ApiError {
  return new ApiError(429, 'too_many_tasks', 'Too many tasks of yours are not over yet; wait for some', {
    headers: { 'Retry-After': String(RETRY_SECONDS) },
  });
}

function tooManyStreams(): ApiError {
  return new ApiError(429, 'too_many_streams', 'You follow too many tasks at once; end one of these', {
    headers: { 'Retry-After': String(RETRY_SECONDS) },
  });
}

/** 422, as the draft of the header has it: https://datatracker.ietf.org/doc/draft-ietf-httpapi-idempotency-key-header/ */
function keyReused(): ApiError {
  return new ApiError(422, 'idempotency_key_reused', 'This Idempotency-Key has been used for another task');
}

function idempotencyKeyOf(ctx: ApiContext): string | null {
  const key = ctx.get('Idempotency-Key');
  if (key === '') return null;
  if (/^[\x21-\x7e]{1,255}$/.test(key)) return key;
  throw invalid([
    { path: 'Idempotency-Key', message: 'Idempotency-Key must be 1 to 255 visible ASCII characters' },
  ]);
}

async function findOwnTask(db: Db, ctx: ApiContext): Promise<SeenTask> {
  const owner_id = ctx.state.caller.id;
  const [task] = await db('tasks')
    .where({ id: pathId(ctx.params.id), owner_id })
    .select(...SEEN);
  if (!task) throw notFound('task');
  return task;
}

function presentTask(task: SeenTask, sign: (path: string, seconds: number) => string) {
  const { id, kind, status, progress, result, error, created_at, started_at, finished_at } = task;
  const present = KINDS.get(kind)?.present;
  const shown = result !== null && present ? present(result, { id, sign }) : result;
  return {
    ...{ id, kind, status, progress },
    ...(shown !== null && { result: shown }),
    ...(error !== null && { error }),
    created_at,
    ...(started_at !== null && { started_at }),
    ...(finished_at !== null && { finished_at }),
  };
}
