package config

import (
	"cmp"
	"errors"
	"net"
	"os"
	"strconv"
	"strings"
	"time"
)

// checkBeside checks the key against others of its section, as its tags needs and excludes say.
func (l *loader) checkBeside(k *keySpec, key string) {
	if !l.isSet(key) {
		return
	}
	section := strings.TrimSuffix(key, k.name)
	for _, other := range k.split("needs") {
		if !l.isSet(section + other) {
			l.fault(l.at(key), key, "needs %s", section+other)
		}
	}
	for _, other := range k.split("excludes") {
		if other := section + other; l.isSet(other) {
			l.fault(l.at(key), key, "can't be set together with %s (%s)", other, l.placed(other))
			return
		}
	}
}

// isSet reports whether the key has a value that is not empty. It is for keys without a default.
func (l *loader) isSet(key string) bool {
	return l.values[key].text != ""
}

// checkFile opens the file that a value names, so that one that can't be read is known before the process starts. Files
// with content are read anyway, by whoever needs the content.
func (l *loader) checkFile(k *keySpec, key string, s setting) {
	want := k.tag("file")
	if want == "" || want == fileContent || s.text == "" {
		return
	}
	file, err := os.Open(s.path())
	if err != nil {
		l.fault(s.place, key, "%q: %s", s.path(), unreadable(err))
		return
	}
	defer file.Close()
	if info, err := file.Stat(); err == nil && want == fileFolder && !info.IsDir() {
		l.fault(s.place, key, "%q: is a file, must be a folder", s.path())
	}
}

// checkListen checks an address to listen on. A key without a default may be empty.
func (k *keySpec) checkListen(address string) error {
	if k.tag("listen") == "" || address == "" && k.tag("default") == "" {
		return nil
	}
	_, port, err := net.SplitHostPort(address)
	if _, number := strconv.ParseUint(port, 10, 16); err != nil || number != nil {
		return errors.New("is not an address to listen on; write for example :8080 or 127.0.0.1:8080")
	}
	return nil
}

// readPassword reads the password of NATS from its file, where one is named.
func (l *loader) readPassword(nats *NATS) {
	const key = "nats.password_file"
	if nats.PasswordFile == "" {
		return
	}
	text, err := os.ReadFile(nats.PasswordFile)
	if err != nil {
		l.fault(l.at(key), key, "%q: %s", nats.PasswordFile, unreadable(err))
		return
	}
	if nats.Password = NewSecret(strings.TrimSpace(string(text))); nats.Password == (Secret{}) {
		l.fault(l.at(key), key, "%q is empty", nats.PasswordFile)
	}
}

// checkWindow checks that a message is kept as long as a repetition of it must be recognised.
func (l *loader) checkWindow(section string, keep time.Duration, windowKey string, window time.Duration) {
	if keep == 0 || window == 0 || keep >= window {
		return // or at fault already
	}
	keepAt, windowAt := section+".keep", section+"."+windowKey
	l.fault(cmp.Or(l.at(keepAt), l.at(windowAt)), section, "keep is %s (%s), less than %s, %s (%s)",
		keep, l.placed(keepAt), windowKey, window, l.placed(windowAt))
}

// checkMaxAge checks that nothing goes at its greatest age before the time for which it is kept.
func (l *loader) checkMaxAge(section string, keep, maxAge time.Duration) {
	if keep == 0 || maxAge == 0 || maxAge >= keep {
		return // or at fault already
	}
	keepAt, ageAt := section+".keep", section+".max_age"
	l.fault(cmp.Or(l.at(ageAt), l.at(keepAt)), section, "max_age is %s (%s), less than keep, %s (%s); 0 turns it off",
		maxAge, l.placed(ageAt), keep, l.placed(keepAt))
}

// checkWork checks that there is something for a worker to do.
func (l *loader) checkWork() {
	const intake, handlers = "worker.intake", "worker.handlers"
	if l.isFalse(intake) && l.isFalse(handlers) {
		l.fault(l.at(handlers), "worker", "with %s (%s) and %s (%s) both false it has nothing to do; set one to true",
			intake, l.placed(intake), handlers, l.placed(handlers))
	}
}

// isFalse reports whether the key, whose default is true, was set to false.
func (l *loader) isFalse(key string) bool {
	value, err := strconv.ParseBool(l.values[key].text)
	return err == nil && !value
}

// placed names the place of the key's value in the middle of a sentence.
func (l *loader) placed(key string) string {
	return cmp.Or(l.at(key).String(), "the default")
}
