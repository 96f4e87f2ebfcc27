import { variableOf } from './maintenance.ts';
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

/** nginx's configuration and the landing page, path → content, each set in the order in which it is written. */
export function nginxFiles(settings: Settings, platform: Platform) {
  const apps = Object.values(settings.apps);
  const configuration: Configuration = {
    '/etc/nginx/conf.d/berth.variables.conf': render('nginx/variables.conf'),
    '/etc/nginx/berth/closing.conf': render('nginx/closing.conf', { file: closingPath }),
    '/etc/nginx/berth/tls.conf': render('nginx/tls.conf'),
    '/etc/nginx/berth/headers.conf': render('nginx/headers.conf'),
    '/etc/nginx/berth/landing-headers.conf': render('nginx/landing-headers.conf'),
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
  // The page asks their health paths on its own site, where those with a domain are not.
  const here = apps.filter(({ domains }) => domains.length === 0);
  return { configuration, landing: landing(settings, here) };
}

function problem([status, title, detail]: [number, string, string]): string {
  return render('nginx/error.conf', { status, title, detail });
}

function servers(settings: Settings, platform: Platform): string {
  const { httpPort, publicHttpsPort } = settings.nginx;
  const groups = Map.groupBy(Object.values(settings.apps), ({ domains }) => domains.join(' '));
  const main = groups.get('') ?? [];
  groups.delete('');
  const listen = (isDefault: boolean) =>
    render(`nginx/listen-${platform.nginxHttp2}.conf`, {
      port: settings.nginx.httpsPort,
      default: isDefault ? ' default_server' : '',
    }).trimEnd();
  const block = (names: string, apps: AppSettings[], isDefault: boolean) =>
    render('nginx/site.conf', {
      listen: listen(isDefault),
      names,
      certificate: serverPath,
      // nginx takes the first that matches: /shop before /.
      locations: apps
        .toSorted((a, b) => b.prefix.length - a.prefix.length)
        .flatMap((app) => [location(app), away(app)])
        .join('\n'),
    });
  return render('nginx/server.conf', {
    httpPort,
    challenges:
      settings.tls.kind === 'letsencrypt' ? render('nginx/acme.conf', { webroot: acme.webroot }) : '',
    publicPort: publicHttpsPort === 443 ? '' : `:${publicHttpsPort}`,
    servers: [block('_', main, true), ...[...groups].map(([names, apps]) => block(names, apps, false))].join(
      '\n',
    ),
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

function landing(settings: Settings, apps: AppSettings[]): Record<string, string> {
  const lines = apps.map(({ name, prefix, health }) =>
    render('nginx/landing/app.html', { app: name, prefix, health }),
  );
  const page = { hostname: settings.hostname, apps: lines.join('') };
  return {
    '/var/www/berth/index.html': render('nginx/landing/index.html', page),
    '/var/www/berth/style.css': render('nginx/landing/style.css'),
    '/var/www/berth/landing.js': render('nginx/landing/landing.js'),
  };
}
