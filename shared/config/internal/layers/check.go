package layers

import (
	"cmp"
	"errors"
	"net"
	"os"
	"strconv"
	"strings"
)

// checkBeside checks the key against others of its section, as its tags needs and excludes say.
func (l *Loader) checkBeside(k *Row, key string) {
	if !l.IsSet(key) {
		return
	}
	section := strings.TrimSuffix(key, k.name)
	for _, other := range k.split("needs") {
		if !l.IsSet(section + other) {
			l.Fault(l.At(key), key, "needs %s", section+other)
		}
	}
	for _, other := range k.split("excludes") {
		if other := section + other; l.IsSet(other) {
			l.Fault(l.At(key), key, "can't be set together with %s (%s)", other, l.Placed(other))
			return
		}
	}
}

// IsSet reports whether the key has a value that is not empty. It is for keys without a default.
func (l *Loader) IsSet(key string) bool {
	return l.Values[key].Text != ""
}

// checkFile opens the file that a value names, so that one that can't be read is known before the process starts. Files
// with content are read anyway, by whoever needs the content.
func (l *Loader) checkFile(k *Row, key string, s Setting) {
	want := k.Tag("file")
	if want == "" || want == fileContent || s.Text == "" {
		return
	}
	file, err := os.Open(s.Path())
	if err != nil {
		l.Fault(s.Place, key, "%q: %s", s.Path(), Unreadable(err))
		return
	}
	defer file.Close()
	if info, err := file.Stat(); err == nil && want == fileFolder && !info.IsDir() {
		l.Fault(s.Place, key, "%q: is a file, must be a folder", s.Path())
	}
}

// Placed names the place of the key's value in the middle of a sentence.
func (l *Loader) Placed(key string) string {
	return cmp.Or(l.At(key).String(), "the default")
}

// checkListen checks an address to listen on. A key without a default may be empty.
func (k *Row) checkListen(address string) error {
	if k.Tag("listen") == "" || address == "" && k.Tag("default") == "" {
		return nil
	}
	_, port, err := net.SplitHostPort(address)
	if _, number := strconv.ParseUint(port, 10, 16); err != nil || number != nil {
		return errors.New("is not an address to listen on; write for example :8080 or 127.0.0.1:8080")
	}
	return nil
}
