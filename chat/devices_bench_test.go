package chat_test

import (
	"context"
	"crypto/rand"
	"fmt"
	"path/filepath"
	"runtime"
	"testing"
	"time"

	"google.golang.org/protobuf/proto"

	"libstatus1to1/chat"
	"libstatus1to1/chat/memnet"
	"libstatus1to1/chat/protocol/key"
	"libstatus1to1/chat/protocol/payload"
	"libstatus1to1/chat/protocol/ratchet"
	"libstatus1to1/chat/protocol/session"
	"libstatus1to1/chat/protocol/x3dh"
	"libstatus1to1/chat/wire"
	"libstatus1to1/store"
)

// benchPeer is an identity with n installations, each with an established session.
func benchPeer(b *testing.B, self session.Self, n int) session.Peer {
	b.Helper()
	k, err := key.Generate(rand.Reader)
	if err != nil {
		b.Fatal(err)
	}
	bundle := x3dh.Bundle{Identity: k.Public(), Timestamp: time.Now().UnixNano()}
	for i := range n {
		pre, err := key.Generate(rand.Reader)
		if err != nil {
			b.Fatal(err)
		}
		bundle.SignedPreKeys = append(bundle.SignedPreKeys, x3dh.SignedPreKey{
			InstallationID: fmt.Sprintf("00000000-0000-4000-8000-%012d", i), Key: pre.Public(), Version: 1, ProtocolVersion: 1,
		})
	}
	p := session.Peer{Identity: k.Public()}.Learn(self, bundle, time.Now())
	p, _, err = p.Encrypt(self, []byte("first"), nil, time.Now(), benchSource)
	if err != nil {
		b.Fatal(err)
	}
	return p
}

var benchSource = session.Source{Rand: rand.Reader, IV: ratchet.RandomIV(rand.Reader)}

// parts is the least work of a message to n devices: n ratchet steps, the signed bundle,
// and the signed payload.
func parts(b *testing.B, self session.Self, p *session.Peer, plaintext []byte) {
	next, out, err := p.Encrypt(self, plaintext, nil, time.Now(), benchSource)
	if err != nil {
		b.Fatal(err)
	}
	*p = next
	current, _ := self.PreKeys.Current()
	bundle, err := x3dh.Bundle{
		Identity: self.Identity.Public(), Timestamp: time.Now().UnixNano(),
		SignedPreKeys: []x3dh.SignedPreKey{current.Signed(self.InstallationID)},
	}.Sign(self.Identity)
	if err != nil {
		b.Fatal(err)
	}
	pm, err := proto.Marshal(&wire.ProtocolMessage{
		InstallationId: self.InstallationID, Bundles: []*wire.Bundle{bundle}, EncryptedMessage: out.Messages,
	})
	if err != nil {
		b.Fatal(err)
	}
	if _, err := payload.SealAsymmetric(rand.Reader, p.Identity, self.Identity, pm); err != nil {
		b.Fatal(err)
	}
}

// A message to three devices of somebody and two more of ours, from messages.send to
// the network, against its parts: two signatures of the message and its payloads and
// what parts lists, for three devices and for two.
func BenchmarkSendToDevices(b *testing.B) {
	net := memnet.New(memnet.Options{Manual: true})
	if err := net.Join().Start(b.Context(), chat.TransportHooks{}); err != nil { // somebody to publish to
		b.Fatal(err)
	}
	identity, err := key.Generate(rand.Reader)
	if err != nil {
		b.Fatal(err)
	}
	pre, _, err := x3dh.PreKeys{}.Rotate(time.Now(), rand.Reader)
	if err != nil {
		b.Fatal(err)
	}
	self := session.Self{Identity: identity, InstallationID: "00000000-0000-4000-8000-00000000000a", PreKeys: pre}
	theirs, ours := benchPeer(b, self, 3), benchPeer(b, self, 2)
	own := ours
	own.Identity = identity.Public()
	firstTheirs, firstOurs := theirs, ours
	s := store.Memory()
	err = s.Update(func(tx chat.Tx) error {
		put := func(table chat.Table, name []byte, m proto.Message) {
			record, _ := proto.Marshal(m)
			if err := tx.Put(table, name, record); err != nil {
				b.Fatal(err)
			}
		}
		put("meta", []byte("identity"), &wire.IdentityRecord{PrivateKey: identity.Bytes(), InstallationId: self.InstallationID, CreatedAt: 1})
		put("peers", theirs.Identity.Compressed(), theirs.Record())
		put("peers", own.Identity.Compressed(), own.Record())
		return tx.Put("meta", []byte("pre_keys"), pre.Marshal())
	})
	if err != nil {
		b.Fatal(err)
	}
	c, err := chat.OpenStepped(context.Background(), chat.Options{Store: s, Transport: net.Join()})
	if err != nil {
		b.Fatal(err)
	}
	defer func() { _ = c.Close() }()
	net.Drain(0)
	c.Step()
	text := "a message of some length, as people write them, to all the devices of somebody"
	send := func() {
		if _, err := c.Send(context.Background(), chat.SendRequest{To: theirs.Identity, Text: text}); err != nil {
			b.Fatal(err)
		}
		for c.Step() {
		}
		net.Drain(0)
	}
	send()
	plaintext := make([]byte, 330) // the MVDS payload of that text
	sum := time.Duration(0)
	b.ResetTimer()
	for range b.N {
		send()
		b.StopTimer()
		c.Answered(firstTheirs, own) // as receivers would have
		if theirs.Unanswered(self) > 700 {
			theirs, ours = firstTheirs, firstOurs
		}
		start := time.Now()
		if _, err := identity.Sign(key.Keccak256(plaintext)); err != nil {
			b.Fatal(err)
		}
		parts(b, self, &theirs, plaintext)
		parts(b, self, &ours, plaintext)
		sum += time.Since(start)
		b.StartTimer()
	}
	b.StopTimer()
	b.ReportMetric(float64(sum.Nanoseconds())/float64(b.N), "parts-ns/op")
	b.ReportMetric(float64(b.Elapsed())/float64(sum), "x-of-parts")
}

