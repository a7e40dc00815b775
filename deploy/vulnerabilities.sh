#!/bin/sh
# Asks govulncheck about each module. It ends with 0 only if every module was looked at and nothing was found, with 2 if the
# database could not be reached: then nothing is known.
#
#   deploy/vulnerabilities.sh GOVULNCHECK MODULE...
#
# GOVULNDB names another database, such as a company's mirror.
set -eu
govulncheck=$1
shift
cd "$(dirname "$0")/.."
failed=0
for module; do
  echo "== $module"
  if output=$(cd "$module" && "$govulncheck" ./... 2>&1); then
    echo "$output"
    continue
  fi
  echo "$output"
  case $output in
    *"fetching vulnerabilities"* | *"vulndb"*"dial"* | *"no such host"* | *"connection refused"* | *"i/o timeout"*)
      echo "NOTHING WAS CHECKED: the database of vulnerabilities, ${GOVULNDB:-https://vuln.go.dev}, can't be reached." >&2
      exit 2
      ;;
  esac
  failed=1
done
exit $failed
