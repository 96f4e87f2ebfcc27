import { spawn } from 'node:child_process';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { selfSigned } from '../../../test/self-signed.ts';
import { runChecked } from '../../process.ts';
import { type Contender, freePort, listening, onTheSameCores } from './contenders.ts';

const TEMPLATES = join(import.meta.dirname, '../../../nginx');

/** Puts nginx before a contender: TLS and what it passes on are a machine's own (`nginx/tls.conf`, `nginx/proxy.conf`). */
export async function behindNginx(contender: Contender, directory: string): Promise<Contender> {
  const name = `${contender.name}, nginx`;
  const port = await freePort();
  const files = join(directory, `${contender.name}.nginx`);
  const named = ['-subj', '/CN=localhost', '-days', '2'];
  await runChecked([...selfSigned, ...named, '-keyout', `${files}.key`, '-out', `${files}.pem`]);
  await writeFile(`${files}.conf`, configuration(files, port, new URL(contender.origin).host));
  const [program = '', ...args] = onTheSameCores(['nginx', '-c', `${files}.conf`, '-e', `${files}.log`]);
  const child = spawn(program, args, { stdio: 'ignore' });
  await listening(port, child);
  return { name, origin: `https://127.0.0.1:${port}`, process: child };
}

function configuration(files: string, port: number, upstream: string): string {
  return `
    daemon off;
    worker_processes 2;
    pid ${files}.pid;
    events { worker_connections 1024; }
    http {
      access_log ${files}.access combined buffer=32k flush=1s;
      keepalive_requests 10000;
      client_body_temp_path ${files}.body;
      proxy_temp_path ${files}.proxy;
      fastcgi_temp_path ${files}.fastcgi;
      uwsgi_temp_path ${files}.uwsgi;
      scgi_temp_path ${files}.scgi;
      upstream contender {
        server ${upstream} max_fails=0;
        keepalive 32;
        keepalive_time 1500ms;
        keepalive_timeout 1s;
      }
      server {
        listen 127.0.0.1:${port} ssl;
        ssl_certificate ${files}.pem;
        ssl_certificate_key ${files}.key;
        include ${TEMPLATES}/tls.conf;
        location / {
          proxy_set_header Connection "";
          include ${TEMPLATES}/proxy.conf;
          proxy_pass http://contender;
        }
      }
    }
  `;
}
