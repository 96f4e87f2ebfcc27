import { createDocument } from '../openapi.ts';
import { resources } from '../resources/index.ts';
import type { Services } from '../services.ts';

// Nothing is asked of a service before a request is handled, and here none is.
const routes = resources({ config: {} } as Services);
process.stdout.write(`${JSON.stringify(createDocument(routes, process.env.RELEASE || 'dev'), null, 2)}\n`);
