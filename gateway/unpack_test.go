package gateway_test

import (
	"bytes"
	"compress/flate"
	"compress/zlib"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/andybalholm/brotli"
	"github.com/klauspost/compress/zstd"

	"sluice.internal/shared/config"
)

// packedBy returns content as a writer packs it.
func packedBy(t testing.TB, newWriter func(io.Writer) (io.WriteCloser, error), content string) []byte {
	t.Helper()
	var all bytes.Buffer
	writer, err := newWriter(&all)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := writer.Write([]byte(content)); err != nil {
		t.Fatal(err)
	}
	if err := writer.Close(); err != nil {
		t.Fatal(err)
	}
	return all.Bytes()
}

func asZlib(w io.Writer) (io.WriteCloser, error)    { return zlib.NewWriter(w), nil }
func asDeflate(w io.Writer) (io.WriteCloser, error) { return flate.NewWriter(w, flate.BestCompression) }
func asBrotli(w io.Writer) (io.WriteCloser, error)  { return brotli.NewWriter(w), nil }
func asZstd(w io.Writer) (io.WriteCloser, error)    { return zstd.NewWriter(w) }

// asWideBrotli needs a window of 16 MiB, as its first bits say.
func asWideBrotli(w io.Writer) (io.WriteCloser, error) {
	return brotli.NewWriterOptions(w, brotli.WriterOptions{Quality: 5, LGWin: 24}), nil
}

func TestContentEncodingsAreUndone(t *testing.T) {
	t.Parallel()
	const content = "hello world, hello world"
	zip := func(raw []byte) []byte { return packed(string(raw)) }
	for encoding, raw := range map[string][]byte{
		"gzip": packed("hello world", ", hello world"), "x-gzip": packed(content), "GZIP": packed(content),
		"identity, gzip": packed(content), "gzip, identity": packed(content), " gzip ,": packed(content),
		"deflate": packedBy(t, asZlib, content), "Deflate": packedBy(t, asDeflate, content),
		"br": packedBy(t, asBrotli, content), "BR": packedBy(t, asWideBrotli, content),
		"zstd": packedBy(t, asZstd, content), "Zstd": bytes.Join([][]byte{packedBy(t, asZstd, "hello world"), packedBy(t, asZstd, ", hello world")}, nil),
		"deflate, gzip":  zip(packedBy(t, asZlib, content)),
		"br, gzip":       zip(packedBy(t, asBrotli, content)),
		"zstd, gzip":     zip(packedBy(t, asZstd, content)),
		"gzip, br":       packedBy(t, asBrotli, string(packed(content))),
		"gzip,gzip,gzip": zip(zip(packed(content))),
	} {
		store := newMemory()
		start(t, greenAPI(), store).post(t, raw, header("Content-Encoding", encoding)).want(t, 200)
		if got := store.only(t); string(got.Body) != content || got.ContentEncoding != "" {
			t.Errorf("%q: stored %q in %q", encoding, got.Body, got.ContentEncoding)
		}
	}
}

func TestJSONThatIsSaidToBePackedIsTakenAsItIs(t *testing.T) {
	t.Parallel()
	for _, encoding := range []string{"gzip", "br", "deflate", "zstd", "rot13"} {
		store := newMemory()
		start(t, greenAPI(), store).post(t, []byte(`{"a":1}`), header("Content-Encoding", encoding)).want(t, 200)
		if got := store.only(t); string(got.Body) != `{"a":1}` || got.ContentEncoding != "" {
			t.Errorf("%q: stored %q in %q", encoding, got.Body, got.ContentEncoding)
		}
	}
}

