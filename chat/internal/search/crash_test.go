package search

import (
	"bufio"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"google.golang.org/protobuf/proto"

	"libstatus1to1/chat/internal/ledger"
	"libstatus1to1/chat/port"
	"libstatus1to1/chat/wire"
	"libstatus1to1/internal/testsize"
)

// The crash test runs this test binary again as a child, and kills it.
const childPath = "SEARCH_TEST_PATH"

func TestMain(m *testing.M) {
	if path := os.Getenv(childPath); path != "" {
		if err := childUse(path); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
	}
	os.Exit(m.Run())
}

// childUse has the index rebuilt, and adds, changes and removes messages meanwhile, until it
// is killed.
func childUse(path string) error {
	st, err := openStore(path)
	if err != nil {
		return err
	}
	l, x := newIndex(st)
	x.bounds = few
	if err := l.View(x.Load); err != nil {
		return err
	}
	if rand.IntN(2) == 0 {
		err := l.Update(func(tx *ledger.Tx) error {
			return ledger.Put(tx, table, keyState, &wire.SearchStateRecord{Version: "another"})
		})
		if err != nil {
			return err
		}
	}
	failed := make(chan error, 1)
	go func() {
		for {
			if err := x.Work(&ledger.Turn{Now: now}); err != nil {
				failed <- err
			}
		}
	}()
	for {
		fmt.Println(childChange(l, x))
		select {
		case err := <-failed:
			return err
		default:
		}
	}
}

// childChange adds, changes or removes some messages.
func childChange(l *ledger.Ledger, x *Index) error {
	r := rand.New(rand.NewPCG(rand.Uint64(), 1))
	return l.Update(func(tx *ledger.Tx) error {
		for range 1 + r.IntN(5) {
			n := r.Uint64N(3000)
			id := id32of(n)
			var old wire.MessageRecord
			found, err := ledger.Get(tx, messages, id[:], &old)
			switch {
			case err != nil:
			case !found:
				err = put(tx, x, nil, message(n, n/2, int(n%5), int(n%3), "all "+sentence(r)))
			default:
				m := altered(r, &old)
				if m != nil && m.GetText() != "" {
					m.Text = "all " + sentence(r)
				}
				err = put(tx, x, &old, m)
			}
			if err != nil {
				return err
			}
		}
		return nil
	})
}

// TestCrash kills a process that uses the index and rebuilds it, again and again: nothing is
// lost of it, and nothing is left that is not there.
func TestCrash(t *testing.T) {
	r := seeded(t)
	path := filepath.Join(t.TempDir(), "store.db")
	kills := testsize.Many(12, 5)
	if testing.Short() {
		kills = 4
	}
	for range kills {
		c := exec.Command(os.Args[0])
		c.Env = append(os.Environ(), childPath+"="+path)
		c.Stderr = os.Stderr
		out, err := c.StdoutPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := c.Start(); err != nil {
			t.Fatal(err)
		}
		lines := bufio.NewScanner(out)
		for range 20 + r.IntN(150) {
			if !lines.Scan() || lines.Text() != "<nil>" {
				t.Fatalf("the child says %q", lines.Text())
			}
		}
		time.Sleep(time.Duration(r.IntN(4000)) * time.Microsecond) // into the middle of something
		if err := c.Process.Kill(); err != nil {
			t.Fatal(err)
		}
		_ = c.Wait()
		k := newBook(t, path, few)
		k.readModel()
		k.sound()
		if !k.making() {
			k.want(request(t, "all"))
		}
		if r.IntN(2) == 0 {
			k.work(-1)
			k.want(request(t, "all"))
			k.want(question(t, r, 2000))
			k.sound()
		}
		if err := k.opened.Close(); err != nil {
			t.Fatal(err)
		}
	}
}

// readModel has the model be what the store has.
func (k *book) readModel() {
	k.t.Helper()
	err := k.ledger.View(func(tx port.Tx) error {
		return tx.Each(messages, func(_, value []byte) error {
			m := &wire.MessageRecord{}
			if err := proto.Unmarshal(value, m); err != nil {
				return err
			}
			k.model[placeOf(m)] = m
			return nil
		})
	})
	if err != nil {
		k.t.Fatal(err)
	}
}
