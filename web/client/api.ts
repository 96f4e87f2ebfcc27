import createClient, { type Client } from 'openapi-fetch';
import type { components, paths } from './contract.d.ts';
import { must } from './problem.ts';

/** The API as one visitor uses it. */
export type Api = Client<paths> & {
  readonly signedIn: boolean;
  signIn(credentials: { username: string; password: string }): Promise<void>;
  /** Goes on with the session of before a reload, if there is one. */
  resume(): Promise<void>;
  signOut(): Promise<void>;
  /** The account is gone, and every token with it. */
  forget(): void;
};

/**
 * The refresh token outlives a reload, and ends with the tab, so that a later visitor of this computer does not find it; a
 * tab that is duplicated shares it, and of two that refresh at once one is signed out with the other. The access token is in
 * memory alone. Both are safe from scripts of others, which the page's policy does not let in.
 */
const KEY = 'refresh_token';

/** `ended` is called when the API takes the session's tokens no more. */
export function createApi(baseUrl: string, ended: () => void): Api {
  let accessToken: string | undefined;
  let refreshing: Promise<boolean> | undefined;
  const open = createClient<paths>({ baseUrl });
  const client = createClient<paths>({ baseUrl, fetch: send });

  /** A token lives for minutes: one that is refused is replaced, and the request sent once more. */
  async function send(request: Request): Promise<Response> {
    const again = request.clone();
    const response = await fetch(signed(request));
    if (response.status !== 401 || !(await refreshed())) return response;
    return fetch(signed(again));
  }

  function signed(request: Request): Request {
    if (accessToken) request.headers.set('Authorization', `Bearer ${accessToken}`);
    return request;
  }

  /** One exchange for all requests that wait for it: to bring a token twice would end the session. */
  function refreshed(): Promise<boolean> {
    refreshing ??= refresh().finally(() => {
      refreshing = undefined;
    });
    return refreshing;
  }

  async function refresh(): Promise<boolean> {
    const refresh_token = sessionStorage.getItem(KEY);
    if (refresh_token === null) return false;
    const { data, response } = await open.POST('/token/refresh', { body: { refresh_token } });
    if (data) keep(data);
    else if (response.status === 401) {
      forget();
      ended();
    }
    return data !== undefined;
  }

  function keep(tokens: components['schemas']['Tokens']): void {
    accessToken = tokens.access_token;
    sessionStorage.setItem(KEY, tokens.refresh_token);
  }

  function forget(): void {
    accessToken = undefined;
    sessionStorage.removeItem(KEY);
  }

  return {
    ...client,
    get signedIn() {
      return accessToken !== undefined;
    },
    async signIn(body) {
      const { data } = await must(open.POST('/login', { body }));
      keep(data);
    },
    async resume() {
      await refreshed();
    },
    async signOut() {
      const refresh_token = sessionStorage.getItem(KEY);
      forget();
      // Whatever it answers, this page has forgotten it.
      if (refresh_token) await open.POST('/logout', { body: { refresh_token } });
    },
    forget,
  };
}
