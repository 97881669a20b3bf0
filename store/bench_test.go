package store

import (
	"crypto/rand"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"sync/atomic"
	"testing"
	"time"

	"libstatus1to1/chat/port"
)

func benchStore(b *testing.B, noSync bool) port.Store {
	b.Helper()
	o := testOptions(filepath.Join(b.TempDir(), "store.db"))
	o.NoSync = noSync
	s, err := Open(o)
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { _ = s.Close() })
	return s
}

func mustUpdate(b *testing.B, s port.Store, fn func(port.Tx) error) {
	b.Helper()
	if err := s.Update(fn); err != nil {
		b.Fatal(err)
	}
}

// oneMessage writes what a sent message does: body, history, outbox, session, event.
func oneMessage(tx port.Tx, n uint64) error {
	body := make([]byte, 600)
	if err := tx.Put("messages", number(n), body); err != nil {
		return err
	}
	if _, err := tx.Insert([]byte("chat"), port.Position{Clock: n}); err != nil {
		return err
	}
	if err := tx.Put("sessions", []byte("bob"), body); err != nil {
		return err
	}
	if err := tx.Put("outbox", number(n), body); err != nil {
		return err
	}
	_, err := tx.Append("events", body)
	return err
}

// BenchmarkUpdate stores messages durably, by so many callers at once.
func BenchmarkUpdate(b *testing.B) {
	for _, callers := range []int{1, 64} {
		b.Run(fmt.Sprintf("callers=%d", callers), func(b *testing.B) {
			s := benchStore(b, false)
			var n atomic.Uint64
			b.SetParallelism(callers)
			if callers == 1 {
				for b.Loop() {
					mustUpdate(b, s, func(tx port.Tx) error { return oneMessage(tx, n.Add(1)) })
				}
				return
			}
			b.RunParallel(func(p *testing.PB) {
				for p.Next() {
					if err := s.Update(func(tx port.Tx) error { return oneMessage(tx, n.Add(1)) }); err != nil {
						b.Error(err)
					}
				}
			})
		})
	}
}

func BenchmarkSeal(b *testing.B) {
	_, data, _ := sampleHeader(b)
	c, err := newCrypt(data, rand.Reader)
	if err != nil {
		b.Fatal(err)
	}
	id := c.bucket(kindTable, "t")
	k := c.recordKey(id, "t", []byte("key"))
	for _, size := range []int{40, 600} {
		plain := make([]byte, size)
		b.Run(fmt.Sprintf("seal/%d", size), func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if _, err := c.seal(id, k, plain); err != nil {
					b.Fatal(err)
				}
			}
		})
		box, _ := c.seal(id, k, plain)
		b.Run(fmt.Sprintf("open/%d", size), func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if _, ok := c.open(id, k, box); !ok {
					b.Fatal("open")
				}
			}
		})
	}
	b.Run("hash", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			c.recordKey(id, "t", k)
		}
	})
}

func BenchmarkGet(b *testing.B) {
	for _, there := range []bool{true, false} {
		b.Run(fmt.Sprintf("there=%v", there), func(b *testing.B) {
			s := benchStore(b, true)
			mustUpdate(b, s, func(tx port.Tx) error {
				for i := range uint64(10000) {
					if err := tx.Put("t", number(i), make([]byte, 600)); err != nil {
						return err
					}
				}
				return nil
			})
			i := uint64(0)
			b.ReportAllocs()
			if err := s.View(func(tx port.Tx) error {
				for b.Loop() {
					k := i % 10000
					if !there {
						k += 1 << 32
					}
					if v, err := tx.Get("t", number(k)); err != nil || (v != nil) != there {
						b.Fatal(len(v), err)
					}
					i += 7919
				}
				return nil
			}); err != nil {
				b.Fatal(err)
			}
		})
	}
}

func fillHistory(b *testing.B, s port.Store, n uint64) {
	for i := uint64(0); i < n; i += 10000 {
		mustUpdate(b, s, func(tx port.Tx) error {
			for j := i; j < min(n, i+10000); j++ {
				if _, err := tx.Insert([]byte("c"), port.Position{Clock: 1000 * j}); err != nil {
					return err
				}
			}
			return nil
		})
	}
}

