import Joi from 'joi';
import { RESPONSE_HEADERS } from './openapi/headers.ts';
import { parametersOf, requestBodyOf } from './openapi/requests.ts';
import { responsesOf, sharedResponses } from './openapi/responses.ts';
import { createComponents, type Refer } from './openapi/schemas.ts';
import { PREFIX, type Route, route } from './route.ts';

const DESCRIPTION = `JSON in UTF-8; times are ISO 8601 in UTC. Lengths of text count UTF-16 code units.

An error is problem details (RFC 9457): its \`type\` ends in a code that does not change, its \`request_id\` is in the logs.
A body's unknown keys are ignored.

Who is signed in and sends \`Prefer: server-timing\` (RFC 7240) is told by \`Server-Timing\` where the time went.

A path is the same with a trailing slash. HEAD answers as GET does, without the body; any other method that a path does
not take is a 405 whose \`Allow\` names those that it takes, a path that is not here a 404. OPTIONS is answered to
the origins alone that the server is set to allow.

\`Prefer: server-timing\` has the signed-in told by \`Server-Timing\` where the time went.`;

/** Either proves who calls: Swagger UI asks for e-mail and password by the first, other clients bring a token. */
const SECURITY_SCHEMES = {
  password: {
    type: 'oauth2',
    description: 'E-mail and password',
    flows: {
      password: { tokenUrl: `${PREFIX}/login`, refreshUrl: `${PREFIX}/token/refresh`, scopes: {} },
    },
  },
  bearer: {
    type: 'http',
    scheme: 'bearer',
    bearerFormat: 'JWT',
    description: 'The `access_token` of a login',
  },
};

const SIGNED_IN = Object.keys(SECURITY_SCHEMES).map((name) => ({ [name]: [] }));

/** The route that publishes these routes, and itself. */
export function publish(routes: Route[], release: string): Route {
  return publication(JSON.stringify(createDocument(routes, release)));
}

/** These routes, and the one that publishes them, as OpenAPI 3.1: derived from what checks the requests. */
export function createDocument(routes: Route[], release: string) {
  const { schemas, refer } = createComponents();
  const all = [...routes, publication('')];
  return {
    openapi: '3.1.0',
    info: {
      title: 'API',
      version: release,
      description: DESCRIPTION,
      license: { name: 'MIT', identifier: 'MIT' },
    },
    servers: [{ url: PREFIX }],
    tags: tagsOf(all),
    paths: pathsOf(all, refer),
    components: {
      schemas,
      responses: sharedResponses(refer),
      headers: RESPONSE_HEADERS,
      securitySchemes: SECURITY_SCHEMES,
    },
  };
}

function publication(document: string): Route {
  const row = route('GET /openapi.json', {
    operationId: 'readContract',
    summary: 'This contract',
    public: true,
    success: [200, Joi.object().unknown().description('An OpenAPI document').example({ openapi: '3.1.0' })],
    async handle(ctx) {
      ctx.type = 'json';
      ctx.body = document;
    },
  });
  return { ...row, tag: { name: 'contract', description: 'What you are reading' } };
}

function tagsOf(routes: Route[]) {
  const tags = routes.flatMap(({ tag }) => tag ?? []);
  return [...new Map(tags.map((tag) => [tag.name, tag])).values()];
}

function pathsOf(routes: Route[], refer: Refer) {
  const paths: Record<string, Record<string, object>> = {};
  for (const row of routes) {
    const path = row.path.replaceAll(/:(\w+)/g, '{$1}');
    paths[path] = { ...paths[path], [row.method.toLowerCase()]: operationOf(row, refer) };
  }
  return paths;
}

function operationOf(row: Route, refer: Refer) {
  return {
    operationId: row.operationId,
    summary: row.summary,
    ...(row.tag && { tags: [row.tag.name] }),
    security: row.public ? [] : SIGNED_IN,
    parameters: parametersOf(row),
    ...(row.body && { requestBody: requestBodyOf(row.body, refer) }),
    responses: responsesOf(row, refer),
  };
}
