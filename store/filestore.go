package store

import (
	"context"
	"crypto/rand"
	"crypto/subtle"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime/debug"
	"sync"
	"sync/atomic"

	"libstatus1to1/chat/port"
	"libstatus1to1/chat/protocol/key"
)

// fileStore is a port.Store in a bbolt file.
type fileStore struct {
	path    string // of the file itself, where Options.Path is a link to it
	given   string // Options.Path, made absolute
	kdf     Argon2Params
	noSync  bool
	atOnce  int64
	rand    io.Reader
	data    key.Secret // data key, kept while suspended
	crypt   *crypt
	storeID [16]byte
	version uint32

	gate     gate
	life     sync.Mutex // one of Suspend, Resume and Close at a time
	rewrap   sync.Mutex // one ChangePassphrase at a time
	file     *boltFile  // changed only while the gate is shut and empty
	left     int        // number of the last transaction when the file was let go of; 0: unknown
	requests chan *request
	quit     chan struct{} // closed by Close
	// lastGroup is the number of closures in the last commit, room the memory its batch
	// used. Only the writer uses both.
	lastGroup int
	room      room
	broken    atomic.Pointer[port.Error] // set when bbolt must not be used any more
}

// Open opens the store at o.Path, or creates it. It fails with a *port.Error:
//   - CodeBadConfig: o cannot be used; Field tells which option;
//   - CodeStoreIO: the path cannot be used (its directory is missing, no rights);
//   - CodeStoreLocked: the store is open elsewhere; reported at once, without waiting;
//   - CodeWrongPassphrase: the passphrase or key is wrong;
//   - CodeStoreCorrupt: the file is damaged, or is not a store;
//   - CodeStoreNewer: the store was written by a later version of this library.
func Open(o Options) (port.Store, error) { return openWith(o, migrations) }

func openWith(o Options, steps []migration) (port.Store, error) {
	if err := o.validate(); err != nil {
		return nil, err
	}
	if o.Rand == nil {
		o.Rand = rand.Reader
	}
	path, err := filepath.Abs(o.Path)
	if err != nil {
		return nil, pathError("the path cannot be made absolute", err)
	}
	s := &fileStore{
		path: linked(path), given: path, kdf: o.KDF.orDefault(), noSync: o.NoSync, atOnce: o.wholeUpTo(), rand: &sharedReader{r: o.Rand},
		requests: make(chan *request, maxClosures), quit: make(chan struct{}),
	}
	if s.file, err = openFile(s.path, true, o.NoSync, s.atOnce); err != nil {
		return nil, err
	}
	if err := s.start(o, steps); err != nil {
		_ = s.file.close()
		return nil, err
	}
	s.finishLater(s.file, o.walkAfter)
	go s.write()
	s.tidyLater()
	return s, nil
}

// linked is the file that path leads to, so that what is made beside the file and
// removed with it is beside the file itself. A path that leads nowhere is as it was.
func linked(path string) string {
	if target, err := filepath.EvalSymlinks(path); err == nil {
		return target
	}
	return path
}

// start unlocks the open file, after making it a store if it is new, and brings
// it to the newest version.
func (s *fileStore) start(o Options, steps []migration) error {
	newest := newestVersion(steps)
	var h header
	var master key.Secret
	var err error
	if s.file.isNew() {
		if h, s.data, master, err = newHeader(o, newest, s.rand); err != nil {
			return ioError("reading randomness", err)
		}
	} else {
		if h, err = s.file.readHeader(newest); err != nil {
			return err
		}
		if s.data, master, err = h.unlock(o); err != nil {
			return wrongPassphrase("store.", o.Key).Because(err)
		}
	}
	if s.crypt, err = newCrypt(s.data, s.rand); err != nil {
		return port.Errorf(port.CodeInternal, "", "the keys cannot be derived").Because(err)
	}
	if s.file.isNew() {
		if err := s.file.writeFirst(h, s.crypt); err != nil {
			return err
		}
		if err := syncDir(s.path); err != nil {
			return err
		}
	}
	if err := s.migrate(h, master, steps); err != nil {
		return err
	}
	s.storeID, s.version = h.storeID, newest
	return s.file.verify(s.crypt)
}

// verify compares the index with the records that the scan counted.
func (b *boltFile) verify(c *crypt) error {
	if b.count == nil { // made just now, or to be compared later
		return nil
	}
	return b.view(func(r *reader) error { return checkIndex(r, b.count) }, c)
}

// view runs fn on a snapshot.
func (b *boltFile) view(fn func(*reader) error, c *crypt) error {
	_, err := b.tryView(fn, c)
	return err
}

// tryView works like view and also reports whether bbolt hangs.
func (b *boltFile) tryView(fn func(*reader) error, c *crypt) (hung bool, err error) {
	defer debug.SetPanicOnFault(debug.SetPanicOnFault(true))
	group := b.readers.enter()
	defer group.Done()
	tx, hung, err := b.begin(false)
	if err != nil {
		return hung, err
	}
	defer func() {
		if panicked := b.rollback(tx); panicked != nil && err == nil {
			hung, err = true, panicked
		}
	}()
	r := newReader(c, tx)
	if panicked := guard("file", func() { err = fn(&r) }); panicked != nil {
		return false, panicked
	}
	return false, err
}

// Format prints no secret, with any verb.
func (s *fileStore) Format(f fmt.State, _ rune) { _, _ = f.Write([]byte("store(file)")) }

// MarshalText gives no secret either.
func (s *fileStore) MarshalText() ([]byte, error) { return []byte("store(file)"), nil }

