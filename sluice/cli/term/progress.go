package term

import (
	"fmt"
	"time"
)

const (
	// progressPause is how often the line changes: more often nobody can read it.
	progressPause = 200 * time.Millisecond
	// clearLine returns to the line's beginning and erases the line.
	clearLine = "\r\x1b[K"
)

// Progress shows a person at a terminal how far something is, in one line that is rewritten. Where nobody watches
// it writes nothing. A Progress is for one goroutine at a time.
type Progress struct {
	diagnostics *Diagnostics
	last        time.Time
	shown       bool
}

// NewProgress returns a Progress that has shown nothing yet.
func NewProgress(diagnostics *Diagnostics) *Progress { return &Progress{diagnostics: diagnostics} }

// Watched reports whether somebody sees what Show writes. Who would have to work for it need not, otherwise.
func (p *Progress) Watched() bool { return p.diagnostics.IsTerminal() }

// Show replaces the line. Calls that follow each other too fast to be read are dropped.
func (p *Progress) Show(format string, args ...any) {
	if !p.Watched() || time.Since(p.last) < progressPause {
		return
	}
	p.last, p.shown = time.Now(), true
	_, _ = fmt.Fprintf(p.diagnostics, clearLine+format, args...) // When nobody reads that, there is nobody left to tell.
}

// ShowCount shows how many of a total are done, or only how many when the total is 0 because it is not known.
func (p *Progress) ShowCount(count, total int) {
	if total > 0 {
		p.Show("%d of %d", count, total)
		return
	}
	p.Show("%d", count)
}

// Clear erases the line. It is called before anything else is written, and at the end.
func (p *Progress) Clear() {
	if p.shown {
		_, _ = fmt.Fprint(p.diagnostics, clearLine)
		p.shown = false
	}
}
