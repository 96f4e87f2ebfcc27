# Sourced by scripts/up and scripts/test: the packages of the lock file, then the Node that it pins first on PATH.
cd "$(dirname "$(readlink -f "$0")")/.."

fail() {
  printf 'error: %s\nnext:  %s\n' "$1" "$2" >&2
  exit 1
}

command -v node >/dev/null && command -v npm >/dev/null ||
  fail 'Node.js and npm are not installed' 'install Node.js 20 or newer (Debian: apt-get install nodejs npm)'
[ "$(node -p 'process.versions.node.split(".")[0] >= 20')" = true ] ||
  fail "Node.js $(node --version) is too old" 'install Node.js 20 or newer'

# npm writes what it has installed into node_modules; ours says from which lock.
# macOS has it by another name.
sum=sha256sum
command -v sha256sum >/dev/null || sum='shasum -a 256'
lock=$($sum package-lock.json package.json scripts/package.json runtime/package.json web/package.json | $sum | cut -d ' ' -f 1)
if [ "$(cat node_modules/.berth-lock 2>/dev/null)" != "$lock" ]; then
  echo '- installs the packages of package-lock.json into node_modules (npm ci)' >&2
  trap 'fail "stopped before the packages were installed" "run the same command again"' INT TERM
  # npm shows its own progress on a terminal.
  npm ci --no-fund --no-audit --loglevel=error >&2 || fail 'npm ci failed: see above' \
    'check that this computer reaches its npm registry (npm ping), then run the same command again'
  trap - INT TERM
  echo "$lock" >node_modules/.berth-lock
fi
for platform in linux-x64 linux-arm64 darwin-x64 bin-darwin-arm64; do
  if [ -x "node_modules/node-$platform/bin/node" ]; then
    PATH="$PWD/node_modules/node-$platform/bin:$PATH"
    export PATH
  fi
done
