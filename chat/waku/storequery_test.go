package waku

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"libstatus1to1/chat/port"
	"libstatus1to1/internal/servicenode"
)

const shard = "/waku/2/rs/16/32"

// serviceNode runs a service node until the end of the test.
func serviceNode(t testing.TB, o servicenode.Options) *servicenode.Node {
	t.Helper()
	n, err := servicenode.Start(o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { n.Close() })
	return n
}

// storeClient is a started station that has a store node on no shard in its configuration.
func storeClient(t testing.TB, nodes ...*servicenode.Node) *station {
	t.Helper()
	c := Config{Listen: []string{}}
	for _, n := range nodes {
		c.StorePeers = append(c.StorePeers, n.Address())
	}
	return start(t, c)
}

// onlyStore serves nothing but store and metadata.
var onlyStore = []servicenode.Protocol{servicenode.Metadata, servicenode.Store}

// contents are three content topics.
var contents = []string{topic, "/waku/1/0x00000001/rfc26", "/waku/1/0x00000002/rfc26"}

// stored are n envelopes on three content topics, one a millisecond.
func stored(n, size int) []port.Envelope {
	all := make([]port.Envelope, n)
	for i := range all {
		all[i] = port.Envelope{PubsubTopic: shard, ContentTopic: contents[i%3], Timestamp: 1_000_000 * int64(i+1),
			Payload: append(make([]byte, size), fmt.Sprint(i)...)}
	}
	return all
}

// queryAll asks for all pages.
func queryAll(t testing.TB, s *station, node string, q port.StoreQuery) (all []port.StoreEntry, pages int) {
	t.Helper()
	for {
		page, err := s.QueryStore(context.Background(), node, q)
		if err != nil {
			t.Fatalf("page %d: %v", pages, err)
		}
		all = append(all, page.Entries...)
		if pages++; page.Next == nil {
			return all, pages
		}
		q.After = page.Next
	}
}

func hashes(entries []port.StoreEntry) (all [][32]byte) {
	for _, e := range entries {
		all = append(all, e.Hash)
	}
	return all
}

// A store node's messages of some topics and a time come in pages, as hashes and then as
// envelopes by their hashes; the end of the time is not part of it.
func TestStorePages(t *testing.T) {
	n := serviceNode(t, servicenode.Options{Protocols: onlyStore})
	all := stored(300, 10)
	n.Archive().Add(all...)
	s := storeClient(t, n)
	var want [][32]byte
	for _, e := range all[50:250] {
		if e.ContentTopic != contents[2] {
			want = append(want, servicenode.HashOf(e))
		}
	}
	q := port.StoreQuery{PubsubTopic: shard, ContentTopics: contents[:2], From: all[50].Timestamp, To: all[250].Timestamp, Limit: 30}
	found, pages := queryAll(t, s, n.ID(), q)
	if pages != 5 || !slices.Equal(hashes(found), want) {
		t.Errorf("%d of %d messages on %d pages", len(found), len(want), pages)
	}
	page, err := s.QueryStore(context.Background(), n.ID(), port.StoreQuery{Hashes: want[:100], WithEnvelopes: true, Limit: 100})
	if err != nil || page.Next != nil || !slices.Equal(hashes(page.Entries), want[:100]) {
		t.Fatalf("%d messages by hash, %v", len(page.Entries), err)
	}
	for _, e := range page.Entries {
		if servicenode.HashOf(*e.Envelope) != e.Hash {
			t.Errorf("%+v", e)
		}
	}
	missing := [][32]byte{{1}, want[0], {2}}
	page, err = s.QueryStore(context.Background(), n.ID(), port.StoreQuery{Hashes: missing, Limit: 3})
	if err != nil || !slices.Equal(hashes(page.Entries), want[:1]) || page.Entries[0].Envelope != nil {
		t.Errorf("%+v, %v", page, err)
	}
}

// A page that is too large comes in parts, also one that is asked for by hash.
func TestStoreLargePages(t *testing.T) {
	n := serviceNode(t, servicenode.Options{Protocols: onlyStore})
	all := stored(60, 300_000)
	n.Archive().Add(all...)
	s := storeClient(t, n)
	var want [][32]byte
	for _, e := range all {
		want = append(want, servicenode.HashOf(e))
	}
	for what, q := range map[string]port.StoreQuery{
		"by topic": {PubsubTopic: shard, WithEnvelopes: true, Limit: 100},
		"by hash":  {Hashes: want, WithEnvelopes: true, Limit: 100},
	} {
		found, pages := queryAll(t, s, n.ID(), q)
		if pages < 60*300_000/maxStoreAnswer || !slices.Equal(hashes(found), want) {
			t.Errorf("%s: %d messages on %d pages", what, len(found), pages)
		}
	}
}