// storeWithPeers makes a store file with an identity and sessions with n people, and
// opens an engine on it.
func storeWithPeers(t testing.TB, n int) (chat.Store, *chat.Client) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "store")
	s, err := store.Open(store.Options{Path: path, Key: make([]byte, 32), NoSync: true})
	if err != nil {
		t.Fatal(err)
	}
	net := memnet.New(memnet.Options{Manual: true})
	c, err := chat.OpenStepped(context.Background(), chat.Options{Store: kept{s}, Transport: net.Join()})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := c.ImportIdentity(context.Background(), simKeys[0], ""); err != nil {
		t.Fatal(err)
	}
	_ = c.Close()
	w := session.Self{Identity: simKeys[0], InstallationID: "here"}
	one := session.Peer{Identity: simKeys[1].Public()}.Learn(w, x3dh.Bundle{
		Identity: simKeys[1].Public(), Timestamp: 1,
		SignedPreKeys: []x3dh.SignedPreKey{{InstallationID: "there", Key: simKeys[2].Public(), Version: 1, ProtocolVersion: 1}},
	}, time.Now())
	one, _, err = one.Encrypt(w, []byte("x"), nil, time.Now(), benchSource)
	if err != nil {
		t.Fatal(err)
	}
	record, err := proto.Marshal(one.Record())
	if err != nil {
		t.Fatal(err)
	}
	err = s.Update(func(tx chat.Tx) error {
		for range n {
			k, err := key.Generate(rand.Reader)
			if err != nil {
				return err
			}
			if err := tx.Put("peers", k.Public().Compressed(), record); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if s, err = store.Open(store.Options{Path: path, Key: make([]byte, 32), NoSync: true}); err != nil {
		t.Fatal(err)
	}
	c, err = chat.OpenStepped(context.Background(), chat.Options{Store: s, Transport: net.Join()})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close() })
	return s, c
}

// Sessions are read when they are needed, and not before.
func TestSessionsCostNoMemoryUntilUsed(t *testing.T) {
	_, c := storeWithPeers(t, 2000)
	for c.Step() {
	}
	if n := c.PeersInMemory(); n > 1 { // our own devices
		t.Fatalf("%d of 2,000 peers are in memory", n)
	}
	if list, err := c.Sessions(key.Public{}); err != nil || len(list) != 2000 {
		t.Fatalf("%d sessions, %v", len(list), err)
	}
	if n := c.PeersInMemory(); n > 1 {
		t.Fatalf("listing left %d peers in memory", n)
	}
}

// What 10,000 sessions that nobody uses cost in memory: heap-bytes.
func BenchmarkSessionsAtRest(b *testing.B) {
	heap := func(n int) uint64 {
		_, c := storeWithPeers(b, n)
		for c.Step() {
		}
		var m runtime.MemStats
		runtime.GC()
		runtime.GC()
		runtime.ReadMemStats(&m)
		return m.HeapAlloc
	}
	var few, many uint64
	for b.Loop() {
		few, many = heap(1), heap(10000)
	}
	b.ReportMetric(float64(int64(many)-int64(few)), "heap-bytes")
}
