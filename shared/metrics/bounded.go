package metrics

import "sync"

const (
	// maxValues bounds how many values a label may have that come from outside, and other is what the rest is called.
	maxValues = 200
	other     = "other"
	// none is the label of what has no source.
	none = "none"
)

// bounded lets a bounded number of values through, those that come first.
type bounded struct {
	mutex  sync.RWMutex
	values map[string]struct{}
}

// newBounded lets the known values through in any case.
func newBounded(known []string) *bounded {
	b := &bounded{values: make(map[string]struct{}, len(known))}
	for _, value := range known {
		b.values[value] = struct{}{}
	}
	return b
}

// of returns the value, or what stands for those that are too many.
func (b *bounded) of(value string) string {
	if value == "" {
		return none
	}
	b.mutex.RLock()
	_, known := b.values[value]
	full := len(b.values) >= maxValues
	b.mutex.RUnlock()
	switch {
	case known:
		return value
	case full:
		return other
	}
	b.mutex.Lock()
	defer b.mutex.Unlock()
	if len(b.values) >= maxValues {
		return other
	}
	b.values[value] = struct{}{}
	return value
}
