#!/bin/sh
# Installs Debian's PostgreSQL for the tests, where there is none. They start servers of their own.
set -eu
for program in /usr/lib/postgresql/*/bin/postgres; do
  [ -x "$program" ] && exit 0
done
command -v initdb >/dev/null 2>&1 && exit 0
command -v apt-get >/dev/null 2>&1 || { echo "install PostgreSQL 13 or newer: its tests need a real one" >&2; exit 1; }
[ "$(id -u)" = 0 ] || { echo "run as root, or install the package postgresql: sudo apt-get install postgresql" >&2; exit 1; }
export DEBIAN_FRONTEND=noninteractive
# The package makes and starts a server of its own, unless it is told not to.
without=/etc/postgresql-common/createcluster.d/sluice-tests.conf
mkdir -p "$(dirname "$without")"
trap 'rm -f "$without"' EXIT
echo "create_main_cluster = false" >"$without"
apt-get -qq update
apt-get -qq install --yes --no-install-recommends postgresql >/dev/null