// wrongBy are the lies that a client finds out by a query for hashes, one for envelopes,
// and one by hash.
var wrongBy = map[servicenode.Lie][3]bool{
	servicenode.LieWrongHash:    {false, true, true},
	servicenode.LieContentTopic: {false, true, true},
	servicenode.LiePubsubTopic:  {false, true, true},
	servicenode.LieTime:         {false, true, true},
	servicenode.LieUnasked:      {false, false, true},
	servicenode.LieTwice:        {true, true, true},
	servicenode.LieTooMany:      {true, true, true},
	servicenode.LieNoEnvelope:   {false, true, true},
	servicenode.LieBadEnvelope:  {false, true, true},
	servicenode.LieEndless:      {false, false, true},
	servicenode.LieSameCursor:   {false, false, false}, // from the second page on
	servicenode.LieEmptyPages:   {true, true, true},
	servicenode.LieShortCursor:  {true, true, true},
	servicenode.LieRequestID:    {true, true, true},
	servicenode.LieNoStatus:     {true, true, true},
	servicenode.LieGarbage:      {true, true, true},
	servicenode.LieAnnounced:    {true, true, true},
	servicenode.LieOversized:    {true, true, true},
	servicenode.LieReversed:     {false, false, false}, // of no consequence
}

// Every lie of a store node that can be seen is seen, and named as a wrong answer; none
// keeps it from being asked again.
func TestStoreLies(t *testing.T) {
	n := serviceNode(t, servicenode.Options{Protocols: onlyStore})
	all := stored(30, 10)
	n.Archive().Add(all...)
	s := storeClient(t, n)
	queries := [3]port.StoreQuery{
		{PubsubTopic: shard, ContentTopics: contents[:2], From: 1, Limit: 100},
		{PubsubTopic: shard, ContentTopics: contents[:2], From: 1, Limit: 100, WithEnvelopes: true},
		{Hashes: [][32]byte{servicenode.HashOf(all[0]), servicenode.HashOf(all[1])}, Limit: 2, WithEnvelopes: true},
	}
	for _, lie := range servicenode.Lies() {
		wrong, known := wrongBy[lie]
		if !known {
			t.Errorf("what is to be seen of the lie %q?", lie)
		}
		for i, q := range queries {
			n.SetFaults(servicenode.Faults{StoreLie: lie})
			_, err := s.QueryStore(context.Background(), n.ID(), q)
			var fault *port.StoreError
			if seen := errors.As(err, &fault) && fault.Fault == port.StoreWrong && fault.Node == n.ID(); seen != wrong[i] || !seen && err != nil {
				t.Errorf("%s, query %d: %v", lie, i, err)
			}
		}
		n.SetFaults(servicenode.Faults{})
		if page, err := s.QueryStore(context.Background(), n.ID(), queries[1]); err != nil || len(page.Entries) != 20 {
			t.Fatalf("after %s: %d messages, %v", lie, len(page.Entries), err)
		}
	}
}

// Pages without end are seen when the cursor does not move.
func TestStoreSameCursor(t *testing.T) {
	n := serviceNode(t, servicenode.Options{Protocols: onlyStore, Faults: servicenode.Faults{StoreLie: servicenode.LieSameCursor}})
	n.Archive().Add(stored(5, 10)...)
	s := storeClient(t, n)
	q := port.StoreQuery{PubsubTopic: shard, Limit: 2}
	page, err := s.QueryStore(context.Background(), n.ID(), q)
	if err != nil || page.Next == nil {
		t.Fatal(page, err)
	}
	q.After = page.Next
	if page, err = s.QueryStore(context.Background(), n.ID(), q); !errors.Is(err, errNoProgress) {
		t.Error(page, err)
	}
}

