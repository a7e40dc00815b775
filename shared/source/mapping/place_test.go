package mapping_test

import (
	"strings"
	"testing"

	"sluice.internal/shared/source/mapping"
)

func TestPlacesThatCanNotBeAreTold(t *testing.T) {
	t.Parallel()
	for _, place := range []string{"", "/", "/a~1b/0", "$.a", "$.a.b[0]", "$['a b'].c", "$[0]", "header:X-A", "constant:x y", "body", "root", "query:event_type"} {
		if err := mapping.CheckPlace(place); err != nil {
			t.Errorf("%q: %v", place, err)
		}
	}
	for _, place := range []string{"a", "event.type", "$", "$a", "$..a", "$.a[", "$.a[x]", "$.a[*]", "$.*", "header:", "header:X A", "constant:", "bodies", "query:", "query:a b", "roots"} {
		if mapping.CheckPlace(place) == nil {
			t.Errorf("%q is a place", place)
		}
	}
	err := mapping.Mapping{Type: "a", Order: "b", Object: "/o"}.Check()
	if err == nil || strings.Count(err.Error(), "\n") != 2 {
		t.Errorf("not all three faults are told: %v", err)
	}
}

func TestPlacesWithoutItemsAreRefused(t *testing.T) {
	t.Parallel()
	for _, place := range []string{"events/*", "/events", "/events/0", "", "/events/*/"} {
		if (mapping.Mapping{Type: "constant:a", Split: []string{place}}).Check() == nil {
			t.Errorf("%q divides", place)
		}
	}
}
