import { noBroker, retiredBroker, vhost } from '../resources/broker.ts';
import { confined, recordStart } from '../resources/confined.ts';
import { directory, file } from '../resources/file.ts';
import type { Resource } from '../resources/resource.ts';
import { recordLoaded, service } from '../resources/service.ts';
import type { Settings } from '../settings.ts';
import { render } from '../template.ts';
import { appsOfBroker, brokerFiles } from './conf.ts';
import { brokerService, brokerUnits, dropIns, mapperService, mapperSocket } from './units.ts';

/**
 * Before the package, whose first start would listen on every address and make a guest. Once no application asks for
 * RabbitMQ they stay as they are: who starts it by hand starts it like this.
 */
export function brokerSettings(settings: Settings, memoryMiB: number): Resource[] {
  const files = brokerFiles(memoryMiB);
  const units = {
    [`${dropIns(mapperSocket)}/berth-loopback.conf`]: render('systemd/epmd-loopback.conf'),
    [`${dropIns(brokerService)}/berth-restart.conf`]: render('systemd/restart.conf'),
    [`${dropIns(brokerService)}/berth-owner.conf`]: render('systemd/rabbitmq-owner.conf'),
    [`${dropIns(brokerService)}/berth-journal.conf`]: render('systemd/rabbitmq-journal.conf'),
    ...sandboxOf(mapperService),
    ...sandboxOf(brokerService),
  };
  const resources = [
    directory({ path: '/etc/rabbitmq', holds: 'theirs' }),
    ...brokerUnits.map((unit) => directory({ path: dropIns(unit) })),
    ...Object.entries({ ...files, ...units }).map(([path, content]) => file({ path, content })),
    recordLoaded(brokerService, Object.keys(files)),
  ] as Resource[];
  return appsOfBroker(settings).length > 0 ? resources : resources.map(asItIs);
}

/** RabbitMQ itself, and what each application has there; after the environments, which hold the passwords. */
export function broker(settings: Settings, memoryMiB: number): Resource[] {
  const apps = appsOfBroker(settings);
  if (apps.length === 0) return [];
  return [
    { ...service(mapperSocket), inverse: () => ({}) },
    confined(mapperService, { dropIn: sandboxOf(mapperService), disturbs: [] }),
    {
      ...service(brokerService, { configuration: brokerFiles(memoryMiB) }),
      inverse: (options) => ({ goal: noBroker(options) }),
    },
    // What is under way in it survives a start, and its clients connect anew.
    confined(brokerService, { dropIn: sandboxOf(brokerService), disturbs: [] }),
    ...apps.map(vhost),
  ];
}

/** After the releases, the last of which may have let go of it just now. */
export function noLongerBroker(settings: Settings): Resource[] {
  if (appsOfBroker(settings).length > 0) return [];
  return [retiredBroker(Object.keys(settings.apps))];
}

function sandboxOf(unit: string): Record<string, string> {
  const path = `${dropIns(unit)}/berth-sandbox.conf`;
  const writable = unit === brokerService ? '-/var/lib/rabbitmq -/var/log/rabbitmq' : '';
  return { [path]: render('systemd/rabbitmq-sandbox.conf', { recorded: recordStart(path), writable }) };
}

function asItIs(resource: Resource): Resource {
  return { ...resource, plan: () => [] };
}
