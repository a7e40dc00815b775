//go:build !unix

package filemode

import "io/fs"

// Elsewhere modes and numbers of owners say nothing about access; a list at the file or folder does.

// CheckOwner returns nil.
func CheckOwner(fs.FileInfo) error { return nil }

// CheckWriters returns nil.
func CheckWriters(fs.FileInfo) error { return nil }

// CheckPrivate returns nil.
func CheckPrivate(fs.FileInfo) error { return nil }
