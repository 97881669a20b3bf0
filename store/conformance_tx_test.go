package store

import (
	"bytes"
	"context"
	"errors"
	"testing"

	"libstatus1to1/chat/port"
)

// everything makes one of each write.
func everything(tx port.Tx, n byte) error {
	_, err1 := tx.Append("q", []byte{n})
	_, err2 := tx.Append("new", []byte{n})
	_, err3 := tx.Insert([]byte("c"), pos(uint64(n), n))
	_, err4 := tx.Insert([]byte("new"), pos(uint64(n), n))
	return errors.Join(err1, err2, err3, err4,
		tx.Put("t", []byte{n}, []byte("new")), tx.Put("t", []byte("old"), []byte{n}), tx.Put("new", []byte{n}, nil),
		tx.Put("#n", number(uint64(n)), []byte("row")),
		tx.Delete("t", []byte("gone")), tx.Trim("q", 2), tx.DropHistory([]byte("dropped")),
		tx.Remove([]byte("c"), pos(4, 0)), tx.Remove([]byte("c"), pos(2, 0)))
}

func prepareFailing(s *subject) {
	s.update(func(tx port.Tx) {
		for i := range 5 {
			_, err := tx.Append("q", []byte{byte(i)})
			s.must(err)
			_, err = tx.Insert([]byte("c"), pos(uint64(i), 0))
			s.must(err)
			_, err = tx.Insert([]byte("dropped"), pos(uint64(i), 0))
			s.must(err)
		}
		s.must(tx.Put("t", []byte("old"), []byte("value")))
		s.must(tx.Put("t", []byte("gone"), []byte("value")))
	})
}

func testFailing(t *testing.T, s *subject) {
	prepareFailing(s)
	before := s.dump()
	failure := errors.New("no")
	if err := s.Update(func(tx port.Tx) error {
		s.must(everything(tx, 7))
		return failure
	}); err != failure {
		t.Errorf("Update = %v, want the closure's error", err)
	}
	if after := s.dump(); after != before {
		t.Errorf("a failing update left\n%s\nwant\n%s", after, before)
	}
	s.again()
	s.update(func(tx port.Tx) { s.must(everything(tx, 8)) })
	if s.dump() == before {
		t.Error("the update that followed changed nothing")
	}
	s.again()
}

func testPanicking(t *testing.T, s *subject) {
	prepareFailing(s)
	before := s.dump()
	err := s.Update(func(tx port.Tx) error {
		s.must(everything(tx, 7))
		panic("private text")
	})
	wantCode(t, err, port.CodeInternal)
	var p *PanicError
	if !errors.As(err, &p) || p.Value != "private text" || len(p.Stack) == 0 {
		t.Errorf("the panic is not the cause of %v", err)
	}
	if bytes.Contains([]byte(err.Error()+p.Error()), []byte("private")) {
		t.Error("the error text tells the panic value")
	}
	wantCode(t, s.View(func(port.Tx) error { panic("v") }), port.CodeInternal)
	if after := s.dump(); after != before {
		t.Errorf("a panicking update left\n%s\nwant\n%s", after, before)
	}
	s.update(func(tx port.Tx) { s.must(everything(tx, 8)) })
	s.again()
}

func testCopies(t *testing.T, s *subject) {
	k, v := []byte("key"), []byte("value")
	s.update(func(tx port.Tx) {
		s.must(tx.Put("t", k, v))
		_, err := tx.Append("q", v)
		s.must(err)
		k[0], v[0] = 'X', 'X' // what is handed in is copied
		got, err := tx.Get("t", []byte("key"))
		s.must(err)
		if string(got) != "value" {
			t.Errorf("Get = %q", got)
		}
		got[0] = 'Y' // what is handed out belongs to us
		_ = append(got, "more"...)
	})
	s.view(func(tx port.Tx) {
		s.must(tx.Each("t", func(key, value []byte) error { key[0], value[0] = 'Z', 'Z'; return nil }))
		s.must(tx.Range("q", 0, func(_ uint64, value []byte) (bool, error) { value[0] = 'Z'; return true, nil }))
	})
	s.view(func(tx port.Tx) {
		got, err := tx.Get("t", []byte("key"))
		s.must(err)
		if string(got) != "value" {
			t.Errorf("Get = %q", got)
		}
		s.must(tx.Range("q", 0, func(_ uint64, value []byte) (bool, error) {
			if string(value) != "value" {
				t.Errorf("queue holds %q", value)
			}
			return true, nil
		}))
	})
}

