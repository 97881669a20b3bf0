package bench

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/binary"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"sync"
	"testing"
	"time"

	"libstatus1to1/chat"
	"libstatus1to1/chat/port"
	"libstatus1to1/chat/protocol/key"
	"libstatus1to1/chat/waku"
	"libstatus1to1/internal/cputime"
)

// What the figures of the whole are held against. A floor has what the design cannot do
// without, and nothing that only this implementation does: what it reads again although it
// could remember it, and the index for search, are in none.

// The sizes in bytes of what is stored of a text of wholeBytes, as the engine writes it.
const (
	wholeApplication = wholeBytes + 230 // the signed ChatMessage in its wrapper, which names what it is
	wholeRow         = wholeBytes + 365 // of the outbox: that, and for whom it is
	wholeMessage     = wholeBytes + 150 // in the history
	wholeEvent       = 350              // names the message
	wholeSessions    = 600              // of one person, with one device
	wholeChat        = 86
	wholePlace       = 40
	wholeMark        = 34
	wholeMarks       = 79
)

// records are n records of the store with so many bytes together, each sealed or opened once.
func records(n, bytes float64) sum {
	return sum{aead: n, aeadBulk: (bytes - n*recordBytes) / bulkBytes}
}

// bulk is a primitive over so many bytes.
func bulk(name string, bytes float64) sum { return sum{name: bytes / bulkBytes} }

// wholeSum is what a message cannot avoid, on both sides together, in an envelope of share
// messages that were accepted together.
//
// Not in it are the acknowledgements' own envelope, which is one for all messages of a while;
// keys of topics, bundles and profiles, which are there; and handing the event out, since what
// has just been stored may still be in memory.
func wholeSum(share float64) sum {
	envelope := wholeEnvelope(share)
	return wholeAccepted().plus(
		records(2, 2*wholeChat).plus(sum{place: 1}).times(1/share), // the chat's record, read and written
		wholeSealed(envelope).times(1/share),
		records(1, wholeEvent), // that it is sent
		wholeOpened(envelope).times(1/share),
		wholeReceived(),
		// The receipt: the record of the message is read, and written with who has it, and an
		// event tells of it. Its row in the outbox goes, which takes no cryptography.
		records(3, 2*wholeMessage+wholeEvent), sum{place: 1},
	)
}

// wholeAccepted is a message accepted: a signature, whose hash sign has of messageBytes only,
// the two ids, and four records: row, message, place and event. The message is under a keyed
// hash, the row under a number.
func wholeAccepted() sum {
	return sum{sign: 1, place: 1}.plus(bulk(hashBulk, 2*wholeApplication-messageBytes), bulk(shaBulk, wholeApplication),
		records(4, wholeRow+wholeMessage+wholePlace+wholeEvent))
}

// wholeSealed is an attempt: its plaintext is encrypted by the session and again for the topic,
// between them it is hashed and signed; sessions and envelope are stored, and what is left of
// the attempt once it is out.
func wholeSealed(envelope float64) sum {
	return sum{sign: 1, chain: 1, place: 1}.plus(wholeLayers(envelope), records(3, wholeSessions+envelope+wholeMark))
}

// wholeOpened is an envelope opened: the same layers, the digest by which a copy is known, the
// signer, and the records of sessions, mark, marks, and acknowledgements that wait, and that of
// the chat, read and written. All but the marks are under keyed hashes.
func wholeOpened(envelope float64) sum {
	return sum{signer: 1, chain: 1, place: 4}.plus(wholeLayers(envelope), bulk(shaBulk, envelope),
		records(6, wholeSessions+2*wholeMark+wholeMarks+2*wholeChat))
}

// wholeReceived is a message in it: its signer, both ids, under each of which it is asked for,
// and the records of message, place and event.
func wholeReceived() sum {
	return sum{signer: 1, place: 2}.plus(bulk(hashBulk, 2*wholeApplication-messageBytes), bulk(shaBulk, wholeApplication),
		records(3, wholeMessage+wholePlace+wholeEvent))
}

// wholeLayers are what an envelope takes on either side: both layers of encryption, and the hash
// that its signature is of.
func wholeLayers(envelope float64) sum {
	return bulk(ctrBulk, envelope).plus(bulk(gcmBulk, envelope), bulk(hashBulk, envelope-messageBytes))
}

// wholeEnvelope is about the size of an envelope with n texts: BenchmarkWhole logs the real one.
func wholeEnvelope(n float64) float64 { return 730 + n*(wholeApplication+20) }

// floor says what a figure cannot be below: its primitives on the cores there are, and what it
// takes beside, asked for at the end.
func floor(name string, s sum, beside func() cost) {
	needs(name, s)
	floorOf(name, func() cost {
		least := beside()
		return cost{s.ns()/float64(runtime.GOMAXPROCS(0)) + least.wall, s.ns() + least.cpu}
	})
}

// floorOf says it as a cost, asked for at the end.
func floorOf(name string, least func() cost) {
	report.Lock()
	defer report.Unlock()
	report.floors[name] = least
}

