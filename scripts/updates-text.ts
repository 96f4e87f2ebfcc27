import type { UpdatesStatus } from '../provisioning/updates.ts';

/** `2 security updates wait (libssl3, nginx); PostgreSQL 17.7, by hand: apt-get …; a reboot is needed`, or `none wait`. */
export function updatesText(updates: UpdatesStatus | null): string {
  if (!updates) return 'not known yet';
  const { security, postgresql, restarts, rebootRequired } = updates;
  const server = postgresql.find(({ name }) => /^postgresql-\d+$/.test(name)) ?? postgresql[0];
  const names = security.map(({ name }) => name).join(', ');
  const parts = [
    ...(security.length > 0 ? [`${plural(security.length, 'security update')} (${names})`] : []),
    ...(server ? [`PostgreSQL ${server.to}, by hand: apt-get install --only-upgrade ${server.name}`] : []),
    ...(restarts.length > 0 ? [`to be started anew: ${restarts.join(', ')}`] : []),
    ...(rebootRequired ? ['a reboot is needed'] : []),
  ];
  return parts.length === 0 ? 'none wait' : parts.join('; ');
}

function plural(count: number, word: string): string {
  return `${count} ${word}${count === 1 ? ' waits' : 's wait'}`;
}
