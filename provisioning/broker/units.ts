export const brokerService = 'rabbitmq-server.service';
/** Erlang's port mapper, which RabbitMQ's tools find it by; systemd listens for it. */
export const mapperService = 'epmd.service';
export const mapperSocket = 'epmd.socket';
/** RabbitMQ before what it is found by. */
export const brokerUnits = [brokerService, mapperSocket, mapperService];

export const dropIns = (unit: string) => `/etc/systemd/system/${unit}.d`;
/** That it is there says that RabbitMQ is Berth's. */
export const brokerMarker = `${dropIns(brokerService)}/berth-loaded.conf`;