// costOf is what the row of a name says, asked for at the end.
func costOf(name string) func() cost {
	return func() cost { return cost{report.rows[name].NsPerOp, report.rows[name].CPUNs} }
}

// manyOf is n times a cost.
func manyOf(of func() cost, n float64) func() cost {
	return func() cost { c := of(); return cost{n * c.wall, n * c.cpu} }
}

// together is the sum of two costs.
func together(a, b func() cost) func() cost {
	return func() cost { x, y := a(), b(); return cost{x.wall + y.wall, x.cpu + y.cpu} }
}

// rawTopic is a content topic that only the raw nodes use.
const rawTopic = "/waku/1/0x01020304/rfc26"

// rawPath is two nodes without engines, connected as those of the clients are.
type rawPath struct {
	name     string
	from, to *waku.Node
	got      chan chat.Envelope
	number   int64 // of the last envelope, so that no two are the same
}

const (
	// rawRounds are measured with each run of a benchmark that asks, each of rawRound envelopes
	// or of rawRoundBytes: the fastest of all counts, as the machine is shared. A node takes no
	// more than 8 MiB a second from one peer (chat/waku: messageBytesByPeer), and drops the rest.
	rawRounds, rawRound, rawRoundBytes = 2, 60, 2 << 20
	// rawWindow is how many envelopes are under way when several are.
	rawWindow = 4
	// rawWarm is how many envelopes go before anything is measured.
	rawWarm = 100
	// rawPatience is how long a round may take, and rawTries how many may be given up in a row.
	rawPatience, rawTries = 3 * time.Second, 5
)

// rawPaths are those that are open, by name. They stay until the process ends.
var rawPaths = map[string]*rawPath{}

// raw is the raw path of a network.
func (n network) raw(b *testing.B) *rawPath {
	b.Helper()
	if p := rawPaths[n.name]; p != nil {
		return p
	}
	p := &rawPath{name: n.name, got: make(chan chat.Envelope, cableQueue)}
	online := make(chan struct{}, 2)
	p.from = n.node(b)
	startRaw(b, p.from, online, func(chat.Envelope) {})
	p.to = n.node(b, p.from)
	startRaw(b, p.to, online, func(e chat.Envelope) { p.got <- e })
	<-online
	<-online
	atEnd = append(atEnd, func() { _, _ = p.from.Stop(), p.to.Stop() })
	warm := make([]byte, wholeBytes)
	for range rawWarm {
		p.publish(b, warm)
		p.arrived(warm, time.After(rawPatience))
	}
	rawPaths[n.name] = p
	return p
}

// startRaw starts a node, and tells online once when it is.
func startRaw(b *testing.B, node *waku.Node, online chan struct{}, received func(chat.Envelope)) {
	b.Helper()
	k, err := key.Generate(rand.Reader)
	if err != nil {
		b.Fatal(err)
	}
	var once sync.Once
	hooks := chat.TransportHooks{NodeKey: k, Received: received, Log: nothing{}, Changed: func(c chat.NetworkChange) {
		if c.State == chat.NetworkOnline {
			once.Do(func() { online <- struct{}{} })
		}
	}, Missed: func(time.Time) {}, Panicked: func(_ string, v any, _ []byte) { panic(v) }}
	if err := node.Start(context.Background(), hooks); err != nil {
		b.Fatal(err)
	}
	if err := node.Subscribe(rawTopic); err != nil {
		b.Fatal(err)
	}
}

type nothing struct{}

func (nothing) Log(string, string, ...any) {}

func (p *rawPath) publish(b *testing.B, payload []byte) {
	p.number++
	e := port.Envelope{ContentTopic: rawTopic, Payload: payload, Timestamp: time.Now().UnixNano() + p.number}
	if _, err := p.from.Publish(context.Background(), e); err != nil {
		b.Fatal(err)
	}
}

// measure times envelopes of a size from one node to the other: one after the other, or
// rawWindow under way. It returns the cost of one, of the fastest round of this and all other
// calls.
func (p *rawPath) measure(b *testing.B, size float64, window int) func() cost {
	b.Helper()
	name := fmt.Sprintf("%s/KiB=%.0f/window=%d", p.name, size/1024, window)
	for range rawRounds {
		for tries := 1; !p.round(b, name, make([]byte, int(size)), window); tries++ {
			if tries == rawTries {
				b.Fatal("nodes without engines lose envelopes again and again")
			}
		}
	}
	return costOf(name)
}

