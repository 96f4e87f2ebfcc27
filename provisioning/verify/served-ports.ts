import type { Settings } from '../settings.ts';

export type ServedPorts = {
  /** TCP ports that must answer: SSH, HTTP, HTTPS. */
  needed: number[];
  /** Others that the settings open. */
  allowed: { tcp: number[]; udp: number[] };
};

/** Read only where the settings have them: a machine is verified by the settings that it was sent. */
type Opened = { ssh?: { port: number }; firewall?: { allow: string[] } };

export function servedPorts(settings: Settings): ServedPorts {
  const { ssh, firewall } = settings as Settings & Opened;
  const allow = (firewall?.allow ?? []).map((entry) => entry.split('/') as [port: string, protocol: string]);
  const of = (protocol: string) => allow.filter(([, its]) => its === protocol).map(([port]) => Number(port));
  return {
    needed: [ssh?.port ?? 22, settings.nginx.httpPort, settings.nginx.httpsPort],
    allowed: { tcp: of('tcp'), udp: of('udp') },
  };
}
