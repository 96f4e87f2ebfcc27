/** What the client asks of an API, as its document names it. */
const needed = [
  ['/users', 'post'],
  ['/users/me', 'get'],
  ['/users/me', 'delete'],
  ['/login', 'post'],
  ['/token/refresh', 'post'],
  ['/logout', 'post'],
  ['/posts', 'get'],
  ['/posts', 'post'],
  ['/posts/{id}', 'get'],
  ['/posts/{id}', 'put'],
  ['/posts/{id}', 'delete'],
  ['/vote', 'post'],
] as const;

type Document = {
  servers?: { url: string }[];
  paths?: Record<string, Record<string, unknown>>;
};

/** Where the API of a document is; undefined where there is no document, or one of an API that this is no client of. */
export async function clientBase(openapi: string): Promise<string | undefined> {
  const answer = await fetch(openapi).catch(() => undefined);
  const document: Document | undefined = answer?.ok ? await answer.json().catch(() => undefined) : undefined;
  const fits = needed.every(([path, method]) => document?.paths?.[path]?.[method]);
  return fits ? document?.servers?.[0]?.url : undefined;
}
