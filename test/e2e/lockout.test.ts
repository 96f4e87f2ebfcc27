import assert from 'node:assert/strict';
import { setTimeout as wait } from 'node:timers/promises';
import { eventually } from './computer.ts';
import { interrupt, killAll, processesOf, type Seen } from './kill.ts';
import { type Lane, openLane, settings } from './lane.ts';
import { figure } from './user.ts';

type Wrong = {
  what: string;
  /** Spoils the checkout. */
  spoil(lane: Lane): void;
  /** The codes that apply may end with; default: `not_confirmed`, or what says that a service did not come back. */
  code?: string;
  /** Instead of a plain apply; returns what it printed. */
  apply?(lane: Lane): Promise<string>;
};

const sshdFile = 'provisioning/files/sshd.conf';
const sudoersFile = 'provisioning/files/sudoers';
const logins = 'provisioning/administrator.ts';
const rule = '{{user}} ALL=(ALL:ALL) NOPASSWD: ALL';
const strangersKey = `ssh-ed25519 ${Buffer.from('0000000b7373682d6564323535313900000020'.padEnd(102, '7'), 'hex').toString('base64')} stranger`;

/** sshd does as it is told from its first line on. */
const sshd = (what: string, line: string, code?: string): Wrong => ({
  what: `sshd: ${what}`,
  spoil: (lane) => lane.edit(sshdFile, 'Port {{port}}\n', `${line}\nPort {{port}}\n`),
  ...(code && { code }),
});
const sudoers = (what: string, text: string): Wrong => ({
  what: `sudoers: ${what}`,
  spoil: (lane) => lane.edit(sudoersFile, rule, text),
});
const login = (what: string, from: string, to: string): Wrong => ({
  what: `login: ${what}`,
  spoil: (lane) => lane.edit(logins, from, to),
});

const nft = 'provisioning/files/firewall.nft';
const firewall = (what: string, from: string, to: string, code?: string): Wrong => ({
  what: `firewall: ${what}`,
  spoil: (lane) => lane.edit(nft, from, to),
  ...(code && { code }),
});
const sshRule = 'tcp dport {{sshPort}} goto ssh';
// Where a program hangs, the time may be over before the last change is made.
const lockedOut = 'not_confirmed|not_converged|command_failed|run_died';

const text = (seen: Seen[]) => seen.map((one) => JSON.stringify(one)).join('\n');

