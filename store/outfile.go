package store

import (
	"bufio"
	"bytes"
	"errors"
	"io"
	"io/fs"
	"os"

	"libstatus1to1/chat/port"
)

// partSuffix is added to the name of a file while it is being written.
const partSuffix = ".part"

// fileError is the error of a file that is not the store's.
func fileError(message string, cause error) *port.Error {
	return port.Errorf(port.CodeFileIO, "path", "%s", message).BecauseOS(cause)
}

// WriteFile writes a file that only its owner can read: whole, or not at all. It is written
// as <path>.part, made durable and then renamed; what an earlier process left unfinished is
// overwritten. A file at the path is replaced only with replace, and only if it begins with
// intro: so that no other file is lost by a wrong path. The error is that of write, or
// CodeFileIO.
func WriteFile(path string, replace bool, intro string, write func(io.Writer) error) error {
	if path == "" {
		return port.Errorf(port.CodeBadParams, "path", "the path is empty")
	}
	if err := mayWrite(path, replace, intro); err != nil {
		return err
	}
	f, err := os.OpenFile(path+partSuffix, os.O_WRONLY|os.O_CREATE|noFollow, privateMode)
	if err != nil {
		return fileError("the file cannot be created", err)
	}
	defer f.Close()
	if err := lockFile(f); err != nil {
		return fileError("another process is writing to this path", err)
	}
	defer unlockFile(f)
	if err := fillFile(f, write); err != nil {
		return errors.Join(err, os.Remove(f.Name()))
	}
	if err := mayWrite(path, replace, intro); err != nil { // writing took a while
		return errors.Join(err, os.Remove(f.Name()))
	}
	if err := os.Rename(f.Name(), path); err != nil {
		return errors.Join(fileError("the file cannot be renamed to this path", err), os.Remove(f.Name()))
	}
	return syncFolder(path)
}

// mayWrite reports why a file may not be written to a path.
func mayWrite(path string, replace bool, intro string) error {
	info, err := os.Lstat(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil
	case err != nil:
		return fileError("the file cannot be created", err)
	case !replace:
		return fileError("there is a file or folder at this path already, and it is not replaced", fs.ErrExist).With("errno", "EEXIST")
	case !info.Mode().IsRegular():
		return fileError("there is something at this path that is not a file", nil)
	}
	f, err := os.Open(path)
	if err != nil {
		return fileError("the file at this path cannot be read", err)
	}
	defer f.Close()
	begin := make([]byte, len(intro))
	if _, err := io.ReadFull(f, begin); err != nil || !bytes.Equal(begin, []byte(intro)) {
		return fileError("the file at this path is of another kind, and is not replaced", nil)
	}
	return nil
}

// fillFile writes a file that is open and makes it durable.
func fillFile(f *os.File, write func(io.Writer) error) error {
	if err := errors.Join(f.Truncate(0), f.Chmod(privateMode)); err != nil {
		return fileError("the file cannot be written", err)
	}
	// Not every error of write comes from the file: it also reads what it writes.
	out := &watchedWriter{w: f}
	b := bufio.NewWriterSize(out, 1<<16)
	err := write(b)
	if err == nil {
		err = b.Flush()
	}
	if err == nil {
		out.err = f.Sync()
		err = out.err
	}
	if out.err != nil {
		return fileError("the file cannot be written", out.err)
	}
	return err
}

// watchedWriter keeps the error of a writer.
type watchedWriter struct {
	w   io.Writer
	err error
}

func (w *watchedWriter) Write(p []byte) (int, error) {
	n, err := w.w.Write(p)
	if err != nil {
		w.err = err
	}
	return n, err
}

// syncFolder makes the name of a file durable.
func syncFolder(path string) error {
	if err := syncDir(path); err != nil {
		return fileError("the folder of the file cannot be made durable", errors.Unwrap(err))
	}
	return nil
}

// OpenFile opens a file to read it. Error: CodeFileIO.
func OpenFile(path string) (*os.File, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, fileError("the file cannot be read", err)
	}
	if !info.Mode().IsRegular() { // reading from a pipe could wait for ever
		return nil, fileError("there is something at this path that is not a file", nil)
	}
	f, err := os.Open(path)
	if err != nil {
		return nil, fileError("the file cannot be read", err)
	}
	return f, nil
}
