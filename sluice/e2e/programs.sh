#!/bin/sh
# Installs Debian's packages of the programs that the tests run, where they are missing. None of them is left running.
set -eu
missing=
need() { command -v "$1" >/dev/null 2>&1 || [ -x "/usr/sbin/$1" ] || missing="$missing $2"; }
need nginx nginx
need systemd-analyze systemd
need unshare util-linux
need python3 python3
need node nodejs
need php php-cli
[ -n "$missing" ] || exit 0
command -v apt-get >/dev/null 2>&1 || { echo "install what the tests run:$missing" >&2; exit 1; }
[ "$(id -u)" = 0 ] || { echo "run as root, or install what the tests run: sudo apt-get install$missing" >&2; exit 1; }
export DEBIAN_FRONTEND=noninteractive
# Packages of servers start them, unless they are told not to.
policy=/usr/sbin/policy-rc.d
if [ ! -e "$policy" ]; then
  trap 'rm -f "$policy"' EXIT
  printf '#!/bin/sh\nexit 101\n' >"$policy"
  chmod +x "$policy"
fi
apt-get -qq update
# shellcheck disable=SC2086
apt-get -qq install --yes --no-install-recommends $missing >/dev/null
