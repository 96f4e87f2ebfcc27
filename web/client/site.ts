/** What the machine says it runs here: `/site.json`, as provisioning writes it. */
export type Site = { hostname: string; applications: Application[] };

export type Application = {
  name: string;
  prefix: string;
  /** The path that answers 200 once it can serve. */
  health: string;
  /** The path of its OpenAPI document; null: it has none. */
  openapi: string | null;
};

export async function readSite(): Promise<Site> {
  const answer = await fetch('/site.json');
  if (!answer.ok) throw new Error(`/site.json answers ${answer.status}`);
  return answer.json();
}

/** The application whose document `/docs`, `/redoc` and the client show. */
export function documentedOf({ applications }: Site): Application | undefined {
  return applications.find(({ openapi }) => openapi !== null);
}
