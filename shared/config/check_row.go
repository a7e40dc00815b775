package config

import (
	"cmp"
	"errors"
	"net"
	"os"
	"strconv"
	"strings"
)

// checkBeside checks the key against others of its section, as its tags needs and excludes say.
func (l *layered) checkBeside(k *keySpec, key string) {
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
func (l *layered) isSet(key string) bool {
	return l.values[key].text != ""
}

// checkFile opens the file that a value names, so that one that can't be read is known before the process starts. Files
// with content are read anyway, by whoever needs the content.
func (l *layered) checkFile(k *keySpec, key string, s setting) {
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

// placed names the place of the key's value in the middle of a sentence.
func (l *layered) placed(key string) string {
	return cmp.Or(l.at(key).String(), "the default")
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
