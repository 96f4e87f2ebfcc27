import type { Route } from '../route.ts';
import type { Services } from '../services.ts';
import { digests } from './digests.ts';
import { exports } from './exports.ts';
import { health } from './health.ts';
import { posts } from './posts.ts';
import { sessions } from './sessions.ts';
import { tasks } from './tasks.ts';
import { users } from './users.ts';
import { votes } from './votes.ts';

/** Every resource of the API: a new one is a file here and a line in this list. */
const LIST: [name: string, description: string, routes: (services: Services) => Route[]][] = [
  ['health', 'Whether the process is alive, and whether it can serve', health],
  ['users', 'Signing up, seeing others, changing and deleting one’s own account', users],
  ['sessions', 'Signing in, staying so, and signing out', sessions],
  ['posts', 'Read by all who are signed in, written by their owners', posts],
  ['votes', 'One a user a post, given and taken back', votes],
  ['tasks', 'Work that takes longer than an answer', tasks],
  ['exports', 'Files that tasks have made', exports],
  ['digests', 'The best of a period', digests],
];

/** The rows of every resource. */
export function resources(services: Services): Route[] {
  return LIST.flatMap(([name, description, routes]) =>
    routes(services).map((row) => ({ ...row, tag: { name, description } })),
  );
}
