package wire

import (
	"maps"
	"slices"
	"strings"

	"github.com/nats-io/nats.go"
)

const (
	// maxRequestFields is how many fields of a request travel with a notification.
	maxRequestFields = 16
	// maxMapping bounds what a source configures about reading its bodies, in bytes.
	maxMapping = 4 << 10
)

// setRequest writes what the request had beside its body and how the source wants it read.
func (h header) setRequest(fields map[string]string, mapping string, quarantine bool) {
	for i, name := range slices.Sorted(maps.Keys(fields)) {
		if i == maxRequestFields {
			break
		}
		h.set(HeaderRequestField+oneLine(name, maxToken), fields[name])
	}
	if mapping != "" {
		h[HeaderMapping] = []string{oneLine(mapping, maxMapping)}
	}
	h.setTrue(HeaderQuarantine, quarantine)
}

// readRequest reads the fields that setRequest wrote; nil when there are none.
func readRequest(h nats.Header) map[string]string {
	var fields map[string]string
	for name, values := range h {
		field, ok := strings.CutPrefix(name, HeaderRequestField)
		if !ok || len(values) == 0 {
			continue
		}
		if fields == nil {
			fields = map[string]string{}
		}
		fields[field] = values[0]
	}
	return fields
}