func testReadOnly(t *testing.T, s *subject) {
	prepareFailing(s)
	before := s.dump()
	s.view(func(tx port.Tx) {
		_, err1 := tx.Append("q", nil)
		_, err2 := tx.Insert([]byte("c"), pos(9, 9))
		for i, err := range []error{err1, err2, tx.Put("t", nil, nil), tx.Delete("t", []byte("old")),
			tx.Trim("q", 1), tx.Remove([]byte("c"), pos(1, 0)), tx.DropHistory([]byte("c"))} {
			if !errors.Is(err, ErrReadOnly) {
				t.Errorf("write %d in a View: %v", i, err)
			}
		}
	})
	if s.dump() != before {
		t.Error("a View changed something")
	}
}

func testDead(t *testing.T, s *subject) {
	var kept []port.Tx
	s.update(func(tx port.Tx) { kept = append(kept, tx) })
	s.view(func(tx port.Tx) { kept = append(kept, tx) })
	for _, tx := range kept {
		_, err1 := tx.Get("t", nil)
		_, err2 := tx.Append("q", nil)
		_, _, err3 := tx.Bounds("q")
		_, err4 := tx.Insert(nil, pos(1, 1))
		_, err5 := tx.Page(nil, nil, 1)
		_, err6 := tx.Count(nil)
		for i, err := range []error{err1, err2, err3, err4, err5, err6, tx.Put("t", nil, nil), tx.Delete("t", nil),
			tx.Each("t", nil), tx.Range("q", 0, nil), tx.Trim("q", 1), tx.Remove(nil, pos(1, 1)), tx.DropHistory(nil)} {
			if !errors.Is(err, ErrTxDone) {
				t.Errorf("use %d of a dead transaction: %v", i, err)
			}
		}
	}
}

func testSnapshot(t *testing.T, s *subject) {
	s.update(func(tx port.Tx) { s.must(tx.Put("t", []byte("k"), []byte("1"))) })
	done := make(chan struct{})
	s.view(func(tx port.Tx) {
		go func() {
			defer close(done)
			s.update(func(tx port.Tx) { s.must(tx.Put("t", []byte("k"), []byte("2"))) })
		}()
		if s.path != "" {
			<-done // a file store's View does not hold up an Update
		}
		if v, err := tx.Get("t", []byte("k")); err != nil || string(v) != "1" {
			t.Errorf("the snapshot changed: %q, %v", v, err)
		}
	})
	<-done
	s.view(func(tx port.Tx) {
		if v, err := tx.Get("t", []byte("k")); err != nil || string(v) != "2" {
			t.Errorf("the update is not there: %q, %v", v, err)
		}
	})
}

func testLife(t *testing.T, s *subject) {
	nothing := func(port.Tx) error { return nil }
	s.update(func(tx port.Tx) { s.must(tx.Put("t", []byte("k"), []byte("v"))) })
	for range 2 {
		s.must(s.Suspend())
		s.must(s.Suspend())
		wantCode(t, s.View(nothing), port.CodeStoreSuspended)
		wantCode(t, s.Update(nothing), port.CodeStoreSuspended)
		_, err := s.Check(context.Background(), nil)
		wantCode(t, err, port.CodeStoreSuspended)
		if info := s.Info(); info.SchemaVersion != schemaVersion {
			t.Errorf("Info while suspended: %+v", info)
		}
		s.must(s.Resume())
		s.must(s.Resume())
		s.view(func(tx port.Tx) {
			if v, err := tx.Get("t", []byte("k")); string(v) != "v" {
				t.Errorf("after Resume: %q, %v", v, err)
			}
		})
	}
	if info := s.Info(); info.SizeBytes <= 0 || (info.Kind == "file") != (s.path != "") || info.Path != s.path {
		t.Errorf("Info = %+v", info)
	}
	s.must(s.Close())
	s.must(s.Close())
	wantCode(t, s.View(nothing), port.CodeClosed)
	wantCode(t, s.Update(nothing), port.CodeClosed)
	wantCode(t, s.Suspend(), port.CodeClosed)
	wantCode(t, s.Resume(), port.CodeClosed)
}

func testTooLarge(t *testing.T, s *subject) {
	big := make([]byte, maxRecord)
	s.update(func(tx port.Tx) {
		s.must(tx.Put("t", nil, big))
		wantCode(t, tx.Put("t", []byte{1}, big), port.CodeTooLarge)
		_, err := tx.Append("q", append(big, 1))
		wantCode(t, err, port.CodeTooLarge)
	})
	s.again()
	s.view(func(tx port.Tx) {
		if v, err := tx.Get("t", nil); err != nil || len(v) != maxRecord {
			t.Errorf("the largest record came back as %d bytes, %v", len(v), err)
		}
	})
}

func testCheckCancelled(t *testing.T, s *subject) {
	s.update(func(tx port.Tx) { s.must(tx.Put("t", nil, nil)) })
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if _, err := s.Check(ctx, nil); !errors.Is(err, context.Canceled) {
		t.Errorf("Check = %v", err)
	}
	if n := s.sound(); n == 0 {
		t.Error("Check read nothing")
	}
}
