package wire

import (
	"fmt"
	"hash/fnv"
	"math/bits"
	"net/netip"
	"strconv"
	"strings"

	"sluice.internal/shared/notification"
)

const (
	// addressBuckets is how many shares the addresses that are refused for one cause have: whoever floods from one address
	// leaves those of the others.
	addressBuckets = 8
	// network is how much of an IPv6 address counts: who has one has as many as that leaves.
	network = 64
	// countedToken stands in the subjects of what was only counted, in the place of what follows.
	countedToken = "counted"
)

// RejectionKind is what the rejections of one share have in common: their cause and source, whether the sender was known, and
// a bucket of addresses. Cause and source are tokens of a subject.
type RejectionKind struct {
	Cause, Source string
	Known         bool
	Bucket        int
	// before is the filter of those that an earlier version stored, which had rings in the place of shares.
	before string
}

// RejectionSubject returns the subject of a rejection whose message has that many bytes. The subjects of a kind differ in the
// power of two that a message fits in, so that who counts messages knows about how many bytes they have.
func RejectionSubject(rejection *notification.Rejection, size int) string {
	kind := RejectionKind{
		Cause: Token(rejection.Cause), Source: Token(rejection.Source), Known: rejection.Known,
		Bucket: addressBucket(rejection.RemoteAddress),
	}
	if rejection.Skipped > 0 {
		return "rejected." + kind.Cause + "." + kind.Source + "." + countedToken
	}
	return fmt.Sprintf("%s.%d", kind.prefix(), bits.Len(uint(max(size-1, 0))))
}

// Filter returns the subject that all rejections of the kind match, and no others.
func (k RejectionKind) Filter() string {
	if k.before != "" {
		return k.before
	}
	return k.prefix() + ".*"
}

func (k RejectionKind) prefix() string {
	standing := "stranger"
	if k.Known {
		standing = "known"
	}
	return fmt.Sprintf("rejected.%s.%s.%s.%d", k.Cause, k.Source, standing, k.Bucket)
}

// ReadRejectionSubject reads a subject of RejectionSubject: the kind, and about how many bytes a message has. It is not ok for
// what was only counted.
func ReadRejectionSubject(subject string) (kind RejectionKind, bytes int64, ok bool) {
	tokens := strings.Split(subject, ".")
	if len(tokens) != 6 || tokens[0] != "rejected" {
		return readRing(tokens)
	}
	bucket, bucketErr := strconv.Atoi(tokens[4])
	power, powerErr := strconv.Atoi(tokens[5])
	if bucketErr != nil || powerErr != nil || power < 0 || power > 40 {
		return kind, 0, false
	}
	kind = RejectionKind{Cause: tokens[1], Source: tokens[2], Known: tokens[3] == "known", Bucket: bucket}
	return kind, max(int64(3)<<power/4, 1), true // Between a half and the whole.
}

// readRing reads the subjects of an earlier version: rejected.CAUSE.SOURCE.small.12, or common in the place of small, and
// rejected.large.
func readRing(tokens []string) (kind RejectionKind, bytes int64, ok bool) {
	const small, common, large = 2 << 10, 32 << 10, 512 << 10
	switch {
	case len(tokens) == 2 && tokens[1] == "large":
		return RejectionKind{before: "rejected.large"}, large, true
	case len(tokens) == 5 && (tokens[3] == "small" || tokens[3] == "common"):
		kind = RejectionKind{Cause: tokens[1], Source: tokens[2], before: strings.Join(append(tokens[:4:4], "*"), ".")}
		if tokens[3] == "small" {
			return kind, small, true
		}
		return kind, common, true
	}
	return kind, 0, false
}

func addressBucket(address string) int {
	if parsed, err := netip.ParseAddr(address); err == nil && parsed.Is6() {
		if prefix, err := parsed.Prefix(network); err == nil {
			address = prefix.Addr().String()
		}
	}
	digest := fnv.New32a()
	_, _ = digest.Write([]byte(address))
	return int(digest.Sum32() % addressBuckets)
}
