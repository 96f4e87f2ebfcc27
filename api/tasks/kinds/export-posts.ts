import { stringify } from 'csv-stringify/sync';
import Joi from 'joi';
import type { Db } from '../../db.ts';
import { defineKind, TaskError } from '../kind.ts';

export type Format = 'ndjson' | 'csv';

/** The result. */
export interface Exported {
  format: Format;
  rows: number;
  bytes: number;
}

const COLUMNS = ['id', 'title', 'content', 'published', 'votes', 'created_at', 'updated_at'] as const;

/** Of posts read at once: 20 MB of text at the most. */
const PAGE = 250;

/** How much is kept in one row: read and sent as a whole. */
const PART_BYTES = 256 * 1024;

/** A link is good for so long; each look at the task makes another. */
const LINK_SECONDS = 3600;

/** All posts of who asks, kept in parts for a link to download them by, instead of those kept before in the same format. */
export const kind = defineKind({
  name: 'export_posts',
  description:
    'all posts of yours in a file of so many `rows` and `bytes`, which replaces your last one of this format; `result.url` downloads it without a token, for an hour after the task was asked for',
  payload: Joi.object<{ format: Format }>({
    format: Joi.string().valid('ndjson', 'csv').default('ndjson').description('JSON lines, or a table'),
  }).meta({ title: 'ExportPostsPayload' }),
  concurrency: 2,
  present: (result: Exported, { id, sign }) => ({ ...result, url: sign(`/exports/${id}`, LINK_SECONDS) }),
  async run({ id, ownerId, run, db, payload: { format }, signal, progress }) {
    if (ownerId === null)
      throw new TaskError('export_posts needs an owner, and a schedule has none; take it out of cron');
    const [counted] = await db('posts').where({ owner_id: ownerId }).count({ posts: '*' });
    const total = Number(counted?.posts);
    const parts = new Parts((part, bytes) => db('exports').insert({ task_id: id, run, part, bytes }));
    if (format === 'csv') await parts.add(stringify([COLUMNS]));
    let rows = 0;
    for (let after = 0; ; ) {
      signal.throwIfAborted();
      const page = await pageOf(db, ownerId, after);
      for (const post of page) await parts.add(lineOf(post, format));
      rows += page.length;
      progress(Math.min(99, Math.floor((rows * 100) / Math.max(1, total))));
      if (page.length < PAGE) break;
      after = page.at(-1)?.id as number;
    }
    const bytes = await parts.end();
    return async (transaction) => {
      await transaction('exports').where({ task_id: id }).whereNot({ run }).delete();
      await transaction('exports')
        .whereIn('task_id', doneBefore(transaction, ownerId, format))
        .delete();
      return { format, rows, bytes };
    };
  },
});

/** Those that are not over are left alone: they write still. */
function doneBefore(db: Db, owner_id: number, format: Format) {
  return db('tasks')
    .where({ owner_id, kind: 'export_posts', status: 'done' })
    .whereRaw("payload ->> 'format' = ?", [format])
    .select('id');
}

function pageOf(db: Db, owner_id: number, after: number) {
  return db('posts')
    .where({ owner_id })
    .where('id', '>', after)
    .orderBy('id')
    .limit(PAGE)
    .select(...COLUMNS);
}

/** A cell that a spreadsheet would run as a formula is quoted as text. */
function lineOf(post: object, format: Format): string {
  if (format === 'ndjson') return `${JSON.stringify(post)}\n`;
  return stringify([post], { columns: [...COLUMNS], escape_formulas: true, cast: { boolean: String } });
}

/** Collects text into parts of much the same size. */
class Parts {
  #write: (part: number, bytes: Buffer) => PromiseLike<unknown>;
  #texts: string[] = [];
  #length = 0;
  #part = 0;
  #bytes = 0;

  constructor(write: (part: number, bytes: Buffer) => PromiseLike<unknown>) {
    this.#write = write;
  }

  async add(text: string): Promise<void> {
    this.#texts.push(text);
    this.#length += text.length;
    if (this.#length >= PART_BYTES) await this.#flush();
  }

  /** Returns how many bytes there were in all. */
  async end(): Promise<number> {
    await this.#flush();
    return this.#bytes;
  }

  async #flush(): Promise<void> {
    const bytes = Buffer.from(this.#texts.join(''));
    if (bytes.length > 0) await this.#write(this.#part++, bytes);
    this.#bytes += bytes.length;
    this.#texts = [];
    this.#length = 0;
  }
}
