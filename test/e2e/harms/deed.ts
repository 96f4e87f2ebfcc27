/** What is done to a machine by hand, what of it is to be found, and how it is taken back. */
export type Harm = { finds: string[]; harm: string; mend: string };

export type Deed = Pick<Harm, 'harm' | 'mend'>;

export const kept = '/root/kept';
export const sed = (expression: string, path: string) => `sudo sed -i '${expression}' ${path}`;
export const append = (line: string, path: string) => `echo '${line}' | sudo tee -a ${path} >/dev/null`;
export const psql = (statement: string) => `sudo -u postgres psql -qc "${statement}"`;

/** Changes a file, and puts it back with its mode and owner; each time followed by what makes programs read it. */
export function edit(path: string, change: string, then = 'true'): Deed {
  return {
    harm: `sudo mkdir -p ${kept}; sudo cp -p --parents ${path} ${kept}; ${change}; ${then}`,
    mend: `sudo cp -p ${kept}${path} ${path}; ${then}`,
  };
}

export function add(path: string, text: string, then = 'true'): Deed {
  return {
    harm: `printf '%b' '${text.replaceAll('\n', '\\n')}' | sudo tee ${path} >/dev/null; sudo chmod 0644 ${path}; ${then}`,
    mend: `sudo rm -f ${path}; ${then}`,
  };
}

export function mode(path: string, wrong: string, right: string): Deed {
  return { harm: `sudo chmod ${wrong} ${path}`, mend: `sudo chmod ${right} ${path}` };
}

/** A program that listens until it is ended; systemd-run returns once it has begun, and it then says so. */
export function listener(unit: string, listen: string): Deed {
  const script = `${listen}.on("listening", () => require("fs").writeFileSync("/run/${unit}", ""))`;
  return {
    harm: `sudo systemd-run --quiet --collect --unit=${unit} /opt/berth/node/bin/node -e '${script}'; until [ -e /run/${unit} ]; do sleep 0.05; done`,
    mend: `sudo systemctl stop ${unit}; sudo rm /run/${unit}`,
  };
}

export const authorized = '/home/deploy/.ssh/authorized_keys';

/** A key and a certificate that ends tomorrow, for a name of nobody. */
export const shortLived = (path: string) =>
  `openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 1 -subj /CN=other -keyout - 2>/dev/null | sudo tee ${path} >/dev/null`;

export const reload = 'sudo systemctl reload nginx';
export const edited = (path: string, ...expressions: string[]) =>
  edit(path, sed(expressions.join('; '), path), reload);
export const nginx = (name: string) => `/etc/nginx/berth/${name}.conf`;
