//go:build unix

package filemode_test

import (
	"io/fs"
	"os"
	"syscall"
	"testing"
	"time"

	"sluice.internal/shared/filemode"
)

// info is a file's owner, group and mode.
type info struct {
	owner, group uint32
	mode         fs.FileMode
}

func (i info) Name() string       { return "file" }
func (i info) Size() int64        { return 0 }
func (i info) Mode() fs.FileMode  { return i.mode }
func (i info) ModTime() time.Time { return time.Time{} }
func (i info) IsDir() bool        { return false }
func (i info) Sys() any           { return &syscall.Stat_t{Uid: i.owner, Gid: i.group} }

func TestWhoCanWriteAndReadIsKnown(t *testing.T) {
	t.Parallel()
	own := uint32(os.Geteuid())
	for name, test := range map[string]struct {
		info                    info
		owner, writers, private bool // are as they should be
	}{
		"one's own secret":               {info{own, own + 1, 0o600}, true, true, true},
		"a secret of root for the group": {info{0, own + 1, 0o440}, true, true, true},
		"everybody reads":                {info{own, own, 0o644}, true, true, false},
		"everybody writes":               {info{own, own, 0o666}, true, false, false},
		"another group writes":           {info{own, own + 1, 0o660}, true, false, false},
		"one's own group writes":         {info{own, own, 0o660}, true, true, true},
		"somebody else's":                {info{own + 1, own + 1, 0o600}, false, true, true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			for check, err := range map[string]error{
				"owner": filemode.CheckOwner(test.info), "writers": filemode.CheckWriters(test.info), "private": filemode.CheckPrivate(test.info),
			} {
				want := map[string]bool{"owner": test.owner, "writers": test.writers, "private": test.private}[check]
				if (err == nil) != want {
					t.Errorf("%s: %v", check, err)
				}
			}
		})
	}
}
