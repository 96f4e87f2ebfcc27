import { connect } from 'node:net';
import { messageOf } from '../../provisioning/errors.ts';
import { type Finding, judge, skip } from '../../provisioning/verify/finding.ts';
import { type AlgorithmKind, weak } from '../../provisioning/verify/ssh-algorithms.ts';
import { run as runProgram } from '../process.ts';
import { methodsArgv } from '../ssh-argv.ts';
import { reasonOf } from './route.ts';
import { type Offer, parseOffer } from './ssh-offer.ts';
import type { OutsideCheck, Target } from './target.ts';

const fix = 'berth apply; sudo sshd -T on the machine shows what counts';

/** What sshd says to a stranger, before and after it knows his name. */
export const ssh: OutsideCheck = { id: 'ssh', run };

async function run(target: Target) {
  const { user: admin } = target.settings.admin;
  const [offer, ofAdmin, ofRoot] = await Promise.all([
    offered(target),
    methodsFor(target, admin, 'none'),
    // With the key that lets the sudo user in, or that let root in at first.
    methodsFor(target, 'root', 'publickey'),
  ]);
  return [
    judge(
      {
        id: 'ssh.methods',
        title: 'SSH lets in by key alone',
        fix,
        reference: 'Mozilla OpenSSH; CIS Debian 12 5.1.22',
      },
      ofAdmin === 'publickey' ? [] : [`offered to ${admin}: ${ofAdmin}`],
      'publickey',
    ),
    judge(
      { id: 'ssh.root', title: 'SSH refuses root whatever the key', fix, reference: 'CIS Debian 12 5.1.20' },
      ofRoot === 'let in' ? ['root was let in'] : [],
      `refused, offered: ${ofRoot}`,
    ),
    ...offer,
  ];
}

/** What it says before anybody logs in, to a connection of our own. */
async function offered(target: Target): Promise<Finding[]> {
  const kinds: AlgorithmKind[] = ['kex', 'hostKey', 'cipher', 'mac'];
  const algorithms = {
    ...{ id: 'ssh.algorithms', title: 'SSH offers sound algorithms alone', fix },
    reference: 'Mozilla OpenSSH; ssh-audit',
  };
  const banner = {
    ...{ id: 'ssh.banner', title: 'SSH does not say which package it is', fix },
    reference: 'Lynis SSH-7408',
  };
  const { through } = target.route;
  if (through !== null) return [algorithms, banner].map((rule) => skip(rule, reasonOf(through)));
  const offer = await readOffer(target);
  return [
    judge(
      algorithms,
      kinds.flatMap((kind) => weak(kind, offer[kind])),
      kinds.map((kind) => offer[kind]).join(' '),
    ),
    judge(banner, /debian|ubuntu/i.test(offer.banner) ? [offer.banner] : [], offer.banner),
  ];
}

/** What sshd would still take of this user, e.g. `publickey,password`, or `let in`. */
async function methodsFor({ reach }: Target, user: string, method: string): Promise<string> {
  const { code, stderr } = await runProgram(methodsArgv(reach, user, method));
  if (code === 0) return 'let in';
  const [, methods] = /Permission denied \(([^)]*)\)/.exec(stderr) ?? [];
  if (methods === undefined) throw new Error(`ssh as ${user}: ${stderr.trim() || `exit code ${code}`}`);
  return methods;
}

/** Both lists and the version are a few KiB; whoever sends more, or trickles them in, is no sshd. */
const most = { bytes: 64 * 1024, ms: 15_000 };

/** Reads what a server sends first of all to whoever connects: its version and its KEXINIT. */
export function readOffer({
  route: { sshHost: host, sshPort: port },
}: Pick<Target, 'route'>): Promise<Offer> {
  return new Promise((resolve, reject) => {
    let received = Buffer.alloc(0);
    const socket = connect({ host, port, timeout: 5000 });
    socket.on('connect', () => socket.write('SSH-2.0-berth_verify\r\n'));
    const give = (said: string) => socket.destroy(new Error(`${host}:${port} ${said}`));
    const late = setTimeout(() => give(`did not say within ${most.ms / 1000} s what it offers`), most.ms);
    socket.on('data', (part: Buffer) => {
      received = Buffer.concat([received, part]);
      try {
        const offer = parseOffer(received);
        if (offer === null && received.length <= most.bytes) return;
        if (offer === null) return void give('sends what no sshd sends');
        socket.destroy();
        resolve(offer);
      } catch (error) {
        give(`sends what no sshd sends: ${messageOf(error)}`);
      }
    });
    socket.on('timeout', () => give('said nothing within 5 s'));
    socket.on('error', reject);
    socket.on('close', () => {
      clearTimeout(late);
      reject(new Error(`${host}:${port} closed the connection before it said what it offers`));
    });
  });
}
