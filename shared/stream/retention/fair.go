package retention

import (
	"cmp"
	"maps"
	"slices"

	"sluice.internal/shared/stream/internal/wire"
)

const (
	// strangersShare is the part of the capacity for rejections, one in so many, that strangers keep whatever known senders
	// have. Of everything else known senders have what they need.
	strangersShare = 4
)

// fairShares returns how many bytes of each kind of rejections may stay, so that all together have no more than a limit. Kinds
// that may stay whole are left out.
//
// Known senders come before strangers. Within each of the two, capacity is shared among sources, of each source among causes, and
// of each cause among buckets of addresses, so that whoever needs less than an equal share has all that is needed, and the others
// share what is left.
func fairShares(have map[wire.RejectionKind]int64, limit int64) map[wire.RejectionKind]int64 {
	var known, strangers int64
	for kind, bytes := range have {
		if kind.Known {
			known += bytes
		} else {
			strangers += bytes
		}
	}
	allowedStrangers := max(min(strangers, limit/strangersShare), limit-known)
	allowedKnown := limit - min(strangers, allowedStrangers)
	shares := map[wire.RejectionKind]int64{}
	for isKnown, allowed := range map[bool]int64{true: allowedKnown, false: allowedStrangers} {
		of := maps.Clone(have)
		maps.DeleteFunc(of, func(kind wire.RejectionKind, _ int64) bool { return kind.Known != isKnown })
		divide(of, allowed, shares, bySourceAndCause())
	}
	return shares
}

// bySourceAndCause are what kinds are told apart by, from the outside to the inside.
func bySourceAndCause() []func(wire.RejectionKind) string {
	return []func(wire.RejectionKind) string{
		func(k wire.RejectionKind) string { return k.Source },
		func(k wire.RejectionKind) string { return k.Cause },
		wire.RejectionKind.Filter,
	}
}

// divide divides a limit among groups of kinds, and then among those in each group. The smallest groups come first: what they leave
// is for the larger ones.
func divide(
	have map[wire.RejectionKind]int64, limit int64, shares map[wire.RejectionKind]int64, levels []func(wire.RejectionKind) string,
) {
	if sum(have) <= limit {
		return
	}
	if len(levels) == 0 { // One kind is left.
		for kind := range have {
			shares[kind] = max(limit, 0)
		}
		return
	}
	groups := map[string]map[wire.RejectionKind]int64{}
	for kind, bytes := range have {
		name := levels[0](kind)
		if groups[name] == nil {
			groups[name] = map[wire.RejectionKind]int64{}
		}
		groups[name][kind] = bytes
	}
	names := slices.SortedFunc(maps.Keys(groups), func(a, b string) int {
		return cmp.Or(cmp.Compare(sum(groups[a]), sum(groups[b])), cmp.Compare(a, b))
	})
	for i, name := range names {
		equal := limit / int64(len(names)-i)
		divide(groups[name], equal, shares, levels[1:])
		limit -= min(equal, sum(groups[name]))
	}
}

func sum(have map[wire.RejectionKind]int64) (bytes int64) {
	for _, one := range have {
		bytes += one
	}
	return bytes
}
