package config

import (
	"cmp"
	"os"
	"strconv"
	"strings"
	"time"

	"sluice.internal/shared/config/internal/layers"
)

// readPassword reads the password of NATS from its file, where one is named.
func (l *loader) readPassword(nats *NATS) {
	const key = "nats.password_file"
	if nats.PasswordFile == "" {
		return
	}
	text, err := os.ReadFile(nats.PasswordFile)
	if err != nil {
		l.Fault(l.At(key), key, "%q: %s", nats.PasswordFile, layers.Unreadable(err))
		return
	}
	if nats.Password = NewSecret(strings.TrimSpace(string(text))); nats.Password == (Secret{}) {
		l.Fault(l.At(key), key, "%q is empty", nats.PasswordFile)
	}
}

// checkWindow checks that a message is kept as long as a repetition of it must be recognised.
func (l *loader) checkWindow(section string, keep time.Duration, windowKey string, window time.Duration) {
	if keep == 0 || window == 0 || keep >= window {
		return // or at fault already
	}
	keepAt, windowAt := section+".keep", section+"."+windowKey
	l.Fault(cmp.Or(l.At(keepAt), l.At(windowAt)), section, "keep is %s (%s), less than %s, %s (%s)",
		keep, l.Placed(keepAt), windowKey, window, l.Placed(windowAt))
}

// checkMaxAge checks that nothing goes at its greatest age before the time for which it is kept.
func (l *loader) checkMaxAge(section string, keep, maxAge time.Duration) {
	if keep == 0 || maxAge == 0 || maxAge >= keep {
		return // or at fault already
	}
	keepAt, ageAt := section+".keep", section+".max_age"
	l.Fault(cmp.Or(l.At(ageAt), l.At(keepAt)), section, "max_age is %s (%s), less than keep, %s (%s); 0 turns it off",
		maxAge, l.Placed(ageAt), keep, l.Placed(keepAt))
}

// checkWork checks that there is something for a worker to do.
func (l *loader) checkWork() {
	const intake, handlers = "worker.intake", "worker.handlers"
	if l.isFalse(intake) && l.isFalse(handlers) {
		l.Fault(l.At(handlers), "worker", "with %s (%s) and %s (%s) both false it has nothing to do; set one to true",
			intake, l.Placed(intake), handlers, l.Placed(handlers))
	}
}

// isFalse reports whether the key, whose default is true, was set to false.
func (l *loader) isFalse(key string) bool {
	value, err := strconv.ParseBool(l.Values[key].Text)
	return err == nil && !value
}
