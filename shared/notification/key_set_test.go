package notification_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"sluice.internal/shared/notification"
)

func TestSetOfKeysHasItsKeysAndShowsNone(t *testing.T) {
	t.Parallel()
	for _, count := range []int{0, 1, 2, 1000} {
		var keys []string
		for i := range count {
			keys = append(keys, fmt.Sprintf("key-%d", i))
		}
		document, err := json.Marshal(notification.NewKeySet(append(keys, keys...)))
		if err != nil {
			t.Fatal(err)
		}
		var set notification.KeySet
		if err := json.Unmarshal(document, &set); err != nil || set.Len() != count || strings.Contains(string(document), "key-") {
			t.Errorf("%d keys are %d, error %v, written as %.200s", count, set.Len(), err, document)
		}
		for _, key := range keys {
			if !set.Contains(key) {
				t.Errorf("it lacks %s", key)
			}
		}
		for i := range 1000 {
			if set.Contains(fmt.Sprintf("other-%d", i)) {
				t.Errorf("it has other-%d", i)
			}
		}
	}
	if (&notification.KeySet{}).Contains("key") || (&notification.KeySet{Sums: []byte{1, 2, 3}}).Contains("key") {
		t.Error("a set that is none has a key")
	}
}
