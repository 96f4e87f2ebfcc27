/** One line of nginx's access log, as the `berth` format of nginx.conf writes it. */
export type AccessEntry = {
  /** ISO 8601, UTC. */
  at: string;
  app: string;
  release: string;
  method: string;
  host: string;
  path: string;
  status: number;
  seconds: number;
  bytes: number;
  address: string;
  protocol: string;
  requestId: string;
  agent: string;
};

/** null for what is no line of ours. */
export function parseAccess(line: string): AccessEntry | null {
  try {
    const { time, request_id, app, release, ...said } = JSON.parse(line);
    const { method, host, path, status, seconds, bytes, address, protocol, agent } = said;
    return {
      ...{ at: new Date(time).toISOString(), app: named(app), release: named(release) },
      ...{ method, host, path, status, seconds, bytes, address, protocol, requestId: request_id, agent },
    };
  } catch {
    return null;
  }
}

/** nginx writes `-` for a variable that has no value. */
function named(text: unknown): string {
  return typeof text === 'string' && text !== '-' ? text : '';
}

/** `2026-03-01T12:00:00.000Z api v6 GET example.org/api/posts 200 0.012s 1234B 203.0.113.7 HTTP/2.0 4f1c… "curl/8"`. */
export function accessText(entry: AccessEntry): string {
  const { at, app, release, method, host, path, status, seconds, bytes, address, protocol } = entry;
  const who = [address, protocol, entry.requestId, JSON.stringify(entry.agent)];
  const from = [app || 'nginx', release].filter(Boolean);
  return [at, ...from, method || '-', `${host}${path}`, status, `${seconds}s`, `${bytes}B`, ...who].join(' ');
}
