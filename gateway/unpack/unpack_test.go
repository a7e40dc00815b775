package unpack_test

import (
	"bytes"
	"compress/gzip"
	"math"
	"net/http"
	"testing"
	"time"

	"sluice.internal/gateway/budget"
	"sluice.internal/gateway/unpack"
	"sluice.internal/shared/costtest"
)

// unpackLimit is what unpacking a body of at most a MiB may cost: Brotli with the largest window takes that and its half again.
var unpackLimit = costtest.Limit{Base: 40 << 20, PerByte: 1 << 10, MaxMemory: 64 << 20, CPUPerMiB: 3 * time.Second}

func FuzzUnpack(f *testing.F) {
	var twice bytes.Buffer
	outer := gzip.NewWriter(&twice)
	inner := gzip.NewWriter(outer)
	for range 32 {
		if _, err := inner.Write(make([]byte, 1<<20)); err != nil {
			f.Fatal(err)
		}
	}
	if err := inner.Close(); err != nil {
		f.Fatal(err)
	}
	if err := outer.Close(); err != nil {
		f.Fatal(err)
	}
	f.Add("gzip, gzip", twice.Bytes())
	f.Add("br", []byte("\x0f\x02\x80hello\x03"))
	f.Add("br", []byte("\x0f\xff\xff\xff\xff\xff\xff\xff"))
	f.Add("deflate", []byte("\x78\x9c\x03\x00\x00\x00\x00\x01"))
	f.Add("zstd", []byte("\x28\xb5\x2f\xfd\x00\x68\x01\x00\x00"))
	f.Add("zstd", bytes.Repeat([]byte("\x50\x2a\x4d\x18\x00\x00\x00\x00"), 8<<10))
	f.Fuzz(func(t *testing.T, encoding string, raw []byte) {
		const limit = 1 << 20
		memory := budget.New(budget.Settings{Size: math.MaxInt64 / 4}).Reserve(budget.Request{Verified: true, MaxBody: limit})
		unpackLimit.Check(t, len(raw), func() {
			body, left, err := unpack.Body(http.Header{"Content-Encoding": {encoding}}, raw, memory, limit)
			if err == nil && left != "" && !bytes.Equal(body, raw) {
				t.Errorf("what could not be unpacked is not as it came")
			}
			if err == nil && left == "" && len(body) > max(limit, len(raw)) {
				t.Errorf("it has %d bytes", len(body))
			}
		})
	})
}
