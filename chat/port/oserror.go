package port

import (
	"errors"
	"strings"
	"syscall"
)

// osCauses explains errors of the operating system in plain words.
var osCauses = []struct {
	errno   syscall.Errno
	meaning string
}{
	{syscall.ENOSPC, "the disk is full"},
	{syscall.EDQUOT, "the disk quota is used up"},
	{syscall.EFBIG, "the file would be larger than this process or this disk allows"},
	{syscall.EACCES, "the rights of the file or of a folder above it do not allow it"},
	{syscall.EPERM, "the system does not permit it"},
	{syscall.EROFS, "the disk is read-only"},
	{syscall.ENAMETOOLONG, "the name is too long"},
	{syscall.ENOENT, "there is no such file or folder"},
	{syscall.ENOTDIR, "a part of the path is not a folder"},
	{syscall.EISDIR, "it is a folder"},
	{syscall.EEXIST, "there is such a file already"},
	{syscall.ELOOP, "it is a symbolic link that is not followed, or links lead in a circle"},
	{syscall.ENXIO, "nobody reads from it"},
	{syscall.EMFILE, "this process has too many files open"},
	{syscall.ENFILE, "this machine has too many files open"},
	{syscall.ENOMEM, "there is not enough memory"},
	{syscall.EIO, "the disk reports an error"},
	{syscall.EBUSY, "something else is using it"},
	{syscall.ETXTBSY, "it is a program that runs"},
	{syscall.ENODEV, "there is no such device"},
	{syscall.ESTALE, "the network disk has lost the file"},
	{syscall.ETIMEDOUT, "the network disk does not answer"},
	{syscall.ENOLCK, "no more locks can be had"},
	{syscall.EOPNOTSUPP, "this kind of disk cannot do that"},
	{syscall.EINVAL, "this kind of disk or file cannot do that"},
}

// BecauseOS attaches an error of the operating system: its meaning goes into the
// message, its name ("ENOSPC") into details.errno. Without an errno in cause it is
// Because.
func (e *Error) BecauseOS(cause error) *Error {
	errno, meaning := osCause(cause)
	if meaning == "" {
		return e.Because(cause)
	}
	e.Message += ": " + meaning
	return e.Because(cause).With("errno", errnoName(errno))
}

// osCause is the errno in a chain of errors, and what it means.
func osCause(cause error) (syscall.Errno, string) {
	var errno syscall.Errno
	if errors.As(cause, &errno) {
		for _, c := range osCauses {
			if c.errno == errno {
				return errno, c.meaning
			}
		}
		return errno, errno.Error()
	}
	if cause == nil {
		return 0, ""
	}
	// bbolt keeps of some errors (growing the file, mapping it) only the text.
	for _, c := range osCauses {
		if strings.HasSuffix(cause.Error(), ": "+c.errno.Error()) {
			return c.errno, c.meaning
		}
	}
	return 0, ""
}
