package config

import (
	"os"

	"sluice.internal/shared/filemode"
)

// checkFound looks at who can have written a file that nobody named and that is read because it is there. One of
// somebody else's in the working directory would decide where notifications go, and which files are read as secrets.
func checkFound(path string) error {
	info, err := os.Stat(path)
	if err != nil {
		return err
	}
	if err := filemode.CheckOwner(info); err != nil {
		return err
	}
	return filemode.CheckWriters(info)
}

// checkPrivate warns of a file with a secret in it that everybody can read, once for each file. It is no fault: the
// process works, and whoever mounts files into a container may have no choice.
func (l *loader) checkPrivate(k *keySpec, key string, s setting) {
	path := ""
	switch kind := k.tag("file"); {
	case s.text == "":
		return
	case kind == fileContent, kind == fileSecret:
		path = s.path()
	case k.isSecret(s.text):
		path = s.place.File // Empty for a variable.
	}
	if path == "" || l.private[path] {
		return
	}
	l.private[path] = true
	info, err := os.Stat(path)
	if err != nil {
		return // Whoever reads it says so.
	}
	if err := filemode.CheckPrivate(info); err != nil {
		l.warn(s.place, key, "%q %s; run `chmod 600` on it", path, err)
	}
}
