import { createHash } from 'node:crypto';
import { readdir, readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { basename, extname, join, relative } from 'node:path';
import { build } from 'esbuild';

/** What a site of pages consists of: path below its root → content. */
export type Pages = Map<string, Uint8Array>;

const here = import.meta.dirname;
const require = createRequire(import.meta.url);

/** Bundled from here; a page names them as `{{client/main.ts}}`. */
const entries = [
  'client/main.ts',
  'client/style.css',
  'client/icon.svg',
  'documentation/swagger.ts',
  'documentation/swagger.css',
  'documentation/redoc.ts',
  'documentation/redoc.css',
];
/** Taken as their packages have them. */
const packaged = [
  'swagger-ui-dist/swagger-ui-bundle.js',
  'swagger-ui-dist/swagger-ui.css',
  'redoc/bundles/redoc.standalone.js',
];
const licenses = [
  'swagger-ui-dist/LICENSE',
  'swagger-ui-dist/NOTICE',
  'redoc/LICENSE',
  'openapi-fetch/LICENSE',
];
/** ReDoc shows its maker's logo from elsewhere, and nothing where that cannot be read: this cannot. */
const foreignLogo = 'https://cdn.redoc.ly/redoc/logo-mini.svg';

/**
 * Builds the pages. The same sources and packages make the same bytes; every asset is named by its own, so that it may be
 * kept for ever. HTML is in a folder a page: `home/index.html`, `docs/index.html`, `redoc/index.html`.
 */
export async function buildPages(): Promise<Pages> {
  const assets = new Map<string, [path: string, content: Uint8Array]>([
    ...(await bundled()),
    ...(await Promise.all(packaged.map(fromPackage))),
  ]);
  const pages = await Promise.all(
    (await readdir(join(here, 'pages'))).sort().map((name) => page(name, assets)),
  );
  const texts = licenses.map(
    async (name): Promise<[string, Uint8Array]> => [
      `licenses/${name.replaceAll('/', '-')}.txt`,
      await readFile(require.resolve(name)),
    ],
  );
  return new Map([...pages, ...assets.values(), ...(await Promise.all(texts))]);
}

async function bundled() {
  const { outputFiles, metafile } = await build({
    entryPoints: entries.map((name) => join(here, name)),
    absWorkingDir: here,
    outdir: join(here, 'assets'),
    outbase: here,
    entryNames: '[name]-[hash]',
    bundle: true,
    minify: true,
    format: 'esm',
    target: 'es2023',
    loader: { '.svg': 'copy' },
    legalComments: 'none',
    metafile: true,
    write: false,
  });
  const entryOf = new Map(
    Object.entries(metafile.outputs).map(([path, { entryPoint }]) => [path, entryPoint]),
  );
  return outputFiles.map(({ path, contents }): [string, [string, Uint8Array]] => {
    const output = relative(here, path);
    return [entryOf.get(output) ?? output, [output, contents]];
  });
}

async function fromPackage(name: string): Promise<[string, [string, Uint8Array]]> {
  const text = await readFile(require.resolve(name), 'utf8');
  const content = Buffer.from(name.startsWith('redoc/') ? withoutLogo(text) : text);
  const hash = createHash('sha256').update(content).digest('hex').slice(0, 8).toUpperCase();
  const type = extname(name);
  return [name, [`assets/${basename(name, type)}-${hash}${type}`, content]];
}

function withoutLogo(text: string): string {
  if (text.split(foreignLogo).length !== 2)
    throw new Error(`ReDoc has ${foreignLogo} no more, or more often`);
  return text.replace(foreignLogo, 'data:,');
}

async function page(name: string, assets: Map<string, [string, Uint8Array]>): Promise<[string, Uint8Array]> {
  const text = await readFile(join(here, 'pages', name), 'utf8');
  const filled = text.replaceAll(/\{\{(.+?)\}\}/g, (_, asset: string) => {
    const [path] = assets.get(asset) ?? [];
    if (path === undefined) throw new Error(`pages/${name} names ${asset}, which is not built`);
    return `/${path}`;
  });
  return [`${basename(name, '.html')}/index.html`, Buffer.from(filled)];
}
