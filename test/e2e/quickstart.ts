import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { runChecked } from '../../scripts/process.ts';

/** A small application as its framework's own quick start has it: it knows nothing but `listen(process.env.PORT)`. */
export type QuickStart = {
  files: Record<string, string>;
  /** What npm installs besides, for its build. */
  development: string[];
  packages: string[];
};

const express: QuickStart = {
  packages: ['express'],
  development: [],
  files: {
    Procfile: 'web: npm start\nrelease: node -e "console.log(process.env.RELEASE)"\n',
    'package.json': JSON.stringify({
      name: 'shop',
      version: '1.0.0',
      private: true,
      scripts: { start: 'node index.js' },
    }),
    'uploads/.gitkeep': '',
    'index.js': `const express = require('express');
const { readFile, writeFile } = require('node:fs/promises');
const app = express();
const port = process.env.PORT || 3000;

app.get('/', (req, res) => {
  res.json({ app: 'shop', version: 1, pid: process.pid });
});

app.get('/slow', (req, res) => {
  setTimeout(() => res.send('late'), 4000);
});

app.put('/uploads/:name', express.raw({ type: '*/*', limit: '10mb' }), async (req, res) => {
  await writeFile(\`uploads/\${req.params.name}\`, req.body);
  res.sendStatus(204);
});

app.get('/uploads/:name', async (req, res) => {
  res.send(await readFile(\`uploads/\${req.params.name}\`, 'utf8'));
});

app.listen(port, () => {
  console.log(\`Example app listening on port \${port}\`);
});
`,
  },
};

const fastify: QuickStart = {
  packages: ['fastify'],
  development: [],
  files: {
    Procfile: 'web: node server.mjs\n',
    'package.json': JSON.stringify({ name: 'blog', version: '1.0.0', private: true }),
    'server.mjs': `import Fastify from 'fastify';

const fastify = Fastify({ logger: true });

fastify.get('/blog', async (request, reply) => {
  return { app: 'blog', version: 1, pid: process.pid, database: process.env.DATABASE_URL };
});

try {
  await fastify.listen({ port: process.env.PORT });
} catch (err) {
  fastify.log.error(err);
  process.exit(1);
}
`,
  },
};

/** Without a Procfile, with a build step, and WebSockets. */
const sockets: QuickStart = {
  packages: ['ws'],
  development: ['typescript', '@types/node', '@types/ws'],
  files: {
    'package.json': JSON.stringify({
      name: 'chat',
      version: '1.0.0',
      private: true,
      type: 'module',
      scripts: { build: 'tsc', start: 'node dist/server.js' },
    }),
    'tsconfig.json': JSON.stringify({
      compilerOptions: {
        module: 'nodenext',
        target: 'es2022',
        strict: true,
        rootDir: 'src',
        outDir: 'dist',
        types: ['node'],
      },
      include: ['src'],
    }),
    'src/server.ts': `import { createServer } from 'node:http';
import { WebSocketServer } from 'ws';

const version: number = 1;
const server = createServer((req, res) => {
  if (req.url === '/chat/slow') return;
  res.setHeader('content-type', 'application/json');
  res.end(JSON.stringify({ app: 'chat', version, pid: process.pid, upgrade: req.headers.upgrade ?? null }));
});
const wss = new WebSocketServer({ server });

wss.on('connection', function connection(ws) {
  ws.on('error', console.error);
  ws.on('message', function message(data) {
    ws.send(\`\${version}: \${data}\`);
  });
});

server.listen(process.env.PORT);
`,
  },
};

export const quickStarts = { shop: express, blog: fastify, chat: sockets };

/** Writes one into a folder, with the lock file that npm makes for it. */
export async function writeQuickStart(
  folder: string,
  { files, packages, development }: QuickStart,
): Promise<void> {
  for (const [name, content] of Object.entries(files)) {
    mkdirSync(dirname(join(folder, name)), { recursive: true });
    writeFileSync(join(folder, name), content);
  }
  const install = ['npm', 'install', '--no-audit', '--no-fund'];
  await runChecked([...install, ...packages], { cwd: folder });
  if (development.length > 0) await runChecked([...install, '--save-dev', ...development], { cwd: folder });
}
