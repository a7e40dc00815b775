package unpack_test

import (
	"bytes"
	"compress/gzip"
	"compress/zlib"
	"io"
	"math"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/andybalholm/brotli"
	"github.com/klauspost/compress/zstd"

	"sluice.internal/gateway/budget"
	"sluice.internal/gateway/unpack"
	"sluice.internal/shared/costtest"
)

// unpackLimit is what unpacking a body of at most a MiB may cost: Brotli with the largest window takes that and its half again.
var unpackLimit = costtest.Limit{Base: 40 << 20, PerByte: 1 << 10, MaxMemory: 64 << 20, CPUPerMiB: 3 * time.Second}

// packers are writers of content encodings, with the largest windows where there is a choice.
var packers = map[string]func(io.Writer) (io.WriteCloser, error){
	"gzip":    func(w io.Writer) (io.WriteCloser, error) { return gzip.NewWriter(w), nil },
	"deflate": func(w io.Writer) (io.WriteCloser, error) { return zlib.NewWriter(w), nil },
	"br": func(w io.Writer) (io.WriteCloser, error) {
		return brotli.NewWriterOptions(w, brotli.WriterOptions{Quality: 2, LGWin: 24}), nil
	},
	"zstd": func(w io.Writer) (io.WriteCloser, error) { return zstd.NewWriter(w, zstd.WithWindowSize(8<<20)) },
}

// bomb is so many bytes of nothing, packed by one encoding after the other.
func bomb(t testing.TB, size int, encodings ...string) []byte {
	t.Helper()
	content := io.LimitReader(zeros{}, int64(size))
	var packed *bytes.Buffer
	for _, encoding := range encodings {
		packed = &bytes.Buffer{}
		writer, err := packers[encoding](packed)
		if err == nil {
			_, err = io.Copy(writer, content)
		}
		if err == nil {
			err = writer.Close()
		}
		if err != nil {
			t.Fatal(err)
		}
		content = bytes.NewReader(packed.Bytes())
	}
	return packed.Bytes()
}

// zeros is a reader of nothing without an end.
type zeros struct{}

func (zeros) Read(p []byte) (int, error) {
	clear(p)
	return len(p), nil
}

// What a body is unpacked with counts as memory as long as it is there, and no longer: the body may wait for the store.
func TestMemoryOfDecodersIsTakenAndGivenBack(t *testing.T) {
	t.Parallel()
	for _, encodings := range [][]string{{"br"}, {"zstd"}, {"gzip", "br"}, {"br", "zstd"}} {
		const size = 64 << 10
		name := strings.Join(encodings, ", ")
		all := budget.New(budget.Settings{Size: 1 << 30})
		memory := all.Reserve(budget.Request{Verified: true, MaxBody: 1 << 20})
		body, left, err := unpack.Body(http.Header{"Content-Encoding": {name}}, bomb(t, size, encodings...), memory, 1<<20)
		if err != nil || left != "" || len(body) != size {
			t.Fatalf("%s: %d bytes, %q is left, error %v", name, len(body), left, err)
		}
		if taken := all.Taken(); taken > 4*size {
			t.Errorf("%s: %d bytes are taken for a body of %d", name, taken, size)
		}
		if slices.Contains(encodings, "br") && all.Peak() < 16<<20*3/2 {
			t.Errorf("%s: %d bytes were taken at the most", name, all.Peak())
		}
	}
}

func FuzzUnpack(f *testing.F) {
	const large = 8 << 20
	for _, encodings := range [][]string{
		{"gzip"},
		{"deflate"},
		{"br"},
		{"zstd"},
		{"gzip", "gzip"},
		{"br", "br"},
		{"zstd", "zstd"},
		{"br", "gzip"},
		{"gzip", "br"},
		{"zstd", "br"},
		{"br", "zstd"},
		{"gzip", "zstd", "br"},
		{"deflate", "br", "zstd"},
	} {
		f.Add(strings.Join(encodings, ", "), bomb(f, large, encodings...))
	}
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
