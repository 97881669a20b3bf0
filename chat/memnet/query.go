package memnet

import (
	"bytes"
	"context"
	"encoding/binary"
	"fmt"
	"slices"

	"libstatus1to1/chat/port"
)

var _ port.Archive = (*Node)(nil)

// StoreNodes returns the ids of the store nodes that this node is linked with, in the order
// they were added.
func (d *Node) StoreNodes() []string {
	n := d.network
	n.mu.Lock()
	defer n.mu.Unlock()
	var ids []string
	for _, other := range n.running {
		if other.store != nil && n.linked(d, other) {
			ids = append(ids, other.peerID())
		}
	}
	return ids
}

// PubsubTopics returns the one topic of the network.
func (d *Node) PubsubTopics() []string { return []string{PubsubTopic} }

// QueryStore asks a store node for a page, and checks what it answers as port.Archive says.
func (d *Node) QueryStore(ctx context.Context, node string, q port.StoreQuery) (port.StorePage, error) {
	if err := checkQuery(q); err != nil {
		return port.StorePage{}, err
	}
	page, fault, err := d.network.answer(d, node, q)
	if fault == port.StoreSlow && !d.network.options.Manual {
		<-ctx.Done()
		err = ctx.Err()
	}
	if fault == "" {
		if err = checkPage(q, page); err != nil {
			fault = port.StoreWrong
		}
	}
	if fault != "" {
		return port.StorePage{}, &port.StoreError{Node: node, Fault: fault, Cause: err}
	}
	return page, nil
}

func checkQuery(q port.StoreQuery) error {
	if q.Limit < 1 || q.Limit > port.MaxQueryLimit || len(q.ContentTopics) > port.MaxQueryTopics || len(q.Hashes) > port.MaxQueryHashes {
		return port.Errorf(port.CodeBadParams, "query", "the query is larger than store nodes take")
	}
	return nil
}

// checkPage finds what is wrong with an answer.
func checkPage(q port.StoreQuery, page port.StorePage) error {
	if len(page.Entries) > q.Limit {
		return fmt.Errorf("gave %d entries where at most %d were asked for", len(page.Entries), q.Limit)
	}
	for _, entry := range page.Entries {
		e := entry.Envelope
		switch {
		case len(q.Hashes) > 0 && !slices.Contains(q.Hashes, entry.Hash):
			return fmt.Errorf("gave a message that was not asked for")
		case !q.WithEnvelopes:
		case e == nil:
			return fmt.Errorf("gave no envelope where one was asked for")
		case e.Hash() != entry.Hash:
			return fmt.Errorf("gave an envelope with another hash")
		}
	}
	return nil
}

// answer finds the page as the store node answers it, with its fault.
func (n *Network) answer(from *Node, node string, q port.StoreQuery) (page port.StorePage, fault port.StoreFault, err error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	at := slices.IndexFunc(n.running, func(o *Node) bool { return o.store != nil && o.peerID() == node && n.linked(from, o) })
	if at < 0 {
		return page, port.StoreUnreachable, fmt.Errorf("there is no connection")
	}
	n.stats.Queries++
	s := n.running[at].store
	s.expire()
	switch s.options.Fault {
	case StoreSlow:
		return page, port.StoreSlow, context.DeadlineExceeded
	case StoreFails:
		return page, port.StoreRefused, fmt.Errorf("503 overloaded")
	case StoreEmpty:
		return page, "", nil
	}
	if len(q.Hashes) > 0 {
		return s.byHashes(q), "", nil
	}
	if page, err = s.byTopics(q); err != nil {
		fault = port.StoreRefused
	}
	return page, fault, err
}

// byHashes answers a query by hash; the network's lock is held.
func (s *Store) byHashes(q port.StoreQuery) (page port.StorePage) {
	for i, hash := range q.Hashes {
		k := s.byHash[hash]
		if k == nil || s.options.Fault == StoreWithholds && i%2 == 1 || len(page.Entries) == q.Limit {
			continue
		}
		page.Entries = append(page.Entries, s.entry(k, q))
	}
	return page
}

// byTopics answers a query by topics and time; the network's lock is held.
func (s *Store) byTopics(q port.StoreQuery) (page port.StorePage, err error) {
	begin, _ := slices.BinarySearchFunc(s.kept, q.From, func(k *keptEnvelope, from int64) int {
		return int(min(max(k.envelope.Timestamp-from, -1), 1))
	})
	made := q.After != nil && s.byHash[*q.After] == nil
	switch {
	case made && s.options.Fault == StoreEndlessly:
		begin = len(s.kept)
	case made:
		return page, fmt.Errorf("does not know the cursor")
	case q.After != nil:
		begin, _ = slices.BinarySearchFunc(s.kept, s.byHash[*q.After], (*keptEnvelope).compare)
		begin++
	}
	for i := begin; i < len(s.kept); i++ {
		k := s.kept[i]
		e := &k.envelope
		if e.Timestamp >= q.To {
			break
		}
		if e.Timestamp < q.From || e.PubsubTopic != q.PubsubTopic ||
			s.options.Fault != StoreForeign && !slices.Contains(q.ContentTopics, e.ContentTopic) {
			continue
		}
		if len(page.Entries) == q.Limit {
			page.Next = &page.Entries[q.Limit-1].Hash
			return page, nil
		}
		page.Entries = append(page.Entries, s.entry(k, q))
	}
	s.spoilEnd(q, &page)
	return page, nil
}

// spoilEnd changes the last page as the node's fault does.
func (s *Store) spoilEnd(q port.StoreQuery, page *port.StorePage) {
	switch {
	case s.options.Fault == StoreMakesUp && len(page.Entries) < q.Limit, s.options.Fault == StoreEndlessly:
		for len(page.Entries) < q.Limit {
			s.node.network.order++
			var hash [32]byte
			binary.BigEndian.PutUint64(hash[:], s.node.network.order)
			page.Entries = append(page.Entries, port.StoreEntry{Hash: hash})
		}
		if s.options.Fault == StoreEndlessly {
			page.Next = &page.Entries[len(page.Entries)-1].Hash
		}
	case s.options.Fault == StoreEndless && len(page.Entries) > 0:
		page.Next = &s.kept[0].hash
	}
}

// entry is one entry of a page.
func (s *Store) entry(k *keptEnvelope, q port.StoreQuery) port.StoreEntry {
	if !q.WithEnvelopes {
		return port.StoreEntry{Hash: k.hash}
	}
	e := k.envelope
	e.Payload = bytes.Clone(e.Payload)
	if s.options.Fault == StoreSwaps {
		e.Payload = append(e.Payload, 0)
	}
	return port.StoreEntry{Hash: k.hash, Envelope: &e}
}
