package bench_test

import (
	"io"
	"net/http"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/nats-io/nats.go/jetstream"

	"sluice.internal/shared/streamtest"
	"sluice.internal/sluice/bench"
	"sluice.internal/sluice/bench/loadgen"
)

// store publishes a body and returns its place.
type store func(body []byte) uint64

// withStore sends to a server that does with the requests what handle says, and checks the stream.
func withStore(t *testing.T, handle func(number int64, body []byte, publish store) (receipt uint64, status int)) *loadgen.Result {
	t.Helper()
	streams := streamtest.Start(t).Open(t)
	publish := func(body []byte) uint64 {
		ack, err := streams.JetStream().Publish(t.Context(), "in.0.green-api", body, jetstream.WithRetryAttempts(1))
		if err != nil {
			t.Error(err)
			return 0
		}
		return ack.Sequence
	}
	publish([]byte("what was there before")) // Is no business of the check.
	var count atomic.Int64
	o := options(serve(t, func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			t.Error(err)
		}
		receipt, status := handle(count.Add(1), body, publish)
		w.Header().Set("Sluice-Receipt", strconv.FormatUint(receipt, 10))
		w.WriteHeader(status)
	}))
	result, err := bench.Load(t.Context(), o, streams.JetStream())
	if err != nil {
		t.Fatal(err)
	}
	if result.Checked == nil {
		t.Fatal("the stream was not looked at")
	}
	return result
}

func TestCheckFindsEverythingThatIsThereOnce(t *testing.T) {
	t.Parallel()
	result := withStore(t, func(_ int64, body []byte, publish store) (uint64, int) { return publish(body), 200 })
	if err := result.Err(); err != nil {
		t.Error(err)
	}
	if got := *result.Checked; got.Accepted == 0 || got.Accepted != got.Stored || got.Accepted != result.Statuses[200] {
		t.Errorf("verdict %+v of %+v", got, result)
	}
}

func TestCheckFindsWhatIsMissingDoubledAndMisplaced(t *testing.T) {
	t.Parallel()
	result := withStore(t, func(number int64, body []byte, publish store) (uint64, int) {
		switch number {
		case 1: // is told to be stored and is not
			return 1, 200
		case 2: // is stored twice
			publish(body)
			return publish(body) - 1, 200
		case 3: // is stored elsewhere
			return publish(body) + 1000, 200
		case 4: // is stored and not message to be
			return publish(body), 503
		case 5: // is neither
			return 0, 503
		default:
			return publish(body), 200
		}
	})
	got := *result.Checked
	if got.Missing != 1 || got.Doubled != 1 || got.Unanswered != 1 || got.Accepted-got.Stored != 1 {
		t.Errorf("verdict %+v", got)
	}
	// The second of the doubled may be another's, when two are stored at the same time.
	if got.Misplaced < 1 || got.Misplaced > 2 {
		t.Errorf("verdict %+v", got)
	}
	if err := got.Err(); err == nil || !strings.Contains(err.Error(), "1 are not in the stream, 1 are there more than once") {
		t.Errorf("error %v", err)
	}
}
