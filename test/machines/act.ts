import { type ContainerOptions, containerMachine } from '../../scripts/machines/container.ts';

// One verb on one machine, in a process of its own that a test can kill: act.ts VERB JSON. Each step is a line.

const [verb = '', json = ''] = process.argv.slice(2);
const options = JSON.parse(json) as ContainerOptions;
const say = (line: string) => process.stdout.write(`${line}\n`);
const machine = containerMachine(options);
await machine[verb as 'create' | 'start' | 'stop' | 'destroy']({
  note: say,
  step: (title, work) => {
    say(title);
    return work(say);
  },
});
