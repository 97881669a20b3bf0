package confirm

import (
	"context"
	"errors"
	"io"
	"slices"
	"time"

	"libstatus1to1/chat/port"
)

// maxPages bounds the pages of one answer: one has room for all, but a node may give less.
const maxPages = 5

// round is one round of questions, on a goroutine of its own.
type round struct {
	nodes []string
	asked []question
	at    time.Time
	found []map[[32]byte]bool // of each node; nil if it did not answer
}

// question asks for the hashes of one id.
type question struct {
	id     uint64
	hashes [][32]byte
}

// errFalseAnswer is the error of a node that claims to have what does not exist.
var errFalseAnswer = errors.New("it claims to have what does not exist")

// decoy returns a random hash, which no envelope has.
func (a *Asker) decoy() (h [32]byte, err error) {
	_, err = io.ReadFull(a.Rand, h[:])
	return h, err
}

// run asks the nodes, one after the other, and leaves the answers for Results.
func (a *Asker) run(ctx context.Context, r *round) {
	var hashes [][32]byte
	for _, q := range r.asked {
		hashes = append(hashes, q.hashes...)
	}
	for _, node := range r.nodes {
		found, err := a.askNode(ctx, node, hashes)
		if err != nil {
			a.Log.Log("info", "a store node did not say what it has", "node", node, "error", err.Error())
		}
		r.found = append(r.found, found)
	}
	a.mu.Lock()
	a.asking, a.round = false, r
	a.mu.Unlock()
	a.Answered()
}

// askNode returns those hashes that a node has. With an error it returns nil.
// Spec: 13/WAKU2-STORE, "Message hash lookup queries".
func (a *Asker) askNode(ctx context.Context, node string, hashes [][32]byte) (map[[32]byte]bool, error) {
	found := map[[32]byte]bool{}
	for part := range slices.Chunk(hashes, port.MaxQueryHashes-1) {
		decoy, err := a.decoy()
		if err != nil {
			return nil, err
		}
		q := port.StoreQuery{Hashes: slices.Insert(slices.Clone(part), int(decoy[0])%(len(part)+1), decoy), Limit: port.MaxQueryLimit}
		for range maxPages {
			one, cancel := context.WithTimeout(ctx, queryTimeout)
			page, err := a.Archive.QueryStore(one, node, q)
			cancel()
			if err != nil {
				return nil, err
			}
			for _, e := range page.Entries {
				found[e.Hash] = true
			}
			if found[decoy] {
				return nil, errFalseAnswer
			}
			if q.After = page.Next; q.After == nil {
				break
			}
		}
	}
	return found, nil
}

// answer returns the nodes that have what was asked for, if together they have all of it;
// all is true if each has. answered is true if a node has answered.
func (r *round) answer(q question) (nodes []string, all, answered bool) {
	all = true
	missing := slices.Clone(q.hashes)
	for i, has := range r.found {
		answered = answered || has != nil
		count := 0
		for _, h := range q.hashes {
			if has[h] {
				count++
			}
		}
		if all = all && count == len(q.hashes); count == 0 {
			continue
		}
		nodes = append(nodes, r.nodes[i])
		missing = slices.DeleteFunc(missing, func(h [32]byte) bool { return has[h] })
	}
	if len(missing) > 0 {
		nodes = nil
	}
	return nodes, all, answered
}
