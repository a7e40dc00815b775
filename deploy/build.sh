#!/bin/sh
# Builds the programs as they are released, the same bytes wherever it runs:
#
#   deploy/build.sh FOLDER [VERSION [PROGRAM...]]
set -eu
out=$1
version=${2:-devel}
shift $(($# < 2 ? $# : 2))
[ $# -gt 0 ] || set -- gateway poller receiver worker sluice
cd "$(dirname "$0")/.."
for program; do
  set -- "$@" ./*/cmd/"$program"
  shift
done
# No paths of this machine, no state of the repository, no C compiler's output: nothing but the sources, the toolchain and
# the version decides what comes out.
CGO_ENABLED=0 GOFLAGS='-buildvcs=false' go build -trimpath \
  -ldflags "-s -w -buildid= -X sluice.internal/shared/service.built=$version" -o "$out/" "$@"
