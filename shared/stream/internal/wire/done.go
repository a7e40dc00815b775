package wire

import (
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"
)

// WriteDone writes up to which sequence each lane is done, as a value of metadata.
func WriteDone(done map[int]uint64) string {
	words := make([]string, 0, len(done))
	for _, lane := range slices.Sorted(maps.Keys(done)) {
		words = append(words, strconv.Itoa(lane)+":"+strconv.FormatUint(done[lane], 10))
	}
	return strings.Join(words, " ")
}

// ReadDone reads from metadata what WriteDone wrote. It is nil where nothing was taken over.
func ReadDone(metadata map[string]string) map[int]uint64 {
	var done map[int]uint64
	for word := range strings.FieldsSeq(metadata[MetadataDone]) {
		lane, sequence, _ := strings.Cut(word, ":")
		number, err := strconv.Atoi(lane)
		if err != nil {
			continue
		}
		if done == nil {
			done = map[int]uint64{}
		}
		done[number], _ = strconv.ParseUint(sequence, 10, 64)
	}
	return done
}

// ReadBorn reads from metadata when a group was made whose consumers were taken over; zero where none were.
func ReadBorn(metadata map[string]string) time.Time {
	born, err := time.Parse(time.RFC3339Nano, metadata[MetadataBorn])
	if err != nil {
		return time.Time{}
	}
	return born
}
