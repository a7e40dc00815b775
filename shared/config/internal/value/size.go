package value

import (
	"errors"
	"math"
	"strconv"
	"strings"
)

// Size is a number of bytes.
type Size int64

// Units of Size.
const (
	Byte Size = 1
	KiB       = 1024 * Byte
	MiB       = 1024 * KiB
	GiB       = 1024 * MiB

	kB = 1000 * Byte
	mB = 1000 * kB
	gB = 1000 * mB
)

var errSize = errors.New("is not a size; write for example 8MiB")

// units has longer names first, so that "8KiB" is not read as "8Ki" of "B".
func units() []unit {
	return []unit{{"GiB", GiB}, {"MiB", MiB}, {"KiB", KiB}, {"GB", gB}, {"MB", mB}, {"KB", kB}, {"B", Byte}}
}

type unit struct {
	name string
	size Size
}

// ParseSize reads a whole number with a unit of B, KB, MB, GB, KiB, MiB or GiB, or without one for bytes.
func ParseSize(text string) (Size, error) {
	digits, size := text, Byte
	for _, unit := range units() {
		if before, found := strings.CutSuffix(text, unit.name); found {
			digits, size = strings.TrimRight(before, " "), unit.size
			break
		}
	}
	n, err := strconv.ParseUint(digits, 10, 63)
	if err != nil || n > uint64(math.MaxInt64/size) { //nolint:gosec // Sizes are positive.
		return 0, errSize
	}
	return Size(n) * size, nil
}

// String writes the size in the largest binary unit that it is a whole number of, so that ParseSize reads the same back.
func (s Size) String() string {
	for _, unit := range units()[:3] {
		if s != 0 && s%unit.size == 0 {
			return strconv.FormatInt(int64(s/unit.size), 10) + unit.name
		}
	}
	return strconv.FormatInt(int64(s), 10)
}

// MarshalText is String.
func (s Size) MarshalText() ([]byte, error) {
	return []byte(s.String()), nil
}

// SizePattern matches what ParseSize reads.
func SizePattern() string {
	var names []string
	for _, unit := range units() {
		names = append(names, unit.name)
	}
	return "^[0-9]+ *(" + strings.Join(names, "|") + ")?$"
}
