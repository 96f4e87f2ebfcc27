import type { Knex } from 'knex';

/** posts.votes is kept by the database: no client can miscount, and a deleted account's votes leave with it. */
export async function up(db: Knex): Promise<void> {
  await db.raw(`
    create table votes (
      post_id integer not null references posts on delete cascade,
      user_id integer not null references users on delete cascade,
      primary key (post_id, user_id)
    );
    create index votes_user_id on votes (user_id);

    create function count_vote() returns trigger language plpgsql as $$
    begin
      if tg_op = 'INSERT' then
        update posts set votes = votes + 1 where id = new.post_id;
      else
        update posts set votes = votes - 1 where id = old.post_id;
      end if;
      return null;
    end
    $$;
    create trigger count_vote after insert or delete on votes for each row execute function count_vote();
  `);
}

export async function down(db: Knex): Promise<void> {
  await db.raw('drop table votes; drop function count_vote()');
}