func (s *fileStore) View(fn func(port.Tx) error) error {
	return s.view(func(r *reader) error {
		tx := &fileTx{reader: r}
		defer tx.end()
		return runClosure(fn, tx)
	})
}

func (s *fileStore) view(fn func(*reader) error) error {
	if err := s.gate.enter(); err != nil {
		return err
	}
	defer s.gate.leave()
	if err := s.hung(); err != nil {
		return err
	}
	hung, err := s.file.tryView(fn, s.crypt)
	if hung {
		s.hang(err)
	}
	return err
}

func (s *fileStore) Update(fn func(port.Tx) error) error {
	if err := s.gate.enter(); err != nil {
		return err
	}
	defer s.gate.leave()
	return s.submit(func(b *batch) error {
		tx := &fileTx{reader: &b.reader, batch: b}
		defer tx.end()
		return runClosure(fn, tx)
	})
}

func (s *fileStore) Suspend() error {
	s.life.Lock()
	defer s.life.Unlock()
	if state := s.gate.now(); state != gateOpen {
		if state == gateClosed {
			return state.err()
		}
		return nil
	}
	s.gate.shut(gateSuspended)
	return s.release()
}

// release closes the file and frees its lock. Nobody may be inside the gate.
func (s *fileStore) release() error {
	f := s.file
	s.file = nil
	if f == nil {
		return nil
	}
	f.giveUp()
	s.left = 0
	if s.hung() != nil {
		f.abandon()
		return nil
	}
	s.left = f.lastTx()
	return f.close()
}

// Resume opens the file again with the data key kept in memory. If the file is
// another store's, or was changed meanwhile, CodeStoreCorrupt; the store stays
// suspended after any error.
func (s *fileStore) Resume() error {
	s.life.Lock()
	defer s.life.Unlock()
	if state := s.gate.now(); state != gateSuspended {
		return state.err()
	}
	f, err := openFile(s.path, false, s.noSync, s.atOnce)
	if err != nil {
		return err
	}
	if err := s.recognise(f); err != nil {
		_ = f.close()
		return err
	}
	s.file = f
	s.broken.Store(nil)
	s.finishLater(f, nil)
	s.gate.open()
	s.tidyLater()
	return nil
}

// recognise makes sure that f is the file this store was opened with, as it was left:
// what its user keeps in memory must not be of another time than the file.
func (s *fileStore) recognise(f *boltFile) error {
	h, err := f.readHeader(s.version)
	if err != nil {
		return err
	}
	if h.storeID != s.storeID || h.version != s.version {
		return corrupt("the file was replaced by another while the store was suspended")
	}
	if s.left != 0 && f.lastTx() != s.left {
		return corrupt("the file was changed while the store was suspended: it must be opened anew")
	}
	return f.verify(s.crypt)
}

// ChangePassphrase wraps the data key under the new passphrase, and returns when the
// old passphrase opens nothing in the file any more. It fails with CodeWrongPassphrase
// if old is not the present one, and with CodeBadParams if the store was made with a
// key instead of a passphrase.
func (s *fileStore) ChangePassphrase(old, new string) error {
	s.rewrap.Lock()
	defer s.rewrap.Unlock()
	if err := s.gate.enter(); err != nil {
		return err
	}
	defer s.gate.leave()
	if normalPassphrase(new) == "" {
		return port.Errorf(port.CodeBadParams, "new_passphrase", "the new passphrase is empty")
	}
	if err := s.hung(); err != nil {
		return err
	}
	h, err := s.file.readHeader(s.version)
	if err != nil {
		return err
	}
	if h.kdf == kdfNone {
		return port.Errorf(port.CodeBadParams, "passphrase", "this store is opened with a key and has no passphrase")
	}
	data, _, err := h.unlock(Options{Passphrase: old})
	if err != nil || subtle.ConstantTimeCompare(data[:], s.data[:]) != 1 {
		return port.Errorf(port.CodeWrongPassphrase, "passphrase", "the passphrase does not open this store")
	}
	h, master, err := h.withPassphrase(new, h.argon.atLeast(s.kdf), s.rand)
	if err == nil {
		h, err = h.wrap(master, s.data, s.rand)
	}
	if err != nil {
		return ioError("reading randomness", err)
	}
	if err := s.submit(func(b *batch) error {
		return b.do(step{act: actPut, id: headerBucket, key: []byte(headerBucket), value: h.encode()})
	}); err != nil {
		return err
	}
	return changed(s.eraseUnused())
}

// changed is the error of ChangePassphrase if only its last step failed.
func changed(err error) error {
	if err == nil {
		return nil
	}
	return port.Errorf(port.CodeOf(err), "", "the passphrase is changed, but what the old one opens could not be erased from the file; the next open tries again").
		BecauseOS(err).With("changed", true)
}

func (s *fileStore) Info() port.StoreInfo {
	info := port.StoreInfo{Kind: "file", Path: s.given, SchemaVersion: int(s.version)}
	if stat, err := os.Stat(s.path); err == nil {
		info.SizeBytes = stat.Size()
	}
	return info
}

func (s *fileStore) Close() error {
	s.life.Lock()
	defer s.life.Unlock()
	if s.gate.now() == gateClosed {
		return nil
	}
	s.gate.shut(gateClosed)
	close(s.quit)
	return s.release()
}

// Check is described in check.go.
func (s *fileStore) Check(ctx context.Context, report func(problem string)) (int, error) {
	c := &checker{ctx: ctx, store: s, report: report}
	err := s.view(c.run)
	return c.records, err
}

// sharedReader lets several goroutines read one source of randomness.
type sharedReader struct {
	mu sync.Mutex
	r  io.Reader
}

func (s *sharedReader) Read(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.r.Read(p)
}
