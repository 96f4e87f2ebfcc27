import { variableOf } from './maintenance.ts';
import { pageLocations, type Site, sitesOf } from './pages.ts';
import type { Platform } from './platform.ts';
import type { Configuration } from './resources/service.ts';
import type { AppSettings, Settings } from './settings.ts';
import { render } from './template.ts';
import { acme, serverPath } from './tls/files.ts';

/** While it is there nginx is about to reload. */
const closingPath = '/run/berth/closing';

/** Its unit's drop-in. */
export const nginxReload = () => render('systemd/nginx-reload.conf', { file: closingPath });

/** What nginx answers itself, in the same form as the API's own problems (RFC 9457). */
const problems: [number, string, string][] = [
  [400, 'Bad Request', 'The request could not be understood.'],
  [404, 'Not Found', 'There is nothing at this path.'],
  [405, 'Method Not Allowed', 'This path does not take that method.'],
  [408, 'Request Timeout', 'The request took too long to arrive.'],
  [413, 'Content Too Large', 'The request body is larger than this server takes.'],
  [414, 'URI Too Long', 'The address is longer than this server takes.'],
  [502, 'Bad Gateway', 'The application does not answer just now.'],
  [503, 'Service Unavailable', 'The application cannot serve just now.'],
  [504, 'Gateway Timeout', 'The application took too long to answer.'],
];

/** nginx's configuration, path → content, in the order in which it is written. */
export function nginxFiles(settings: Settings, platform: Platform): Configuration {
  const apps = Object.values(settings.apps);
  return {
    '/etc/nginx/conf.d/berth.variables.conf': render('nginx/variables.conf'),
    '/etc/nginx/berth/closing.conf': render('nginx/closing.conf', { file: closingPath }),
    '/etc/nginx/berth/tls.conf': render('nginx/tls.conf'),
    '/etc/nginx/berth/headers.conf': render('nginx/headers.conf'),
    ...Object.fromEntries(
      ['page', 'document', 'asset'].map((what) => [
        `/etc/nginx/berth/${what}-headers.conf`,
        render(`nginx/${what}-headers.conf`),
      ]),
    ),
    '/etc/nginx/berth/proxy.conf': render('nginx/proxy.conf'),
    '/etc/nginx/berth/errors.conf': problems.map(problem).join('\n'),
    '/etc/nginx/nginx.conf': render('nginx/nginx.conf'),
    ...Object.fromEntries(
      apps.map(({ name }) => [
        `/etc/nginx/conf.d/berth-${name}.conf`,
        render('nginx/upstream.conf', { app: name }),
      ]),
    ),
    '/etc/nginx/conf.d/berth.conf': servers(settings, platform),
  };
}

function problem([status, title, detail]: [number, string, string]): string {
  return render('nginx/error.conf', { status, title, detail });
}

function servers(settings: Settings, platform: Platform): string {
  const { httpPort, publicHttpsPort } = settings.nginx;
  const listen = (isDefault: boolean) =>
    render(`nginx/listen-${platform.nginxHttp2}.conf`, {
      port: settings.nginx.httpsPort,
      default: isDefault ? ' default_server' : '',
    }).trimEnd();
  const block = (site: Site, index: number) =>
    render('nginx/site.conf', {
      listen: listen(index === 0),
      names: site.names,
      certificate: serverPath,
      pages: pageLocations(site),
      // nginx takes the first that matches: /shop before /.
      locations: site.apps
        .toSorted((a, b) => b.prefix.length - a.prefix.length)
        .flatMap((app) => [location(app), away(app)])
        .join('\n'),
    });
  return render('nginx/server.conf', {
    httpPort,
    challenges:
      settings.tls.kind === 'letsencrypt' ? render('nginx/acme.conf', { webroot: acme.webroot }) : '',
    publicPort: publicHttpsPort === 443 ? '' : `:${publicHttpsPort}`,
    servers: sitesOf(settings).map(block).join('\n'),
  });
}

function location(app: AppSettings): string {
  const values = {
    app: app.name,
    variable: variableOf(app.name),
    pattern: app.prefix === '/' ? '^/' : `^${app.prefix.replace(/[.+]/g, '\\$&')}(/|$)`,
    bodyLimitBytes: app.bodyLimitBytes,
    answerSeconds: Math.ceil(app.timeouts.answerMs / 1000),
    connectSeconds: Math.ceil(app.timeouts.connectMs / 1000),
  };
  return render(app.websocket ? 'nginx/location-websocket.conf' : 'nginx/location.conf', values);
}

function away({ name }: AppSettings): string {
  return render('nginx/maintenance/location.conf', { app: name });
}
