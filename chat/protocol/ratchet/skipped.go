package ratchet

import (
	"slices"

	"libstatus1to1/chat/protocol/key"
)

// skippedKeys holds the keys of messages that have not come yet, oldest chain first. It
// is shared between State values and never changed: with, without and trimmed make
// another one, copying only the chain they touch. nil holds nothing, and no other value
// does.
type skippedKeys struct {
	chains []skippedChain // none empty; nil in a state loaded without its keys
	total  int            // keys in all chains
}

// ForgetSkipped is s without the keys of messages that have not come: they will not open.
func (s State) ForgetSkipped() State {
	s.skipped = nil
	return s
}

// skippedChain holds the keys of the missing messages of one receiving chain. Keys are
// derived in order, so base+n is a key's place in the order of all keys of the session,
// which tells its age.
type skippedChain struct {
	remote key.Public
	base   uint64 // keys derived in the session before this chain
	keys   []skippedKey
}

type skippedKey struct {
	n   uint32
	key key.Secret
}

func (s *skippedKeys) len() int {
	if s == nil {
		return 0
	}
	return s.total
}

// missing tells that the keys exist but were not loaded.
func (s *skippedKeys) missing() bool { return s != nil && s.chains == nil }

// chain is the index of the chain of a ratchet key, or -1.
func (s *skippedKeys) chain(remote key.Public) int {
	if s == nil {
		return -1
	}
	return slices.IndexFunc(s.chains, func(c skippedChain) bool { return c.remote == remote })
}

func (c skippedChain) search(n uint32) (int, bool) {
	return slices.BinarySearchFunc(c.keys, n, func(k skippedKey, n uint32) int {
		return int(int64(k.n) - int64(n))
	})
}

func (s *skippedKeys) find(remote key.Public, n uint32) (mk key.Secret, ok bool) {
	c := s.chain(remote)
	if c < 0 {
		return mk, false
	}
	i, ok := s.chains[c].search(n)
	if ok {
		mk = s.chains[c].keys[i].key
	}
	return mk, ok
}

// with adds the keys of added, which are newer than all that are held.
func (s *skippedKeys) with(added skippedChain) *skippedKeys {
	if len(added.keys) == 0 {
		return s
	}
	if s == nil {
		return &skippedKeys{chains: []skippedChain{added}, total: len(added.keys)}
	}
	next := &skippedKeys{chains: slices.Clone(s.chains), total: s.total + len(added.keys)}
	if c := s.chain(added.remote); c >= 0 {
		next.chains[c].keys = slices.Concat(s.chains[c].keys, added.keys)
	} else {
		next.chains = append(next.chains, added)
	}
	return next
}

// without removes one key that find has found.
func (s *skippedKeys) without(remote key.Public, n uint32) *skippedKeys {
	c := s.chain(remote)
	i, _ := s.chains[c].search(n)
	if s.total == 1 {
		return nil
	}
	next := &skippedKeys{chains: slices.Clone(s.chains), total: s.total - 1}
	next.chains[c].keys = slices.Concat(s.chains[c].keys[:i], s.chains[c].keys[i+1:])
	if len(next.chains[c].keys) == 0 {
		next.chains = slices.Delete(next.chains, c, c+1)
	}
	return next
}

// trimmed drops the keys beyond MaxSkippedKeys and those older than MaxKeep, oldest
// first. derived is the number of message keys the session has derived in all. It
// returns s itself if nothing is dropped, so that an unchanged set keeps its identity.
func (s *skippedKeys) trimmed(derived uint64) *skippedKeys {
	drop := 0
	if s == nil {
		return nil
	}
	for _, c := range s.chains {
		for _, k := range c.keys {
			if s.total-drop <= MaxSkippedKeys && c.base+uint64(k.n)+MaxKeep > derived {
				return s.dropping(drop)
			}
			drop++
		}
	}
	return nil
}

// dropping is s without its oldest keys; at least one stays.
func (s *skippedKeys) dropping(drop int) *skippedKeys {
	if drop == 0 {
		return s
	}
	next := &skippedKeys{total: s.total - drop}
	for _, c := range s.chains {
		gone := min(drop, len(c.keys))
		drop -= gone
		if gone < len(c.keys) {
			c.keys = slices.Clone(c.keys[gone:])
			next.chains = append(next.chains, c)
		}
	}
	return next
}