// A store node that is slow, cuts its answers or refuses is told by which of these it is.
func TestStoreFaults(t *testing.T) {
	n := serviceNode(t, servicenode.Options{Protocols: onlyStore})
	n.Archive().Add(stored(30, 1000)...)
	s := storeClient(t, n)
	s.stores.wait, s.stores.blockWait = 300*time.Millisecond, 300*time.Millisecond
	q := port.StoreQuery{PubsubTopic: shard, Limit: 100, WithEnvelopes: true}
	for _, c := range []struct {
		what   string
		faults servicenode.Faults
		want   port.StoreFault
		status int
	}{
		{"slow", servicenode.Faults{StoreHangs: true}, port.StoreSlow, 0},
		{"trickling", servicenode.Faults{StoreTrickles: true}, port.StoreSlow, 0},
		{"cut", servicenode.Faults{StoreCuts: true}, port.StoreUnreachable, 0},
		{"refusing", servicenode.Faults{StoreStatus: 429}, port.StoreRefused, 429},
		{"mended", servicenode.Faults{}, "", 0},
		{"empty", servicenode.Faults{StoreEmpty: true}, "", 0},
	} {
		n.SetFaults(c.faults)
		_, err := s.QueryStore(context.Background(), n.ID(), q)
		var fault *port.StoreError
		if errors.As(err, &fault) != (c.want != "") || fault != nil && (fault.Fault != c.want || fault.Status != c.status) {
			t.Errorf("%s: %v", c.what, err)
		}
	}
}

// whenAsked runs f when a node is asked the next time.
func whenAsked(n *servicenode.Node, f func()) {
	asked := n.Asked(servicenode.Store)
	go func() {
		for n.Asked(servicenode.Store) == asked {
			time.Sleep(time.Millisecond)
		}
		f()
	}()
}

// A query ends with its caller, or with the connection. A store node that was too slow for
// its caller has failed, one that the caller did not want to wait for has not.
func TestStoreGivingUp(t *testing.T) {
	n := serviceNode(t, servicenode.Options{Protocols: onlyStore, Faults: servicenode.Faults{StoreHangs: true}})
	s := storeClient(t, n)
	s.stores.patience = patience
	q := port.StoreQuery{PubsubTopic: shard, Limit: 100, WithEnvelopes: true}
	failures := func() int { record, _ := s.stores.all.Get(n.Host().ID()); return record.failures }
	ctx, cancel := context.WithCancel(context.Background())
	whenAsked(n, cancel)
	if _, err := s.QueryStore(ctx, n.ID(), q); !errors.Is(err, context.Canceled) || failures() != 0 {
		t.Error("cancelled:", err, failures())
	}
	s.stores.patience = 10 * time.Millisecond
	ctx, cancel = context.WithTimeout(context.Background(), 100*time.Millisecond)
	defer cancel()
	if _, err := s.QueryStore(ctx, n.ID(), q); !errors.Is(err, context.DeadlineExceeded) || failures() != 1 {
		t.Error("too slow for its caller:", err, failures())
	}
	whenAsked(n, func() { n.Close() })
	for what, id := range map[string]string{"leaving": n.ID(), "gone": n.ID(), "unknown": unknownPeer(t)} {
		var fault *port.StoreError
		if _, err := s.QueryStore(context.Background(), id, q); !errors.As(err, &fault) || fault.Fault != port.StoreUnreachable {
			t.Errorf("%s: %v", what, err)
		}
	}
}

// unknownPeer is the id of a peer that nobody knows.
func unknownPeer(t testing.TB) string { return serviceNode(t, servicenode.Options{}).ID() }

// Queries that no store node would answer are not sent.
func TestStoreBadQueries(t *testing.T) {
	s := prepare(t, Config{})
	if _, err := s.QueryStore(context.Background(), unknownPeer(t), port.StoreQuery{PubsubTopic: shard, Limit: 1}); !errors.Is(err, port.ErrNoPeers) {
		t.Error(err)
	}
	for what, q := range map[string]port.StoreQuery{
		"no limit":         {PubsubTopic: shard},
		"large limit":      {PubsubTopic: shard, Limit: port.MaxQueryLimit + 1},
		"no topic":         {Limit: 1},
		"many topics":      {PubsubTopic: shard, ContentTopics: make([]string, port.MaxQueryTopics+1), Limit: 1},
		"many hashes":      {Hashes: make([][32]byte, port.MaxQueryHashes+1), Limit: 1},
		"hashes and topic": {PubsubTopic: shard, Hashes: make([][32]byte, 1), Limit: 1},
		"hashes and time":  {Hashes: make([][32]byte, 1), From: 1, Limit: 1},
		"empty time":       {PubsubTopic: shard, From: 5, To: 5, Limit: 1},
		"negative time":    {PubsubTopic: shard, From: -1, Limit: 1},
	} {
		if _, err := s.QueryStore(context.Background(), "", q); port.CodeOf(err) != port.CodeBadParams {
			t.Errorf("%s: %v", what, err)
		}
	}
	if _, err := s.QueryStore(context.Background(), "nobody", port.StoreQuery{PubsubTopic: shard, Limit: 1}); port.CodeOf(err) != port.CodeNotFound {
		t.Error(err)
	}
}
