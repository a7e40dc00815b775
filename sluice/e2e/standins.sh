#!/usr/bin/env bash
# Prepares a machine that can pull no images for the tests with Docker: `docker compose` where there is none, and images
# under the official names, made of Debian's packages, the Go that is installed and the NATS server's Go module. Images
# that are there, official ones for example, are used as they are.
#
#   standins.sh FOLDER    keeps what it makes in FOLDER; prints the DOCKER_CONFIG to use, when it is not the usual one
set -euo pipefail

folder=$(mkdir -p "$1" && cd "$1" && pwd)
here=$(cd "$(dirname "$0")" && pwd)
root=$(cd "$here/../.." && pwd)

compose_version=v2.40.3
authorities=/etc/ssl/certs/ca-certificates.crt

say() { echo "standins: $*" >&2; }

# named VARIABLE prints the name of an image in the list, without its digest: a stand-in has another one.
named() { sed -nE "s/^$1=([^@]*).*/\1/p" "$root/deploy/images.env"; }

nats_image=$(named SLUICE_NATS_IMAGE)
nginx_image=$(named SLUICE_NGINX_IMAGE)
go_image=$(named SLUICE_GO_IMAGE)

compose() {
  docker compose version >/dev/null 2>&1 && return
  export DOCKER_CONFIG="$folder/docker"
  local plugin="$DOCKER_CONFIG/cli-plugins/docker-compose"
  if [[ ! -x $plugin ]]; then
    say "building docker compose $compose_version, which takes some minutes once"
    local module sources="$folder/compose"
    module=$(cd /tmp && GOFLAGS=-mod=mod go mod download -json "github.com/docker/compose/v2@$compose_version" | sed -nE 's/^\t"Dir": "(.*)",$/\1/p')
    rm -rf "$sources" && cp -r "$module" "$sources" && chmod -R u+w "$sources"
    mkdir -p "$(dirname "$plugin")"
    (cd "$sources" && GOWORK=off CGO_ENABLED=0 go build -trimpath \
      -ldflags "-s -w -X github.com/docker/compose/v2/internal.Version=$compose_version" -o "$plugin.new" ./cmd)
    mv "$plugin.new" "$plugin"
    rm -rf "$sources"
  fi
  echo "$DOCKER_CONFIG"
}

# debian SUITE PACKAGE... unpacks packages with what they need into the folder $rootfs.
debian() {
  local suite=$1 state="$folder/apt-$1"; shift
  mkdir -p "$state/lists/partial" "$state/cache/archives/partial" "$state/debs"
  touch "$state/status"
  echo "deb [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] http://deb.debian.org/debian $suite main" >"$state/sources.list"
  local apt=(-qq -o "Dir::State=$state" -o "Dir::State::status=$state/status" -o "Dir::Cache=$state/cache"
    -o "Dir::Etc::sourcelist=$state/sources.list" -o Dir::Etc::sourceparts=- -o Debug::NoLocking=1 -o APT::Sandbox::User=root
    -o Acquire::Languages=none -o Acquire::IndexTargets::deb::DEP-11::DefaultEnabled=false)
  apt-get "${apt[@]}" update >&2
  local names
  names=$(apt-get "${apt[@]}" --no-install-recommends -s install "$@" | sed -nE 's/^Inst ([^ ]+) .*/\1/p' | sort -u)
  # shellcheck disable=SC2086
  (cd "$state/debs" && rm -f ./*.deb && apt-get "${apt[@]}" download $names >&2)
  for deb in "$state"/debs/*.deb; do dpkg-deb --fsys-tarfile "$deb" | tar -x --keep-directory-symlink -C "$rootfs"; done
}

# bare makes $rootfs with a shell and the usual small programs, as Alpine has them.
bare() {
  rootfs=$(mktemp -d "$folder/root-XXXXXX")
  mkdir -p "$rootfs"/usr/{bin,sbin,lib,lib64,local/bin} "$rootfs"/{tmp,etc/ssl/certs,root,var,proc,dev,sys,run}
  for dir in bin sbin lib lib64; do ln -s "usr/$dir" "$rootfs/$dir"; done
  chmod 1777 "$rootfs/tmp"
  cp "$authorities" "$rootfs$authorities"
  echo 'root:x:0:0:root:/root:/bin/sh' >"$rootfs/etc/passwd"
  echo 'hosts: files dns' >"$rootfs/etc/nsswitch.conf"
}

small_programs() {
  debian "$(. /etc/os-release && echo "${VERSION_CODENAME:-stable}")" busybox-static
  local busybox; busybox=$(find "$rootfs/usr/bin" -name busybox -type f)
  for name in $("$busybox" --list | grep -vx busybox); do ln -sf /bin/busybox "$rootfs/bin/$name"; done
}

# import IMAGE CHANGE... makes an image of $rootfs.
import() {
  local image=$1; shift
  local changes=()
  for change in "$@"; do changes+=(--change "$change"); done
  tar -C "$rootfs" -c . | docker import "${changes[@]}" - "$image" >/dev/null
  rm -rf "$rootfs"
  say "made $image"
}

missing() { ! docker image inspect "$1" >/dev/null 2>&1; }

# The entry points of the official images: they run what they are told.
entry() {
  cat >"$rootfs$1" <<'SCRIPT'
#!/bin/sh
set -e
if [ "${1#-}" != "$1" ]; then set -- nats-server "$@"; fi
exec "$@"
SCRIPT
  chmod +x "$rootfs$1"
}

make_go() {
  bare; small_programs
  cp -r "$(go env GOROOT)" "$rootfs/usr/local/go"
  rm -rf "$rootfs"/usr/local/go/{test,doc,api}
  mkdir -p "$rootfs/go/bin"
  import "$go_image" 'ENV PATH=/go/bin:/usr/local/go/bin:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin' \
    'ENV GOPATH=/go' 'ENV GOTOOLCHAIN=local' 'WORKDIR /go' 'CMD ["/bin/sh"]'
}

make_nats() {
  bare; small_programs
  (cd "$root" && CGO_ENABLED=0 go build -trimpath -o "$rootfs/usr/local/bin/nats-server" github.com/nats-io/nats-server/v2)
  entry /usr/local/bin/docker-entrypoint.sh
  import "$nats_image" 'ENV PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin' \
    'ENTRYPOINT ["docker-entrypoint.sh"]' 'CMD ["nats-server","--config","/etc/nats/nats-server.conf"]' 'EXPOSE 4222 6222 8222'
}

# Debian's stable nginx does not know `server … resolve` yet; its next release does.
make_nginx() {
  bare; debian forky nginx; small_programs
  entry /docker-entrypoint.sh
  mkdir -p "$rootfs/var/log/nginx"
  import "$nginx_image" 'ENV PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin' \
    'ENTRYPOINT ["/docker-entrypoint.sh"]' 'CMD ["nginx","-g","daemon off;"]' 'EXPOSE 80'
}

compose
if missing "$go_image"; then make_go; fi
if missing "$nats_image"; then make_nats; fi
if missing "$nginx_image"; then make_nginx; fi
