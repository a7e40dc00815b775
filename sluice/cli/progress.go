package cli

import (
	"fmt"
	"io"
	"time"

	"sluice.internal/shared/service"
)

// progressPause is how often a person sees how far something is.
const progressPause = 200 * time.Millisecond

// progress tells a person at a terminal how far something is, in a line that is written again and again. Where nobody
// watches it writes nothing.
type progress struct {
	out   io.Writer // nil where nobody watches
	total int       // 0 when it is not known
	last  time.Time
	shown bool
}

func newProgress(out io.Writer, total int) *progress {
	if !service.IsTerminal(out) {
		out = nil
	}
	return &progress{out: out, total: total}
}

func (p *progress) show(count int) {
	if p.out == nil || time.Since(p.last) < progressPause {
		return
	}
	p.last, p.shown = time.Now(), true
	text := fmt.Sprint(count)
	if p.total > 0 {
		text = fmt.Sprintf("%d of %d", count, p.total)
	}
	_, _ = fmt.Fprintf(p.out, "\r\x1b[K%s", text) // When nobody reads that, there is nobody left to tell.
}

// clear takes the line away, before anything else is written.
func (p *progress) clear() {
	if p.shown {
		_, _ = fmt.Fprint(p.out, "\r\x1b[K")
		p.shown = false
	}
}