// BenchmarkPage lists 50 messages: the newest, and a page in the middle.
func BenchmarkPage(b *testing.B) {
	for _, n := range []uint64{1000, 200000} {
		s := benchStore(b, true)
		fillHistory(b, s, n)
		middle := port.Position{Clock: 1000 * n / 3}
		for name, before := range map[string]*port.Position{"first": nil, "old": &middle} {
			b.Run(fmt.Sprintf("%s/of=%d", name, n), func(b *testing.B) {
				for b.Loop() {
					if err := s.View(func(tx port.Tx) error {
						page, err := tx.Page([]byte("c"), before, 50)
						if len(page) != 50 {
							b.Fatal(len(page))
						}
						return err
					}); err != nil {
						b.Fatal(err)
					}
				}
			})
		}
	}
}

// BenchmarkInsert adds to a history of 200,000: at its end, and late in its middle.
func BenchmarkInsert(b *testing.B) {
	for _, late := range []bool{false, true} {
		b.Run(fmt.Sprintf("late=%v", late), func(b *testing.B) {
			const n = 200000
			s := benchStore(b, true)
			fillHistory(b, s, n)
			i := uint64(0)
			for b.Loop() {
				p := port.Position{Clock: 1000*n + i}
				if late {
					p = port.Position{Clock: i * 7919000 % (1000 * n), ID: [32]byte{1, byte(i), byte(i >> 8), byte(i >> 16)}}
				}
				mustUpdate(b, s, func(tx port.Tx) error {
					_, err := tx.Insert([]byte("c"), p)
					return err
				})
				i++
			}
		})
	}
}

// BenchmarkOpen opens a store of so many messages: the scan of its pages is most
// of it, as the passphrase costs nearly nothing here.
func BenchmarkOpen(b *testing.B) {
	for _, n := range []uint64{1000, 100000} {
		b.Run(fmt.Sprintf("messages=%d", n), func(b *testing.B) {
			o := testOptions(filepath.Join(b.TempDir(), "store.db"))
			o.NoSync = true
			s, err := Open(o)
			if err != nil {
				b.Fatal(err)
			}
			for i := uint64(0); i < n; i += 1000 {
				mustUpdate(b, s, func(tx port.Tx) error {
					for j := i; j < i+1000; j++ {
						if err := oneMessage(tx, j); err != nil {
							return err
						}
					}
					return nil
				})
			}
			size := float64(s.Info().SizeBytes) / (1 << 20)
			for b.Loop() {
				if err := s.Close(); err != nil {
					b.Fatal(err)
				}
				if s, err = Open(o); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(size, "MiB")
			_ = s.Close()
		})
	}
}

func BenchmarkArgon2Default(b *testing.B) {
	for b.Loop() {
		DefaultArgon2.derive("passphrase", make([]byte, 16))
	}
}

// BenchmarkCommit commits records of 350 bytes, one a commit, and beside each does what no
// commit can do without: two writes of a file, each followed by fsync. The medians
// are told, as a disk shared with others has outliers.
func BenchmarkCommit(b *testing.B) {
	s := benchStore(b, false)
	file, err := os.Create(filepath.Join(b.TempDir(), "floor"))
	if err != nil {
		b.Fatal(err)
	}
	defer file.Close()
	data, meta := make([]byte, 4*pageSize), make([]byte, pageSize)
	flush := func(p []byte) {
		if _, err := file.WriteAt(p, 0); err != nil {
			b.Fatal(err)
		}
		if err := file.Sync(); err != nil {
			b.Fatal(err)
		}
	}
	flush(data)
	var commits, ones, twos []time.Duration
	record := make([]byte, 350)
	for i := uint64(0); b.Loop(); i++ {
		start := time.Now()
		mustUpdate(b, s, func(tx port.Tx) error { return tx.Put("messages", number(i), record) })
		commits = append(commits, time.Since(start))
		start = time.Now()
		flush(data)
		ones = append(ones, time.Since(start))
		flush(meta)
		twos = append(twos, time.Since(start))
	}
	for name, all := range map[string][]time.Duration{"commit-us": commits, "sync-us": ones, "two-sync-us": twos} {
		slices.Sort(all)
		b.ReportMetric(float64(all[len(all)/2])/float64(time.Microsecond), name)
	}
}