/** Side by side, each list on a machine of its own. */
const lists: Wrong[][] = [
  [
    sshd('nobody may', 'AllowUsers nobody'),
    sshd('the admin user may not', 'DenyUsers deploy'),
    sshd('an address that is not there', 'ListenAddress 192.0.2.1'),
    sshd('no connection is taken', 'MaxStartups 0', 'configuration_refused'),
    sshd('a word that it does not know', 'Nonsense yes', 'configuration_refused'),
    sshd('keys in another place', 'AuthorizedKeysFile /nowhere/%u'),
    sshd('a key and a password', 'PasswordAuthentication yes\nAuthenticationMethods publickey,password'),
    firewall('nobody may log in', sshRule, 'tcp dport {{sshPort}} drop'),
    firewall('another port than sshd has', sshRule, 'tcp dport 2{{sshPort}} goto ssh'),
  ],
  [
    {
      what: 'sshd: another port than the settings say',
      spoil: (lane) => lane.edit(sshdFile, 'Port {{port}}', '#{{port}}\nPort 2022'),
    },
    sshd('one command for all', 'ForceCommand /bin/false'),
    sshd('a cipher that nobody has', 'Ciphers 3des-cbc'),
    sshd('a group that nobody is in', 'AllowGroups wheel'),
    login('a home that others may write to', 'path: home, mode: 0o750', 'path: home, mode: 0o777'),
    login('keys that others may write to', "join(''), mode: 0o600", "join(''), mode: 0o666"),
    firewall('no new connection', 'ct state invalid drop', 'ct state { invalid, new } drop'),
    firewall('a line that it does not know', sshRule, `${sshRule} nonsense`, 'configuration_refused'),
    {
      what: 'firewall: logins from another network alone',
      spoil: (lane) => lane.settings(`${settings}firewall: {ssh_from: [192.0.2.0/24]}\n`),
    },
    login("keys that are somebody else's", 'const own = { owner: name,', "const own = { owner: 'nobody',"),
  ],
  [
    {
      what: 'login: a key that nobody here has',
      spoil: (lane) => lane.settings(`${settings}admin: {keys: ["${strangersKey}"]}\n`),
    },
    firewall(
      'nothing goes out',
      '  chain ssh {',
      '  chain output { type filter hook output priority filter; policy drop; }\n  chain ssh {',
    ),
    sudoers('a rule that parses and denies', '{{user}} ALL=(ALL:ALL) !ALL'),
    sudoers('a password that the user does not have', '{{user}} ALL=(ALL:ALL) ALL'),
    sudoers('a terminal is wanted', `Defaults requiretty\n${rule}`),
    {
      what: 'a reboot in between',
      // So long that it is not the timer that helps.
      spoil(lane) {
        lane.settings(settings.replace('10s', '10m'));
        lane.edit(sshdFile, 'Port {{port}}', 'AllowUsers nobody\nPort {{port}}');
      },
      async apply(lane) {
        const apply = lane.berth(['apply', '--json']);
        await eventually('what is to be confirmed', 60, async () =>
          lane.isArmed() && (await lane.berth(['ssh', '--', 'true'])).code !== 0 ? true : undefined,
        );
        await lane.pullTheLever();
        return (await apply).stdout;
      },
    },
    {
      what: 'the machine’s side killed between two risky changes',
      spoil(lane) {
        lane.edit(sudoersFile, rule, '{{user}} ALL=(ALL:ALL) !ALL');
        lane.edit(sshdFile, 'Port {{port}}', 'AllowUsers nobody\nPort {{port}}');
      },
      apply: async (lane) => {
        const when = (seen: Seen) => seen.type === 'applied' && seen.resource.includes('/etc/sudoers.d/');
        const kill = () => killAll(processesOf(lane, 'berth-run.service'));
        const ended = await interrupt(lane, ['apply'], when, kill);
        assert.ok(ended.killed);
        return text(ended.seen);
      },
    },
    {
      what: 'a good change whose operator is killed before the new login',
      code: '',
      spoil: (lane) => lane.edit(sshdFile, 'MaxAuthTries 3', 'MaxAuthTries 2'),
      apply: async (lane) => text((await killedOperator(lane)).seen),
    },
  ],
];

function killedOperator(lane: Lane) {
  const when = (seen: Seen) => seen.type === 'step' && seen.title.startsWith('confirms the change');
  return interrupt(lane, ['apply'], when, (operator) => operator());
}

/** Brings a wrong configuration in, and sees to it that nothing is left of it and that the next good one goes well. */
async function survives(lane: Lane, { spoil, apply, code = lockedOut }: Wrong): Promise<number> {
  const before = await lane.look();
  spoil(lane);
  const began = Date.now();
  const said = await (apply ? apply(lane) : lane.berth(['apply', '--json']).then(({ stdout }) => stdout));
  if (code) assert.match(said, new RegExp(`"type":"error","code":"(${code})"`));
  const after = await eventually('a machine that lets us in', 90, async () =>
    lane.isArmed() ? undefined : lane.look(),
  );
  const seconds = (Date.now() - began) / 1000;
  assert.equal(after, before);
  await lane.mend();
  await lane.must(['apply']);
  assert.equal((await lane.berth(['plan'])).code, 0);
  return seconds;
}

