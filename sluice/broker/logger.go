package broker

import (
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync"
)

// logger passes the server's lines on. What it calls a notice is of interest to who looks for a fault in it, so
// that is DEBUG here.
type logger struct {
	log   *slog.Logger
	mutex sync.Mutex
	last  error
}

// Noticef is for what goes on in good health, such as a start.
func (l *logger) Noticef(format string, v ...any) { l.log.Debug("nats: " + fmt.Sprintf(format, v...)) }

func (l *logger) Debugf(format string, v ...any) { l.log.Debug("nats: " + fmt.Sprintf(format, v...)) }

func (l *logger) Tracef(format string, v ...any) { l.log.Debug("nats: " + fmt.Sprintf(format, v...)) }
func (l *logger) Errorf(format string, v ...any) { l.failed("nats: " + fmt.Sprintf(format, v...)) }

// Warnf drops the advice that would frighten at each start: that messages above 8 MiB are discouraged, where the
// limit is chosen to take bodies of 8 MiB with their headers, and that the password is not hashed, where it is
// random, for loopback, and kept in a file that only the owner reads.
func (l *logger) Warnf(format string, v ...any) {
	for _, advice := range []string{"Maximum payloads over", "Plaintext passwords detected"} {
		if strings.HasPrefix(format, advice) {
			return
		}
	}
	l.log.Warn("nats: " + fmt.Sprintf(format, v...))
}

// Fatalf does not end the process: whoever started the server finds it not ready and knows the cause.
func (l *logger) Fatalf(format string, v ...any) { l.failed("nats: " + fmt.Sprintf(format, v...)) }

// failed logs a failure and keeps it as the cause, for whoever finds the server not ready.
func (l *logger) failed(text string) {
	l.mutex.Lock()
	defer l.mutex.Unlock()
	l.last = errors.New(text)
	l.log.Error(text)
}

// cause is the last thing that failed.
func (l *logger) cause() error {
	l.mutex.Lock()
	defer l.mutex.Unlock()
	if l.last == nil {
		return errNoAnswer
	}
	return l.last
}
