import type { Api } from './api.ts';
import type { components } from './contract.d.ts';
import type { Route } from './route.ts';

/** What a view shows in the middle of the page. */
export type Shown = { title: string; content: Node[] };

export type Context = {
  api: Api;
  route: Route;
  /** The signed-in user; views before a sign-in have no use for it. */
  me: Me | undefined;
};

export type Me = components['schemas']['OwnUser'];

/** What is to be shown at a route; throws a `Refusal`. */
export type View = (context: Context) => Promise<Shown> | Shown;
