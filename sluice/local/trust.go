package local

import (
	"fmt"
	"os"

	"sluice.internal/shared/filemode"
)

// checkWriters refuses a folder that anybody but its owner can write into.
func checkWriters(dir string) error {
	info, err := os.Stat(dir)
	if err != nil {
		return fmt.Errorf("look at data folder: %w", err)
	}
	if err := filemode.CheckWriters(info); err != nil {
		return fmt.Errorf("data folder %q %w, who then decide what Sluice reads and sends; run `chmod go-w %s`", dir, err, dir)
	}
	return nil
}

// checkOwner refuses a folder that belongs to somebody else.
func checkOwner(dir string) error {
	info, err := os.Stat(dir)
	if err != nil {
		return fmt.Errorf("look at data folder: %w", err)
	}
	if err := filemode.CheckOwner(info); err != nil {
		return fmt.Errorf("data folder %q %w; run this as its owner", dir, err)
	}
	return nil
}
