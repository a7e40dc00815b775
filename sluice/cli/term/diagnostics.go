package term

import (
	"fmt"
	"io"
	"strings"
	"sync"

	"sluice.internal/shared/service"
)

// Diagnostics is the standard error of a command. It is safe for concurrent use: a connection logs beside what a
// command says. Errors of writing are dropped: when nobody reads this, there is nobody left to tell.
type Diagnostics struct {
	mutex    sync.Mutex
	out      io.Writer
	terminal bool
}

// NewDiagnostics returns Diagnostics that write to out.
func NewDiagnostics(out io.Writer) *Diagnostics {
	return &Diagnostics{out: out, terminal: service.IsTerminal(out)}
}

// IsTerminal reports whether a person reads along.
func (d *Diagnostics) IsTerminal() bool { return d.terminal }

// Write writes text as it is, undivided by what others write.
func (d *Diagnostics) Write(text []byte) (int, error) {
	d.mutex.Lock()
	defer d.mutex.Unlock()
	return d.out.Write(text)
}

// Line writes a line, or several that are in the text. On a terminal, what is not printable is replaced: an error may
// quote what a stranger has sent.
func (d *Diagnostics) Line(format string, args ...any) {
	text := fmt.Sprintf(format, args...)
	if d.terminal {
		lines := strings.Split(text, "\n")
		for i := range lines {
			lines[i] = Printable(lines[i])
		}
		text = strings.Join(lines, "\n")
	}
	_, _ = fmt.Fprintln(d, text)
}

// Error writes a line that begins with the program's name, as other programs do.
func (d *Diagnostics) Error(format string, args ...any) { d.Line("sluice: "+format, args...) }
