# First contact, as root, after dpkg.sh: refuses what Berth does not support, then installs what its Node needs to start.
# $1 is what apt has to know for the way out (a proxy), on standard input are certificates of authorities to be trusted.
# Both are forgotten afterwards: apply puts them where they stay.
# Prints one line at the end or in between: `error <code> <text>`, or `ready <machine>`.
set -eu
. /etc/os-release
case "$ID $VERSION_ID" in
  'debian 12' | 'debian 13' | 'ubuntu 24.04' | 'ubuntu 26.04') ;;
  *)
    echo "error unsupported_distribution $PRETTY_NAME"
    exit 0
    ;;
esac
case "$(uname -m)" in
  x86_64 | aarch64) ;;
  *)
    echo "error unsupported_architecture $(uname -m)"
    exit 0
    ;;
esac
if [ ! -d /run/systemd/system ]; then
  echo 'error no_systemd systemd does not run as the first process'
  exit 0
fi
# A cloud's first boot may still be installing.
if command -v cloud-init >/dev/null; then
  echo 'waiting for cloud-init'
  cloud-init status --wait >/dev/null 2>&1 || :
fi
export DEBIAN_FRONTEND=noninteractive NEEDRESTART_SUSPEND=1 LC_ALL=C.UTF-8
if ! dpkg-query --show --showformat='${Status}\n' libatomic1 sudo ca-certificates 2>/dev/null | awk '!/^(install|hold) ok installed$/ { exit 1 } END { if (NR != 3) exit 1 }'; then
  echo 'installing what Node needs'
  # Read by apt's own user.
  kept=$(mktemp -d)
  trap 'rm -rf "$kept"' EXIT
  chmod 0755 "$kept"
  umask 022
  cat /etc/ssl/certs/ca-certificates.crt - >"$kept/ca.pem" 2>/dev/null || :
  echo "$1" >"$kept/apt.conf"
  [ ! -s "$kept/ca.pem" ] || echo "Acquire::https::CaInfo \"$kept/ca.pem\";" >>"$kept/apt.conf"
  apt='apt-get -q -y -o DPkg::Lock::Timeout=300 -o Dpkg::Options::=--force-confold'
  apt="$apt -c=$kept/apt.conf"
  # An earlier run may have been killed inside dpkg.
  patiently dpkg --force-confold --configure -a
  patiently $apt update
  $apt install --no-install-recommends libatomic1 sudo ca-certificates >&2
fi
echo "ready $(uname -m)"
