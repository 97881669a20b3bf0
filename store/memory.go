package store

import (
	"context"
	"fmt"
	"sync"

	"libstatus1to1/chat/port"
)

// Memory returns a store that ends with the process. It behaves like a file store,
// except that a View waits for a running Update and an Update for running Views. Check
// finds nothing and ChangePassphrase does nothing.
func Memory() port.Store { return &memoryStore{data: newMemoryData()} }

type memoryStore struct {
	gate gate
	life sync.Mutex // one of Suspend, Resume and Close at a time
	mu   sync.RWMutex
	data *memoryData
}

// memoryData is the content. A transaction works on it in place and a failing
// one takes its steps back.
type memoryData struct {
	tables    map[port.Table]map[string][]byte
	queues    map[port.Queue]*memoryQueue
	histories map[string][]port.Position // sorted, oldest first
}

// memoryQueue holds the entries numbered first to last.
type memoryQueue struct {
	first, last uint64
	values      [][]byte
}

func newMemoryData() *memoryData {
	return &memoryData{
		tables:    map[port.Table]map[string][]byte{},
		queues:    map[port.Queue]*memoryQueue{},
		histories: map[string][]port.Position{},
	}
}

// Format prints no content, with any verb.
func (s *memoryStore) Format(f fmt.State, _ rune) { _, _ = f.Write([]byte("store(memory)")) }

// MarshalText gives no content either.
func (s *memoryStore) MarshalText() ([]byte, error) { return []byte("store(memory)"), nil }

func (s *memoryStore) View(fn func(port.Tx) error) error {
	if err := s.gate.enter(); err != nil {
		return err
	}
	defer s.gate.leave()
	s.mu.RLock()
	defer s.mu.RUnlock()
	tx := &memoryTx{data: s.data}
	defer tx.end()
	return runClosure(fn, tx)
}

func (s *memoryStore) Update(fn func(port.Tx) error) error {
	if err := s.gate.enter(); err != nil {
		return err
	}
	defer s.gate.leave()
	s.mu.Lock()
	defer s.mu.Unlock()
	tx := &memoryTx{data: s.data, writable: true}
	keep := false
	defer func() {
		if !keep {
			tx.takeBack()
		}
		tx.end()
	}()
	err := runClosure(fn, tx)
	keep = err == nil
	return err
}

func (s *memoryStore) Check(ctx context.Context, _ func(string)) (int, error) {
	n := 0
	err := s.View(func(port.Tx) error {
		for _, t := range s.data.tables {
			n += len(t)
		}
		for _, q := range s.data.queues {
			n += len(q.values)
		}
		for _, h := range s.data.histories {
			n += len(h)
		}
		return ctx.Err()
	})
	return n, err
}

func (s *memoryStore) Suspend() error {
	s.life.Lock()
	defer s.life.Unlock()
	if s.gate.now() == gateClosed {
		return gateClosed.err()
	}
	s.gate.shut(gateSuspended)
	return nil
}

func (s *memoryStore) Resume() error {
	s.life.Lock()
	defer s.life.Unlock()
	if s.gate.now() == gateClosed {
		return gateClosed.err()
	}
	s.gate.open()
	return nil
}

func (s *memoryStore) ChangePassphrase(_, _ string) error { return nil }

func (s *memoryStore) Info() port.StoreInfo {
	s.mu.RLock()
	defer s.mu.RUnlock()
	return port.StoreInfo{Kind: "memory", SizeBytes: s.data.size(), SchemaVersion: schemaVersion}
}

func (s *memoryStore) Close() error {
	s.life.Lock()
	defer s.life.Unlock()
	if s.gate.now() == gateClosed {
		return nil
	}
	s.gate.shut(gateClosed)
	s.mu.Lock()
	defer s.mu.Unlock()
	s.data = newMemoryData()
	return nil
}

// size is the bytes of all keys and values.
func (d *memoryData) size() int64 {
	var n int
	for _, t := range d.tables {
		for k, v := range t {
			n += len(k) + len(v)
		}
	}
	for _, q := range d.queues {
		for _, v := range q.values {
			n += len(v)
		}
	}
	for chatID, h := range d.histories {
		n += len(chatID) + len(h)*positionSize
	}
	return int64(n)
}
