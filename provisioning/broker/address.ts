/** The machine's RabbitMQ, on loopback alone. */
export const brokerHost = '127.0.0.1';
export const brokerPort = 5672;
/** With those of its tools: Erlang's port mapper, and what it leads to. */
export const brokerPorts = [brokerPort, 4369, 25_672];

/** An application's user and vhost both have its name. */
export type Account = { app: string; password: string };

export function queueUrl(app: string, password: string): string {
  return `amqp://${app}:${password}@${brokerHost}:${brokerPort}/${app}`;
}

/** The account that a QUEUE_URL is for; null: none of this application's in the machine's own RabbitMQ. */
export function accountOf(app: string, url: string | undefined): Account | null {
  const [before, after] = queueUrl(app, '\0').split('\0') as [string, string];
  if (!url?.startsWith(before) || !url.endsWith(after)) return null;
  const password = url.slice(before.length, -after.length);
  return /^[\w-]+$/.test(password) ? { app, password } : null;
}
