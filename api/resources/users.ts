import { randomBytes } from 'node:crypto';
import Joi from 'joi';
import type { Caller } from '../auth.ts';
import type { Db } from '../db.ts';
import { ApiError, invalid, notFound, unauthorized, violates } from '../errors.ts';
import { tooManyRequests } from '../limits.ts';
import { type Route, route } from '../route.ts';
import type { Services } from '../services.ts';
import { ADA, presentUser, userShape } from '../user.ts';
import { pathId, text } from '../validate.ts';

interface User {
  id: number;
  email: string;
  username: string;
  password_hash: string;
  token_version: number;
  created_at: string;
}

declare module 'knex/types/tables.js' {
  interface Tables {
    users: User;
  }
}

interface Registration {
  email: string;
  password: string;
  username?: string;
}

interface ProfileChange {
  username?: string;
  password?: string;
  current_password?: string;
}

const email = text().email({ tlds: false }).max(254);
const username = text().trim().min(1).max(64).description('No space at either end');
/** bcrypt reads 72 bytes and would cut the rest without a word. */
const password = text().min(8).max(72, 'utf8').description('8 characters to 72 bytes of UTF-8');

const registration = Joi.object<Registration>({
  email: email.required(),
  password: password.required(),
  username: username.description('Without one the e-mail’s local part, made unique'),
})
  .meta({ title: 'Registration' })
  .example({ email: 'ada@example.org', password: 'correct horse battery', username: 'ada' });

const profileChange = Joi.object<ProfileChange>({
  username,
  password,
  current_password: text(),
})
  .with('password', 'current_password')
  .meta({ title: 'ProfileChange' })
  .example({ username: 'countess' });

/** One's own user also shows the e-mail. */
const ownUserShape = userShape
  .keys({ email: Joi.string().required() })
  .meta({ title: 'OwnUser' })
  .example({ ...ADA, email: 'ada@example.org' }, { override: true });

function presentSelf(user: Caller) {
  return { ...presentUser(user), email: user.email };
}

/** Accounts: signing up, seeing others, changing and deleting one's own. */
export function users({ db, limits, passwords }: Services): Route[] {
  return [
    route('POST /users', {
      operationId: 'signUp',
      summary: 'Sign up',
      public: true,
      body: registration,
      success: [201, ownUserShape],
      errors: [emailTaken(), usernameTaken(), tooManyRequests(1800)],
      async handle(ctx, { body }) {
        await limits.registration(ctx.ip);
        const user = await insertUser(db, body, await passwords.hash(body.password));
        ctx.body = presentSelf(user);
      },
    }),

    route('GET /users/me', {
      operationId: 'readSelf',
      summary: 'Read oneself',
      success: [200, ownUserShape],
      async handle(ctx) {
        ctx.body = presentSelf(ctx.state.caller);
      },
    }),

    route('PATCH /users/me', {
      operationId: 'changeSelf',
      summary: 'Change one’s username or password',
      body: profileChange,
      success: [200, ownUserShape],
      errors: [usernameTaken(), wrongPassword(), tooManyRequests(30)],
      async handle(ctx, { body }) {
        const { caller } = ctx.state;
        let passwordHash: string | undefined;
        if (body.password !== undefined) {
          await limits.login(ctx.ip, caller.id);
          await checkPassword(caller, body.current_password ?? '');
          passwordHash = await passwords.hash(body.password);
        }
        ctx.body = presentSelf(await updateUser(db, caller.id, body.username, passwordHash));
      },
    }),

    route('DELETE /users/me', {
      operationId: 'deleteSelf',
      summary: 'Delete oneself, with all posts and votes',
      success: [204],
      async handle(ctx) {
        await deleteUser(db, ctx.state.caller.id);
      },
    }),

    route('GET /users/:id', {
      operationId: 'readUser',
      summary: 'Read a user',
      success: [200, userShape],
      errors: [notFound('user')],
      async handle(ctx) {
        const user = await db('users')
          .where({ id: pathId(ctx.params.id) })
          .first('id', 'username', 'created_at');
        if (!user) throw notFound('user');
        ctx.body = presentUser(user);
      },
    }),
  ];

  async function checkPassword({ id }: Caller, password: string): Promise<void> {
    const user = await db('users').where({ id }).first('password_hash');
    if (await passwords.matches(password, user?.password_hash)) return;
    throw wrongPassword();
  }
}

const SELF = ['id', 'email', 'username', 'created_at'] as const;

/** Without a username of their own they get the e-mail's local part, with a random ending if it is taken. */
async function insertUser(db: Db, { email, username }: Registration, password_hash: string): Promise<Caller> {
  const localPart = email.slice(0, email.lastIndexOf('@'));
  const names = username ? [username] : [localPart, `${localPart}-${randomBytes(4).toString('hex')}`];
  for (const name of names) {
    const [user] = await db('users')
      .insert({ email, username: name, password_hash })
      .onConflict(db.raw('(lower(username))'))
      .ignore()
      .returning(SELF)
      .catch(rethrowConflict);
    if (user) return user;
  }
  throw usernameTaken();
}

/** A new password ends every token given for the old one. */
async function updateUser(db: Db, id: number, username?: string, password_hash?: string): Promise<Caller> {
  const [user] = await db('users')
    .where({ id })
    .update({
      ...(username && { username }),
      ...(password_hash && { password_hash }),
      token_version: db.raw('token_version + ?', [password_hash ? 1 : 0]),
    })
    .returning(SELF)
    .catch(rethrowConflict);
  if (!user) throw unauthorized();
  return user;
}

/**
 * The account goes with its posts and votes. Locking every post concerned beforehand, in one order for all, keeps two
 * accounts that voted for each other's posts from waiting for each other for ever.
 */
function deleteUser(db: Db, id: number): Promise<void> {
  return db.transaction(async (trx) => {
    await trx('users').where({ id }).forUpdate().select('id');
    const votedFor = trx('votes').where({ user_id: id }).select('post_id');
    await trx('posts')
      .where({ owner_id: id })
      .orWhereIn('id', votedFor)
      .orderBy('id')
      .forUpdate()
      .select('id');
    await trx('users').where({ id }).delete();
  });
}

/** A 409 for what is taken already; any other error as it is. */
function rethrowConflict(error: unknown): never {
  if (violates(error, 'users_email_key')) throw emailTaken();
  throw violates(error, 'users_username_key') ? usernameTaken() : error;
}

function wrongPassword(): ApiError {
  return invalid([{ path: 'current_password', message: 'current_password is wrong' }]);
}

function emailTaken(): ApiError {
  return new ApiError(409, 'email_taken', 'This e-mail is registered already');
}

function usernameTaken(): ApiError {
  return new ApiError(409, 'username_taken', 'This username is taken');
}