func TestWhatCannotBeUndoneIsStoredAsItCame(t *testing.T) {
	t.Parallel()
	whole := packed("hello")
	corrupt := func(raw []byte) []byte {
		raw = bytes.Clone(raw)
		raw[len(raw)-5]++
		return raw
	}
	cut := func(raw []byte) []byte { return raw[:len(raw)-1] }
	more := func(raw []byte) []byte { return append(bytes.Clone(raw), 'x') }
	for sentence, test := range map[string]struct {
		encodings []string
		body      []byte
		want      string
	}{
		"corrupt gzip":                {[]string{"gzip"}, corrupt(whole), "gzip"},
		"gzip that is cut off":        {[]string{"gzip"}, cut(whole), "gzip"},
		"gzip and something after":    {[]string{"gzip"}, more(whole), "gzip"},
		"no gzip at all":              {[]string{"x-gzip"}, []byte("hello"), "x-gzip"},
		"nothing":                     {[]string{"gzip"}, nil, "gzip"},
		"nothing as deflate":          {[]string{"deflate"}, nil, "deflate"},
		"nothing as brotli":           {[]string{"br"}, nil, "br"},
		"nothing as zstd":             {[]string{"zstd"}, nil, "zstd"},
		"no brotli":                   {[]string{"br"}, []byte("hello"), "br"},
		"no deflate":                  {[]string{"deflate"}, []byte("hello"), "deflate"},
		"no zstd":                     {[]string{"zstd"}, []byte("hello"), "zstd"},
		"zlib that is cut off":        {[]string{"deflate"}, cut(packedBy(t, asZlib, "hello")), "deflate"},
		"corrupt zlib":                {[]string{"deflate"}, corrupt(packedBy(t, asZlib, "hello")), "deflate"},
		"zlib and something after":    {[]string{"deflate"}, more(packedBy(t, asZlib, "hello")), "deflate"},
		"deflate and something after": {[]string{"deflate"}, more(packedBy(t, asDeflate, "hello")), "deflate"},
		"brotli that is cut off":      {[]string{"br"}, cut(packedBy(t, asBrotli, "hello")), "br"},
		"brotli and something after":  {[]string{"br"}, more(packedBy(t, asBrotli, "hello")), "br"},
		"zstd that is cut off":        {[]string{"zstd"}, cut(packedBy(t, asZstd, "hello")), "zstd"},
		"zstd and something after":    {[]string{"zstd"}, more(packedBy(t, asZstd, "hello")), "zstd"},
		"gzip once and said twice":    {[]string{"gzip, gzip"}, whole, "gzip, gzip"},
		"the other order":             {[]string{"br", "gzip"}, packedBy(t, asBrotli, string(whole)), "br, gzip"},
		"too many":                    {[]string{"gzip, gzip, gzip, gzip"}, whole, "gzip, gzip, gzip, gzip"},
		"an encoding nobody knows":    {[]string{"rot13"}, []byte("uryyb"), "rot13"},
		"one of two nobody knows":     {[]string{"rot13, gzip"}, packed("uryyb"), "rot13, gzip"},
		"none, in so many words":      {[]string{"identity"}, []byte("hello"), ""},
		"an empty header":             {[]string{""}, []byte("hello"), ""},
	} {
		t.Run(sentence, func(t *testing.T) {
			t.Parallel()
			store := newMemory()
			start(t, greenAPI(), store).post(t, test.body, header("Content-Encoding", test.encodings...)).want(t, 200)
			if got := store.only(t); !bytes.Equal(got.Body, test.body) || got.ContentEncoding != test.want {
				t.Errorf("stored %q in %q, want %q", got.Body, got.ContentEncoding, test.want)
			}
		})
	}
}

func TestWhatUnpacksToTooMuchIsRefusedInEveryEncoding(t *testing.T) {
	t.Parallel()
	bomb := strings.Repeat("x", 4<<20)
	inner := string(packed(bomb))
	for encoding, raw := range map[string][]byte{
		"deflate": packedBy(t, asZlib, bomb)[:smallLimit/2], "Deflate": packedBy(t, asDeflate, bomb)[:smallLimit/2],
		"br": packedBy(t, asBrotli, bomb), "zstd": packedBy(t, asZstd, bomb),
		"gzip, gzip": packed(inner), "gzip, br": packedBy(t, asBrotli, inner), "gzip, zstd": packedBy(t, asZstd, inner),
	} {
		if len(raw) > smallLimit {
			t.Fatalf("%s: the bomb has %d bytes", encoding, len(raw))
		}
		store := newMemory()
		start(t, limited(), store).post(t, raw, header("Content-Encoding", encoding)).
			wantRefusal(t, http.StatusRequestEntityTooLarge, "body_too_large")
	}
}

func TestMemoryOfDecodersIsCounted(t *testing.T) {
	t.Parallel()
	settings := greenAPI()
	settings.MemoryLimit = 64 * config.MiB // Of which one source may take an eighth or so for its bodies.
	store := newMemory()
	running := start(t, settings, store)
	raw := packedBy(t, asWideBrotli, "hello")
	running.post(t, raw, header("Content-Encoding", "br")).wantRefusal(t, http.StatusRequestEntityTooLarge, "body_too_large")
	// The window of a zstd frame stands behind its magic number: 0x68 is 8 MiB, 0x78 is 32 MiB.
	frame := []byte{0x28, 0xb5, 0x2f, 0xfd, 0x00, 0x78, 0x01, 0x00, 0x00}
	running.post(t, frame, header("Content-Encoding", "zstd")).wantRefusal(t, http.StatusRequestEntityTooLarge, "body_too_large")
	frame[5] = 0x68
	running.post(t, frame, header("Content-Encoding", "zstd")).want(t, http.StatusOK)
	if peak := running.BodiesPeak(); peak < 8<<20 {
		t.Errorf("bodies took %d bytes at the most, without the window", peak)
	}
	running.post(t, packedBy(t, asBrotli, "hello"), header("Content-Encoding", "br")).want(t, http.StatusOK)
}