// round is false, and nothing is recorded, if an envelope got lost: nobody sends it again here.
func (p *rawPath) round(b *testing.B, name string, payload []byte, window int) bool {
	_, _ = rand.Read(payload)
	lost, envelopes := time.After(rawPatience), min(rawRound, rawRoundBytes/len(payload))
	var took []time.Duration
	begin, cpu := time.Now(), cputime.Used()
	for i := range envelopes + window - 1 {
		at := time.Now()
		if i < envelopes {
			p.publish(b, payload)
		}
		if i >= window-1 {
			if !p.arrived(payload, lost) {
				return false
			}
			took = append(took, time.Since(at))
		}
	}
	ops := float64(envelopes)
	r := row{Name: name, NsPerOp: float64(time.Since(begin)) / ops, CPUNs: float64(cputime.Used()-cpu) / ops}
	if window == 1 {
		rawTook[name] = append(rawTook[name], took...) // one round is too short for percentiles
		r = r.spread(rawTook[name])
	}
	record(r)
	return true
}

// arrived waits for an envelope of a round; those of a round that was given up are late.
func (p *rawPath) arrived(payload []byte, lost <-chan time.Time) bool {
	for {
		select {
		case e := <-p.got:
			if bytes.Equal(e.Payload, payload) {
				return true
			}
		case <-lost:
			return false
		}
	}
}

// rawTook are the single times of all rounds.
var rawTook = map[string][]time.Duration{}

// rawCommitRound is how often the two commits of a message are measured with each run that
// asks.
const rawCommitRound = 30

// rawStores are the stores of rawCommits.
var rawStores = map[bool]chat.Store{}

// rawCommits is the cost of the two commits that a message alone cannot avoid, together, without
// what is computed for them: it is accepted with its ciphertext, and it is stored on the other
// side. They write what the engine writes, record for record.
func rawCommits(b *testing.B, sync bool) func() cost {
	b.Helper()
	name := "commits/" + syncName(sync)
	s := rawStores[sync]
	if s == nil {
		s = openStore(b, filepath.Join(rawDir(b), "commit.db"), sync)
		rawStores[sync] = s
		atEnd = append([]func(){func() { _ = s.Close() }}, atEnd...) // before its directory goes
	}
	for range rawRounds {
		var took []time.Duration
		begin, cpu := time.Now(), cputime.Used()
		for range rawCommitRound {
			at := time.Now()
			for _, step := range []func(chat.Tx) error{rawAccept, rawReceive} {
				if err := s.Update(step); err != nil {
					b.Fatal(err)
				}
			}
			took = append(took, time.Since(at))
		}
		rawTook[name] = append(rawTook[name], took...)
		r := row{Name: name, NsPerOp: float64(time.Since(begin)) / rawCommitRound, CPUNs: float64(cputime.Used()-cpu) / rawCommitRound}
		record(r.spread(rawTook[name]))
	}
	return costOf(name)
}

// rawDir is a directory on the disk of the repository that stays until the process ends.
func rawDir(b *testing.B) string {
	b.Helper()
	root := filepath.Join("..", "..", "build", "bench")
	if err := os.MkdirAll(root, 0o755); err != nil {
		b.Fatal(err)
	}
	dir, err := os.MkdirTemp(root, "run")
	if err != nil {
		b.Fatal(err)
	}
	atEnd = append(atEnd, func() { _ = os.RemoveAll(dir) })
	return dir
}

// rawNumber is the number of the message whose records are written.
var rawNumber uint64

// rawID names a message.
func rawID() (id [32]byte) {
	binary.BigEndian.PutUint64(id[:], rawNumber)
	return id
}

// rawChat names a conversation.
var rawChat = []byte("a conversation")

// puts writes records of the sizes given, in tables under names.
func puts(tx chat.Tx, all ...rawRecord) error {
	for _, r := range all {
		if err := tx.Put(r.table, r.name, make([]byte, r.bytes)); err != nil {
			return err
		}
	}
	return nil
}

type rawRecord struct {
	table port.Table
	name  []byte
	bytes int
}

func rawAccept(tx chat.Tx) error {
	rawNumber++
	id := rawID()
	if _, err := tx.Insert(rawChat, port.Position{Clock: rawNumber, ID: id}); err != nil {
		return err
	}
	if _, err := tx.Append("events", make([]byte, wholeEvent)); err != nil {
		return err
	}
	return puts(tx, rawRecord{"#outbox", id[:8], wholeRow}, rawRecord{"messages", id[:], wholeMessage}, rawRecord{"chats", rawChat, wholeChat},
		rawRecord{"peers", rawChat, wholeSessions}, rawRecord{"#attempts", id[:8], int(wholeEnvelope(1))})
}

func rawReceive(tx chat.Tx) error {
	rawNumber++
	id := rawID()
	if _, err := tx.Insert(rawChat, port.Position{Clock: rawNumber, ID: id}); err != nil {
		return err
	}
	if _, err := tx.Append("events", make([]byte, wholeEvent)); err != nil {
		return err
	}
	return puts(tx, rawRecord{"peers", rawChat, wholeSessions}, rawRecord{"messages", id[:], wholeMessage}, rawRecord{"seen", id[:], wholeMark},
		rawRecord{"chats", rawChat, wholeChat}, rawRecord{"#marks", id[:8], wholeMarks}, rawRecord{"acks", rawChat, wholeMark})
}
