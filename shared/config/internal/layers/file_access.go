package layers

import (
	"errors"
	"io/fs"
	"os"

	"sluice.internal/shared/filemode"
)

// ByteOrderMark is what some editors write in front of a text.
const ByteOrderMark = "\ufeff"

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
func (l *Loader) checkPrivate(k *Row, key string, s Setting) {
	path := ""
	switch kind := k.Tag("file"); {
	case s.Text == "":
		return
	case kind == fileContent, kind == fileSecret:
		path = s.Path()
	case k.isSecret(s.Text):
		path = s.Place.File // Empty for a variable.
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
		l.Warn(s.Place, key, "%q %s; run `chmod 600` on it", path, err)
	}
}

// Unreadable says why a file can't be read and what to do. The path is said by the caller.
func Unreadable(err error) string {
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return "no such file; create it or correct the path"
	case errors.Is(err, fs.ErrPermission):
		return "permission denied; let the user that this process runs as read it"
	}
	if pathError := (*fs.PathError)(nil); errors.As(err, &pathError) {
		return pathError.Err.Error()
	}
	return err.Error()
}