/** Configurations that lock everybody out: none may cost more than a minute, and none the machine. */
describe('a wrong configuration', function () {
  this.timeout(900_000);
  const lanes: Lane[] = [];
  const outcomes = new Map<string, Promise<number>>();

  before(async () => {
    const first = await openLane();
    lanes.push(first);
    // The image and the archives are made once.
    await first.must(['apply']);
    for (const _ of lists.slice(1)) lanes.push(await openLane());
    const chains = lists.map(async (list, index) => {
      const lane = lanes[index] as Lane;
      let earlier: Promise<unknown> = index === 0 ? Promise.resolve() : lane.must(['apply']);
      for (const wrong of list) {
        const outcome = earlier.then(() => survives(lane, wrong));
        outcomes.set(wrong.what, outcome);
        earlier = outcome.catch(() => lane.mend());
      }
      await earlier.catch(() => {});
    });
    void chains;
  });
  after(() => Promise.all(lanes.map((lane) => lane.remove())));

  for (const { what } of lists.flat()) {
    it(`${what}: let in again, with everything as it was`, async () => {
      const seconds = await (outcomes.get(what) as Promise<number>);
      figure('let in again after s', seconds.toFixed(0));
      assert.ok(seconds < 90);
    });
  }

  it('is marked by plan before it is brought in', async () => {
    const lane = lanes[0] as Lane;
    lane.edit(sshdFile, 'Port {{port}}', 'AllowUsers nobody\nPort {{port}}');
    const { stdout } = await lane.berth(['plan']);
    assert.match(stdout, /file \S+00-berth.conf \(comes back unless a new login confirms it\)/);
    await lane.mend();
  });

  it('says what kept the new login out, and that the machine is as before', async () => {
    const lane = lanes[0] as Lane;
    lane.edit(sudoersFile, rule, '{{user}} ALL=(ALL:ALL) !ALL');
    const { code, stderr } = await lane.berth(['apply']);
    assert.equal(code, 1);
    assert.match(stderr, /no new login could confirm .*sudo: .*(not allowed|a password is required)/s);
    assert.match(stderr, /The machine has taken the change back .* \(not_confirmed\)/s);
    await lane.mend();
  });

  it('a good one is confirmed and stays, after its time and after a reboot', async () => {
    const lane = lanes[1] as Lane;
    const tries = async () => (await lane.ssh('sudo -n sshd -T | grep maxauthtries')).trim();
    lane.edit(sshdFile, 'MaxAuthTries 3', 'MaxAuthTries 2');
    await lane.must(['apply']);
    assert.equal(await tries(), 'maxauthtries 2');
    await wait(11_000);
    assert.equal(await tries(), 'maxauthtries 2');
    await lane.reboot();
    assert.equal(await tries(), 'maxauthtries 2');
    assert.equal((await lane.berth(['plan'])).code, 0);
  });

  it('sshd moves to another port and back, and is found at each', async () => {
    const lane = lanes[1] as Lane;
    await lane.mend(`${settings}ssh: {port: 2022}\n`);
    await lane.must(['apply']);
    assert.match(await lane.ssh('ss -Htln'), /:2022 /);
    assert.match((await lane.status()).ssh, / -p 2022 /);
    await lane.reboot();
    await lane.must(['plan']);
    await lane.mend();
    await lane.must(['apply']);
    assert.doesNotMatch(await lane.ssh('ss -Htln'), /:2022 /);
    await lane.must(['plan']);
  });

  it('one that was never confirmed is taken back by the next apply, which then goes on', async () => {
    const lane = lanes[2] as Lane;
    lane.edit(sshdFile, 'MaxAuthTries 3', 'MaxAuthTries 2');
    assert.ok((await killedOperator(lane)).killed);
    const { stderr } = await lane.must(['apply']);
    assert.match(stderr, /was never confirmed was taken back first/);
    assert.match(await lane.ssh('sudo -n sshd -T | grep maxauthtries'), /2/);
  });

  it('is confirmed by nobody but the admin user in a new login', async () => {
    const lane = lanes[2] as Lane;
    // Begun before the change, and asks to confirm it as soon as it is made.
    const early = lane.ssh('sh', earlyConfirm);
    lane.edit(sudoersFile, rule, `Defaults !insults\n${rule}`);
    await killedOperator(lane);
    assert.match(await early, /"code":"not_confirmed".*the login that asked is older than the change/);
    await lane.mend();
    await lane.must(['apply']);
  });
});

const earlyConfirm = `
guard=/var/lib/berth/guard
until id=$(sudo -n ls $guard | sed -n s/^armed.//p) && sudo -n test -e "$guard/armed.$id/changed"; do sleep 0.05; done
echo "{\\"verb\\":\\"confirm\\",\\"input\\":{\\"id\\":\\"$id\\"}}" |
  sudo -n /opt/berth/node/bin/node /opt/berth/code/provisioning/main.ts || true
`;
