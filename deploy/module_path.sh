#!/bin/sh
# Gives Sluice's modules another name, everywhere in this checkout, for a fork that others build from:
#
#   deploy/module_path.sh example.org/you/sluice [v0.1.0]
#
# The ids of schemas stay as they are (https://sluice.internal/…): they are names that others may use.
#
# With a version the modules ask for each other in that version; each needs a tag with it then.
set -eu
usage="usage: make module-path MODULE=example.org/you/sluice [VERSION=v0.1.0]"
new=${1:-}
version=${2:-}
cd "$(dirname "$0")/.."
old=$(sed -n 's|^module \(.*\)/shared$|\1|p' shared/go.mod)
printf '%s\n' "$new" | grep -Eq '^[a-z0-9-]+(\.[a-z0-9-]+)+(/[A-Za-z0-9._~-]+)*$' || { echo "$usage" >&2; exit 2; }
[ -z "$version" ] || printf '%s\n' "$version" | grep -Eq '^v[01]\.[0-9]+\.[0-9]+' || { echo "$usage" >&2; exit 2; }

# Without a repository, as in an archive, everything is looked at but what is built.
files() {
  if [ -e .git ]; then git ls-files; else find . -type f ! -path './bin/*' ! -path './data/*'; fi
}
kept=$(printf '\001')
pattern=$(printf '%s' "$old" | sed 's/[.]/\\./g')
files | while IFS= read -r file; do
  [ -f "$file" ] && [ ! -L "$file" ] && grep -Iq "$pattern" "$file" || continue
  sed "s|//$pattern|//$kept|g; s|$pattern|$new|g; s|//$kept|//$old|g" "$file" > "$file.renamed"
  cat "$file.renamed" > "$file" # The file keeps its mode.
  rm "$file.renamed"
done
echo "the modules are called $new/… now, and were called $old/…"
[ -n "$version" ] || exit 0
files | grep 'go\.mod$' | while IFS= read -r file; do
  sed -E "s#($new/[a-z/]+ )v[0-9][^ ]*#\\1$version#" "$file" > "$file.renamed"
  cat "$file.renamed" > "$file"
  rm "$file.renamed"
done
echo "commit it, and push it with these tags:"
for module in sluice $(sed -n "s|^	$new/\\(.*\\) => .*|\\1|p" sluice/go.mod); do
  echo "  git tag $module/$version"
done
