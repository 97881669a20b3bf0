package store

import (
	"bytes"
	"slices"

	"libstatus1to1/chat/port"
)

// memoryTx is one transaction of a memoryStore.
type memoryTx struct {
	data     *memoryData
	writable bool
	done     bool
	undo     []func()           // steps back, oldest first
	walking  map[port.Table]int // tables an Each is in
}

func (t *memoryTx) end() { t.done = true }

func (t *memoryTx) takeBack() {
	for i := len(t.undo) - 1; i >= 0; i-- {
		t.undo[i]()
	}
}

func (t *memoryTx) readable() error {
	if t.done {
		return ErrTxDone
	}
	return nil
}

func (t *memoryTx) writing() error {
	if t.done {
		return ErrTxDone
	}
	if !t.writable {
		return ErrReadOnly
	}
	return nil
}

func (t *memoryTx) Get(table port.Table, key []byte) ([]byte, error) {
	if err := t.readable(); err != nil {
		return nil, err
	}
	v, ok := t.data.tables[table][string(key)]
	if !ok {
		return nil, nil
	}
	return copied(v), nil
}

func (t *memoryTx) Put(table port.Table, key, value []byte) error {
	if err := t.writingTable(table); err != nil {
		return err
	}
	if err := checkSize(key, value); err != nil {
		return err
	}
	m := t.data.tables[table]
	if m == nil {
		m = map[string][]byte{}
		t.data.tables[table] = m
	}
	t.remember(m, string(key))
	m[string(key)] = copied(value)
	return nil
}

func (t *memoryTx) Delete(table port.Table, key []byte) error {
	if err := t.writingTable(table); err != nil {
		return err
	}
	m := t.data.tables[table]
	t.remember(m, string(key))
	delete(m, string(key))
	return nil
}

func (t *memoryTx) writingTable(table port.Table) error {
	if err := t.writing(); err != nil {
		return err
	}
	if t.walking[table] > 0 {
		return ErrWalked
	}
	return nil
}

// remember makes the record's present state come back with takeBack.
func (t *memoryTx) remember(m map[string][]byte, key string) {
	old, had := m[key]
	t.undo = append(t.undo, func() {
		if had {
			m[key] = old
		} else {
			delete(m, key)
		}
	})
}

func (t *memoryTx) Each(table port.Table, fn func(key, value []byte) error) error {
	if err := t.readable(); err != nil {
		return err
	}
	if t.walking == nil {
		t.walking = map[port.Table]int{}
	}
	t.walking[table]++
	defer func() { t.walking[table]-- }()
	for k, v := range t.data.tables[table] {
		if err := fn([]byte(k), copied(v)); err != nil {
			return err
		}
	}
	return nil
}

func (t *memoryTx) Append(q port.Queue, value []byte) (uint64, error) {
	if err := t.writing(); err != nil {
		return 0, err
	}
	if err := checkSize(nil, value); err != nil {
		return 0, err
	}
	m := t.data.queues[q]
	if m == nil {
		m = &memoryQueue{first: 1}
		t.data.queues[q] = m
	}
	t.rememberQueue(m)
	m.last++
	m.values = append(m.values, copied(value))
	return m.last, nil
}

func (t *memoryTx) Trim(q port.Queue, upTo uint64) error {
	if err := t.writing(); err != nil {
		return err
	}
	m := t.data.queues[q]
	if m == nil || upTo < m.first {
		return nil
	}
	t.rememberQueue(m)
	upTo = min(upTo, m.last)
	m.values = m.values[upTo-m.first+1:]
	m.first = upTo + 1
	return nil
}

func (t *memoryTx) rememberQueue(m *memoryQueue) {
	old := *m
	t.undo = append(t.undo, func() { *m = old })
}

func (t *memoryTx) Range(q port.Queue, from uint64, fn func(uint64, []byte) (bool, error)) error {
	if err := t.readable(); err != nil {
		return err
	}
	m := t.data.queues[q]
	if m == nil {
		return nil
	}
	last := m.last // what fn appends is not visited
	for seq := from; ; seq++ {
		seq = max(seq, m.first) // fn may trim
		if seq > last {
			return nil
		}
		if more, err := fn(seq, copied(m.values[seq-m.first])); err != nil || !more {
			return err
		}
	}
}

func (t *memoryTx) Bounds(q port.Queue) (first, last uint64, err error) {
	if err := t.readable(); err != nil {
		return 0, 0, err
	}
	if m := t.data.queues[q]; m != nil {
		return m.first, m.last, nil
	}
	return 1, 0, nil
}

func (t *memoryTx) Insert(chatID []byte, p port.Position) (bool, error) {
	if err := t.writing(); err != nil {
		return false, err
	}
	name := string(chatID)
	h := t.data.histories[name]
	i, there := slices.BinarySearchFunc(h, p, compare)
	if there {
		return false, nil
	}
	t.data.histories[name] = slices.Insert(h, i, p)
	t.undo = append(t.undo, func() {
		t.data.histories[name] = slices.Delete(t.data.histories[name], i, i+1)
	})
	return true, nil
}

func (t *memoryTx) Remove(chatID []byte, p port.Position) error {
	if err := t.writing(); err != nil {
		return err
	}
	name := string(chatID)
	h := t.data.histories[name]
	i, there := slices.BinarySearchFunc(h, p, compare)
	if !there {
		return nil
	}
	t.undo = append(t.undo, func() {
		t.data.histories[name] = slices.Insert(t.data.histories[name], i, p)
	})
	if t.data.histories[name] = slices.Delete(h, i, i+1); len(h) == 1 {
		delete(t.data.histories, name)
	}
	return nil
}

func (t *memoryTx) Page(chatID []byte, before *port.Position, limit int) ([]port.Position, error) {
	if err := t.readable(); err != nil || limit <= 0 {
		return nil, err
	}
	h := t.data.histories[string(chatID)]
	end := len(h)
	if before != nil {
		end, _ = slices.BinarySearchFunc(h, *before, compare)
	}
	page := slices.Clone(h[max(0, end-limit):end])
	slices.Reverse(page)
	return page, nil
}

func (t *memoryTx) Count(chatID []byte) (uint64, error) {
	if err := t.readable(); err != nil {
		return 0, err
	}
	return uint64(len(t.data.histories[string(chatID)])), nil
}

func (t *memoryTx) DropHistory(chatID []byte) error {
	if err := t.writing(); err != nil {
		return err
	}
	name := string(chatID)
	old := t.data.histories[name]
	t.undo = append(t.undo, func() { t.data.histories[name] = old })
	delete(t.data.histories, name)
	return nil
}

// copied is a copy of b that is never nil.
func copied(b []byte) []byte { return append(make([]byte, 0, len(b)), b...) }

// compare orders positions by clock, then id.
func compare(a, b port.Position) int {
	switch {
	case a.Clock < b.Clock:
		return -1
	case a.Clock > b.Clock:
		return 1
	}
	return bytes.Compare(a.ID[:], b.ID[:])
}
