#!/bin/sh
# Collects the licences of everything in a program, as MIT, BSD and Apache-2.0 ask for where it is passed on:
#
#   deploy/licenses.sh FOLDER PACKAGE
#
# FOLDER gets a folder for each module, with its licence and notices as they are. A module without any is an error.
set -eu
out=$1
package=$2
cd "$(dirname "$0")/.."
copy() { # copy FROM TO: the licence texts of a folder
  found=
  for file in "$1"/LICEN[SC]E* "$1"/COPYING* "$1"/NOTICE* "$1"/PATENTS*; do
    [ -f "$file" ] || continue
    mkdir -p "$2"
    cp "$file" "$2/"
    chmod 0644 "$2/$(basename "$file")"
    found=1
  done
  [ -n "$found" ] || { echo "licenses: $1 has no licence text" >&2; exit 1; }
}
copy . "$out/sluice"
copy "$(go env GOROOT)" "$out/go"
list=$(CGO_ENABLED=0 go list -deps -f '{{with .Module}}{{if not .Main}}{{.Path}}|{{.Version}}|{{.Dir}}{{end}}{{end}}' "$package" | sort -u)
for entry in $list; do
  path=${entry%%|*}
  rest=${entry#*|}
  case $path in sluice.internal/*) continue ;; esac
  copy "${rest#*|}" "$out/$path@${rest%%|*}"
done
