package servicenode

import (
	"bufio"
	"errors"
	"io"
	"io/fs"
	"os"

	"github.com/waku-org/go-waku/waku/v2/protocol/store/pb"
	"google.golang.org/protobuf/encoding/protodelim"
)

// OpenArchive makes an archive that is kept in a file, over the end of the process too. A
// last message that was not written whole is left out.
func OpenArchive(path string) (*Archive, error) {
	a := NewArchive()
	whole, err := a.load(path)
	if err != nil {
		return nil, err
	}
	if a.file, err = os.OpenFile(path, os.O_CREATE|os.O_WRONLY, 0o600); err != nil {
		return nil, err
	}
	if err := a.file.Truncate(whole); err != nil {
		return nil, errors.Join(err, a.file.Close())
	}
	if _, err := a.file.Seek(whole, io.SeekStart); err != nil {
		return nil, errors.Join(err, a.file.Close())
	}
	return a, nil
}

// Close closes the archive's file, if there is one.
func (a *Archive) Close() error {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.file == nil {
		return nil
	}
	return a.file.Close()
}

// load reads the messages of a file and returns the length of those that are whole.
func (a *Archive) load(path string) (whole int64, err error) {
	file, err := os.Open(path)
	if errors.Is(err, fs.ErrNotExist) {
		return 0, nil
	}
	if err != nil {
		return 0, err
	}
	defer file.Close()
	var all []*Stored
	for from := bufio.NewReader(file); ; {
		entry := new(pb.WakuMessageKeyValue)
		if err := (protodelim.UnmarshalOptions{MaxSize: maxRequest}).UnmarshalFrom(from, entry); err != nil || entry.Message == nil {
			a.add(all)
			return whole, nil
		}
		at, err := file.Seek(0, io.SeekCurrent)
		if err != nil {
			return 0, err
		}
		whole = at - int64(from.Buffered())
		all = append(all, &Stored{PubsubTopic: entry.GetPubsubTopic(), Message: entry.Message})
	}
}

// write appends messages to the file. a.mu is held.
func (a *Archive) write(all []*Stored) error {
	if a.file == nil || len(all) == 0 {
		return nil
	}
	var raw writer
	for _, s := range all {
		if _, err := protodelim.MarshalTo(&raw, s.entry(true)); err != nil {
			return err
		}
	}
	_, err := a.file.Write(raw)
	return err
}
