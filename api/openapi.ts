import { STATUS_CODES } from 'node:http';
import Joi from 'joi';
import { PREFIX, type Route, route } from './route.ts';

/** RFC 9457, as `errors.ts` answers. */
const problemShape = Joi.object({
  type: Joi.string().required(),
  title: Joi.string().required(),
  status: Joi.number().integer().required(),
  detail: Joi.string(),
  errors: Joi.array().items(Joi.object({ path: Joi.string().required(), message: Joi.string().required() })),
  request_id: Joi.string().required(),
});

const BEARER = 'bearer';

/** The route that publishes these routes as OpenAPI 3.1, derived from what checks the requests. */
export function publish(routes: Route[], release: string): Route {
  const document = {
    openapi: '3.1.0',
    info: { title: 'API', version: release },
    servers: [{ url: PREFIX }],
    paths: pathsOf(routes),
    components: {
      schemas: { Problem: outputSchema(problemShape) },
      securitySchemes: {
        [BEARER]: { type: 'oauth2', flows: { password: { tokenUrl: `${PREFIX}/login`, scopes: {} } } },
      },
    },
  };
  return route('GET /openapi.json', {
    summary: 'This contract',
    public: true,
    success: [200],
    async handle(ctx) {
      ctx.body = document;
    },
  });
}

function pathsOf(routes: Route[]) {
  const paths: Record<string, Record<string, object>> = {};
  for (const row of routes) {
    const path = row.path.replaceAll(/:(\w+)/g, '{$1}');
    paths[path] = { ...paths[path], [row.method.toLowerCase()]: operationOf(row) };
  }
  return paths;
}

function operationOf(row: Route) {
  return {
    summary: row.summary,
    security: row.public ? [] : [{ [BEARER]: [] }],
    parameters: [...pathParameters(row.path), ...queryParameters(row.query)],
    ...(row.body && { requestBody: requestBody(row.body) }),
    responses: responsesOf(row),
  };
}

function pathParameters(path: string) {
  const names = [...path.matchAll(/:(\w+)/g)].map(([, name]) => name);
  return names.map((name) => ({ name, in: 'path', required: true, schema: { type: 'integer' } }));
}

function queryParameters(query: Joi.ObjectSchema | undefined) {
  const { properties = {} } = query ? inputSchema(query) : {};
  return Object.entries(properties).map(([name, schema]) => ({ name, in: 'query', schema }));
}

function requestBody(body: Joi.ObjectSchema) {
  // Unknown keys are dropped, not refused.
  const schema = inputSchema(body.unknown());
  return {
    required: true,
    content: { 'application/json': { schema }, 'application/x-www-form-urlencoded': { schema } },
  };
}

function responsesOf({ success: [status, shape], errors = [], ...checks }: Route) {
  const refusals = [...(checks.public ? [] : [401]), ...(checks.query || checks.body ? [422] : [])];
  const statuses = new Set([...refusals, ...(checks.body ? [413] : []), ...errors]);
  const responses: Record<number, object> = {
    [status]: {
      description: STATUS_CODES[status],
      ...(shape && content('application/json', outputSchema(shape))),
    },
  };
  for (const error of statuses) responses[error] = refusal(error);
  return responses;
}

function refusal(status: number) {
  const problem = content('application/problem+json', { $ref: '#/components/schemas/Problem' });
  return { description: STATUS_CODES[status], ...(status >= 400 && problem) };
}

function content(type: string, schema: object) {
  return { content: { [type]: { schema } } };
}

const DIALECT = { target: 'draft-2020-12' } as const;

function inputSchema(schema: Joi.Schema): { properties?: Record<string, object> } {
  return schema['~standard'].jsonSchema.input(DIALECT);
}

function outputSchema(schema: Joi.Schema): object {
  return schema['~standard'].jsonSchema.output(DIALECT);
}
