package intake

import (
	"testing"

	"sluice.internal/shared/notification"
)

// Two of the worst bodies are read at a time, and hundreds of ordinary ones.
func TestDocumentsAreSaidToTakeWhatTheyMayTake(t *testing.T) {
	t.Parallel()
	if worst := documentSize(8 << 20); worst*2 > maxReading || worst*3 <= maxReading {
		t.Errorf("not two bodies of 8 MiB, which take %d bytes each, are read at a time", worst)
	}
	if documentSize(2<<10) > 512<<10 || documentSize(8<<20) < notification.MaxValues*bytesPerValue {
		t.Errorf("2 KiB take %d bytes, 8 MiB %d", documentSize(2<<10), documentSize(8<<20))
	}
}
