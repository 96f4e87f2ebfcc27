import assert from 'node:assert/strict';
import { pino } from 'pino';
import { useApi } from '../testing/api.ts';
import { eventually } from '../testing/eventually.ts';
import { createOutbox, type Outbox } from './outbox.ts';
import { change, claim, type Started } from './store.ts';

describe('an outbox', function () {
  this.timeout(30_000);
  const api = useApi();
  let outbox: Outbox;
  /** The broker has them, and has not said so yet. */
  let sent: PromiseWithResolvers<void>;
  let confirmed: PromiseWithResolvers<void>;

  beforeEach(() => {
    sent = Promise.withResolvers();
    confirmed = Promise.withResolvers();
    const queue = {
      ...api.queue,
      async send(...args: Parameters<typeof api.queue.send>) {
        await api.queue.send(...args);
        sent.resolve();
        await confirmed.promise;
      },
    };
    outbox = createOutbox({ db: api.db, queue, log: pino({ level: 'silent' }) });
  });

  async function write(): Promise<number> {
    const changed_at = api.db.raw("now() - interval '1 minute'") as never;
    const [task] = await api
      .db('tasks')
      .insert({ kind: 'digest', version: 1, payload: '{}', changed_at })
      .returning('id');
    return task?.id as number;
  }

  const start = (id: number) =>
    claim(api.db, { id, version: 1, survived: 0, place: api.queue.place }) as Promise<Started>;
  const sentTo = async (id: number) => (await api.db('tasks').where({ id }).first())?.sent_to;

  it('marks what it has sent, which no other sends at the same time', async () => {
    const id = await write();
    const swept = outbox.sweep();
    await sent.promise;
    assert.equal(await outbox.sweep(), 0);
    confirmed.resolve();
    assert.equal(await swept, 1);
    assert.equal(await sentTo(id), api.queue.place);
    assert.equal(await outbox.sweep(), 0);
  });

  for (const [who, send] of [
    ['a process that has written it', (id: number) => void outbox.add({ id, kind: 'digest' })],
    ['a sweep', () => outbox.sweep()],
  ] as const)
    it(`lets a task be started and handed back while ${who} waits for the broker`, async () => {
      const id = await write();
      const sending = send(id);
      await sent.promise;
      const started = await start(id);
      assert.equal(await sentTo(id), api.queue.place);
      await change(api.db, started, { status: 'pending', sent_to: null });
      confirmed.resolve();
      await sending;
      // They are sent in turn: the first has been seen to when this is marked.
      const next = await write();
      outbox.add({ id: next, kind: 'digest' });
      await eventually('the next', async () => (await sentTo(next)) ?? undefined);
      assert.equal(await sentTo(id), null);
      await api.db('tasks').where({ id }).delete();
    });
});
