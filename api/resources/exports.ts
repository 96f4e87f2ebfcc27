import { Readable } from 'node:stream';
import Joi from 'joi';
import type { Db } from '../db.ts';
import { ApiError, notFound } from '../errors.ts';
import type { Proof } from '../links.ts';
import { PREFIX, type Route, route } from '../route.ts';
import type { Services } from '../services.ts';
import type { Exported, Format } from '../tasks/kinds/export-posts.ts';
import { pathId } from '../validate.ts';

const proof = Joi.object<Proof>({
  expires: Joi.number()
    .integer()
    .min(0)
    .required()
    .description('In seconds since 1970')
    .example(1_795_311_000),
  signature: Joi.string().max(100).required().example('iW0yVbJ3zL4cD0o2mXq1s8Tn5hUeR7kFgA9pBvYxQwE'),
});

const TYPES: Record<Format, string> = { ndjson: 'application/x-ndjson', csv: 'text/csv' };

/** What export_posts has made. */
export function exports({ db, links }: Services): Route[] {
  return [
    route('GET /exports/:id', {
      operationId: 'downloadExport',
      summary: 'Download what a task has exported, by the link that is its result',
      public: true,
      query: proof,
      success: [200, Joi.string()],
      mediaTypes: Object.values(TYPES),
      errors: [notFound('export'), linkInvalid()],
      async handle(ctx, { query }) {
        const id = pathId(ctx.params.id);
        if (!links.verify(`${PREFIX}/exports/${id}`, query)) throw linkInvalid();
        const [task] = await db('tasks')
          .where({ id, kind: 'export_posts', status: 'done' })
          .select('run', 'result');
        if (!task) throw notFound('export');
        const { format, bytes } = task.result as Exported;
        const first = await readPart(db, id, task.run, 0);
        if (first === undefined && bytes > 0) throw notFound('export');
        ctx.set('Cache-Control', 'private, no-store');
        ctx.attachment(`posts-${id}.${format}`);
        ctx.type = TYPES[format];
        ctx.body = Readable.from(partsOf(db, id, task.run, first));
        ctx.length = bytes;
      },
    }),
  ];
}

/** One after the other, so that a file of any size takes the memory of one. */
async function* partsOf(
  db: Db,
  task_id: number,
  run: number,
  first: Buffer | undefined,
): AsyncGenerator<Buffer> {
  let bytes = first;
  for (let part = 1; bytes !== undefined; part++) {
    yield bytes;
    bytes = await readPart(db, task_id, run, part);
  }
}

/** Of the start that has finished: another may have left parts, too. */
async function readPart(db: Db, task_id: number, run: number, part: number): Promise<Buffer | undefined> {
  const [row] = await db('exports').where({ task_id, run, part }).select('bytes');
  return row?.bytes;
}

function linkInvalid(): ApiError {
  return new ApiError(
    403,
    'link_invalid',
    'This link is not from here, or its time has passed; read its task again for a new one',
  );
}
