import type { Route } from '../route.ts';
import type { Services } from '../services.ts';
import { health } from './health.ts';
import { posts } from './posts.ts';
import { sessions } from './sessions.ts';
import { users } from './users.ts';
import { votes } from './votes.ts';

/** Every resource of the API: a new one is a file here and a line in this list. */
export function resources(services: Services): Route[] {
  return [health, users, sessions, posts, votes].flatMap((resource) => resource(services));
}
