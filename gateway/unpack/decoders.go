package unpack

import (
	"bufio"
	"compress/flate"
	"compress/gzip"
	"compress/zlib"
	"encoding/binary"
	"errors"
	"io"

	"github.com/andybalholm/brotli"
	"github.com/klauspost/compress/zstd"

	"sluice.internal/gateway/budget"
)

// decoderFunc makes a decoder of one content encoding, after it took the memory that this needs beyond some 64 KiB.
type decoderFunc func(from io.Reader, memory *budget.Reservation) (io.ReadCloser, error)

// decoders are the content encodings that are undone. Those with x- before them are older names.
// Source: https://www.iana.org/assignments/http-parameters/http-parameters.xhtml#content-coding
var decoders = map[string]decoderFunc{
	"gzip": newGzip, "x-gzip": newGzip, "deflate": newDeflate, "x-deflate": newDeflate, "br": newBrotli, "zstd": newZstd,
}

// newGzip undoes gzip, of several members too.
func newGzip(from io.Reader, _ *budget.Reservation) (io.ReadCloser, error) {
	return gzip.NewReader(from)
}

// newDeflate undoes what is called deflate: zlib by the standard, and DEFLATE without its header by half of those who send it.
// Source: https://www.rfc-editor.org/rfc/rfc9110#section-8.4.1.2
func newDeflate(from io.Reader, _ *budget.Reservation) (io.ReadCloser, error) {
	buffered := bufio.NewReader(from)
	head, err := buffered.Peek(2)
	if err != nil {
		return nil, io.ErrUnexpectedEOF
	}
	const deflateMethod, headerCheck = 8, 31
	if head[0]&0x0f == deflateMethod && binary.BigEndian.Uint16(head)%headerCheck == 0 {
		decoder, err := zlib.NewReader(buffered)
		return &whole{decoder, buffered}, err
	}
	return &whole{flate.NewReader(buffered), buffered}, nil
}

// errMore says that something follows what was packed.
var errMore = errors.New("there is more behind its end")

// whole makes sure that nothing follows what a decoder read, as that of gzip does by itself.
type whole struct {
	io.ReadCloser

	from *bufio.Reader
}

func (w *whole) Read(p []byte) (int, error) {
	n, err := w.ReadCloser.Read(p)
	if errors.Is(err, io.EOF) {
		if _, more := w.from.Peek(1); more == nil {
			return n, errMore
		}
	}
	return n, err
}

// brotliTables is what Brotli needs besides its window, in bytes. A sender chooses how many prefix codes there are: 256 of each
// of three kinds at the most, whose tables have up to 1,080 entries of four bytes.
// Source: https://www.rfc-editor.org/rfc/rfc7932#section-9.2
const brotliTables = 3 << 20

// newBrotli undoes Brotli. The first bits say how large a window it needs, 16 MiB at the most. The decoder begins with a smaller
// one and copies it into one of twice the size, so that it has one and a half for a moment.
// Source: https://www.rfc-editor.org/rfc/rfc7932#section-9.1
func newBrotli(from io.Reader, memory *budget.Reservation) (io.ReadCloser, error) {
	buffered := bufio.NewReader(from)
	head, err := buffered.Peek(1)
	if err != nil {
		return nil, io.ErrUnexpectedEOF
	}
	window := brotliWindow(head[0])
	if err := memory.Hold(window + window/2 + brotliTables); err != nil {
		return nil, err
	}
	return &whole{io.NopCloser(brotli.NewReader(buffered)), buffered}, nil
}

// brotliWindow returns the window's size in bytes that a stream of Brotli begins with.
func brotliWindow(first byte) int64 {
	switch {
	case first&1 == 0:
		return 1 << 16
	case first>>1&7 != 0:
		return 1 << (17 + first>>1&7)
	case first>>4&7 > 1:
		return 1 << (8 + first>>4&7)
	default:
		return 1 << 17
	}
}

const (
	// maxZstdWindow is the largest window, in bytes, that a sender of zstd may ask for.
	// Source: https://www.rfc-editor.org/rfc/rfc9659
	maxZstdWindow = 8 << 20
	// zstdBlock is how large the pieces are that zstd is decoded in, in bytes. There are three beside the window.
	zstdBlock = 128 << 10
)

// newZstd undoes zstd, of several frames too, none of which needs a larger window than the first.
func newZstd(from io.Reader, memory *budget.Reservation) (io.ReadCloser, error) {
	buffered := bufio.NewReader(from)
	head, _ := buffered.Peek(zstd.HeaderMaxSize) // A small one has less.
	var frame zstd.Header
	if err := frame.Decode(head); err != nil {
		return nil, err
	}
	window := max(frame.WindowSize, zstd.MinWindowSize)
	switch {
	case frame.Skippable:
		window = maxZstdWindow
	case frame.SingleSegment:
		window = max(frame.FrameContentSize, zstd.MinWindowSize)
	}
	window = min(window, maxZstdWindow)
	if err := memory.Hold(int64(window) + 3*int64(min(window, zstdBlock))); err != nil { // It is 8 MiB at the most.
		return nil, err
	}
	decoder, err := zstd.NewReader(buffered,
		zstd.WithDecoderConcurrency(1), zstd.WithDecoderLowmem(true), zstd.WithDecoderMaxWindow(window))
	if err != nil {
		return nil, err
	}
	return decoder.IOReadCloser(), nil
}

// maxRatio is how many times its packed size a body may be said to unpack to, so that memory is set aside for it: DEFLATE can't
// do better, and others do not where it counts.
const maxRatio = 1032

// unpackedSize returns the size in bytes that a packed body says of its content, 0 where it says none or it can't be right. It is
// a hint: several members or frames have one each, and what is wrong is found by reading.
// Source: https://www.rfc-editor.org/rfc/rfc1952#section-2.3.1
func unpackedSize(encoding string, packed []byte) int64 {
	size := uint64(0)
	switch encoding {
	case "gzip", "x-gzip":
		if len(packed) >= 4 {
			size = uint64(binary.LittleEndian.Uint32(packed[len(packed)-4:]))
		}
	case "zstd":
		var frame zstd.Header
		if frame.Decode(packed[:min(len(packed), zstd.HeaderMaxSize)]) == nil && frame.HasFCS {
			size = frame.FrameContentSize
		}
	}
	if size > maxRatio*uint64(len(packed)) {
		return 0
	}
	return int64(size) // It is a thousand times a body at the most.
}
