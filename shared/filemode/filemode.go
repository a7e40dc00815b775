//go:build unix

// Package filemode says whom a file or folder can be believed and from whom it is kept: who owns it, who can write into
// it, who can read it. It knows nothing of what is in them. The errors complete a sentence that begins with the path.
//
// What a process believes without having been told to, such as a file in the working directory, has to be the caller's
// own, and nobody else may write into it. A secret must not be readable by everybody.
package filemode

import (
	"fmt"
	"io/fs"
	"os"
	"syscall"
)

const (
	groupWrites fs.FileMode = 0o020
	worldWrites fs.FileMode = 0o002
	// worldAccess lets everybody read, write or enter.
	worldAccess fs.FileMode = 0o007
)

// CheckOwner returns an error when a file belongs to somebody else. The superuser may own it: he can do anything anyway.
func CheckOwner(info fs.FileInfo) error {
	own := os.Geteuid()
	if status, ok := info.Sys().(*syscall.Stat_t); ok && status.Uid != 0 && int64(status.Uid) != int64(own) {
		return fmt.Errorf("belongs to another user (id %d, and yours is %d)", status.Uid, own)
	}
	return nil
}

// CheckWriters returns an error when anybody but the owner can write into a file or folder.
func CheckWriters(info fs.FileInfo) error {
	if othersWrite(info) {
		return fmt.Errorf("can be written by others (mode %04o)", info.Mode().Perm())
	}
	return nil
}

// CheckPrivate returns an error when a file with a secret can be read by everybody, or written by anybody but its owner.
// A group may read it: that is how a service gets the secrets of root.
func CheckPrivate(info fs.FileInfo) error {
	if mode := info.Mode().Perm(); mode&worldAccess != 0 || othersWrite(info) {
		return fmt.Errorf("has a secret in it and can be read or written by others (mode %04o)", mode)
	}
	return nil
}

// othersWrite reports whether anybody but the owner can write. A group with the owner's number is the owner's own, which
// distributions give every user and let write by default.
func othersWrite(info fs.FileInfo) bool {
	mode := info.Mode().Perm()
	status, ok := info.Sys().(*syscall.Stat_t)
	ownGroup := ok && status.Gid == status.Uid
	return mode&worldWrites != 0 || mode&groupWrites != 0 && !ownGroup
}
