package handling

import (
	"bytes"
	"errors"
	"log/slog"
	"strings"
	"testing"

	"sluice.internal/shared/service"
)

func TestGroupWorksAgainWhenNoPartitionFails(t *testing.T) {
	t.Parallel()
	var log bytes.Buffer
	failing := &troubles{condition: service.NewCondition("group", slog.New(slog.NewTextHandler(&log, nil)))}
	first, second := failing.reporter(), failing.reporter()
	for range 3 {
		first(errors.New("cut"))
		second(errors.New("cut"))
		first(nil)
		first(nil)
		first(errors.New("cut again"))
	}
	if strings.Count(log.String(), "\n") != 1 {
		t.Fatalf("while the second fails all along: %s", &log)
	}
	first(nil)
	second(nil)
	if !strings.Contains(log.String(), "works again") || strings.Count(log.String(), "\n") != 2 {
		t.Errorf("when none fails: %s", &log)
	}
}
