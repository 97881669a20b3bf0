package chat_test

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/hex"
	"encoding/json"
	"errors"
	"sync"
	"testing"
	"time"

	"google.golang.org/protobuf/proto"

	"libstatus1to1/chat"
	"libstatus1to1/chat/event"
	"libstatus1to1/chat/memnet"
	"libstatus1to1/chat/protocol/datasync"
	"libstatus1to1/chat/protocol/key"
	"libstatus1to1/chat/protocol/payload"
	"libstatus1to1/chat/protocol/ratchet"
	"libstatus1to1/chat/protocol/session"
	"libstatus1to1/chat/protocol/topic"
	"libstatus1to1/chat/protocol/x3dh"
	"libstatus1to1/chat/wire"
	"libstatus1to1/internal/vectors"
	"libstatus1to1/store"
)

// TestVectorEngine gives what status-go sent to whole engines, one a recorded
// receiver, and looks at what they report and answer. A message opens if no key that
// the receiver drew at random is in it: what is public, plain DH, or still carries
// its X3DH header. The others must be dropped.
func TestVectorEngine(t *testing.T) {
	t.Run("wire", func(t *testing.T) {
		file := vectors.ReadWire(t)
		f := &vectorFile{people: file.Participants, drawn: map[key.Public]key.Private{}}
		for _, m := range file.Messages {
			f.draw(t, m.GeneratedKeys)
			r := recordedMessage{from: m.From, to: m.To, waku: m.Waku, data: m.Sealed.Data, plaintext: m.Plaintext, mvds: m.MVDS}
			if m.Application != nil {
				r.application = []*vectors.Application{m.Application}
			}
			f.messages = append(f.messages, r)
		}
		f.play(t)
	})
	t.Run("messenger", func(t *testing.T) {
		file := vectors.ReadMessenger(t)
		f := &vectorFile{people: file.Participants, drawn: map[key.Public]key.Private{}}
		f.draw(t, file.GeneratedKeys)
		for _, m := range file.Messages {
			if m.Layers == nil {
				continue
			}
			f.messages = append(f.messages, recordedMessage{
				from: m.From, waku: m.WakuMessage, data: m.Data,
				plaintext: m.Layers.Plaintext, mvds: m.Layers.MVDS, application: m.Layers.Application,
			})
		}
		f.play(t)
	})
}

// handled are the types that are reported in a way of their own.
var handled = map[wire.ApplicationMetadataMessage_Type]bool{
	wire.ApplicationMetadataMessage_CHAT_IDENTITY: true, wire.ApplicationMetadataMessage_ACCEPT_CONTACT_REQUEST: true,
	wire.ApplicationMetadataMessage_RETRACT_CONTACT_REQUEST: true, wire.ApplicationMetadataMessage_CONTACT_UPDATE: true,
}

// vectorFile holds the parts that both files have in common.
type vectorFile struct {
	people   vectors.Participants
	messages []recordedMessage
	drawn    map[key.Public]key.Private
}

type recordedMessage struct {
	from, to    string // to: "" for everybody
	waku        vectors.WakuMessage
	data        vectors.Hex
	plaintext   vectors.Hex
	mvds        *vectors.MVDS
	application []*vectors.Application
}

func (f *vectorFile) draw(t *testing.T, keys []vectors.KeyPair) {
	t.Helper()
	for _, k := range keys {
		f.drawn[k.Public.Public(t)] = k.Private.Private(t)
	}
}

// play opens an engine for every participant.
func (f *vectorFile) play(t *testing.T) {
	shown, acknowledged := 0, 0
	for name := range f.people {
		t.Run(name, func(t *testing.T) {
			r := f.receiver(t, name)
			for _, l := range f.messages {
				if l.from != name && (l.to == "" || l.to == name) {
					r.deliver(l)
				}
			}
			r.expectMessages()
			r.expectAcks()
			t.Logf("%d messages shown, %d others reported, %d acknowledged", len(r.messages), len(r.other), len(r.acks))
			shown, acknowledged = shown+len(r.messages), acknowledged+len(r.acks)
		})
	}
	if shown == 0 || acknowledged == 0 {
		t.Errorf("%d messages shown, %d acknowledged: nothing is proven", shown, acknowledged)
	}
}

// vectorReceiver is the engine of a recorded participant.
type vectorReceiver struct {
	*person
	file     *vectorFile
	net      *memnet.Network
	self     session.Self
	twins    map[string]*session.Peer // the receiver, as each sender knows it
	messages map[string]*vectors.Application
	other    map[string]*vectors.Application
	acks     map[[32]byte]string // MVDS id -> sender

	mu        sync.Mutex
	published []chat.Envelope
}

// vectorSelf is a participant with its recorded keys.
func vectorSelf(t *testing.T, p vectors.Participant) session.Self {
	t.Helper()
	self := session.Self{Identity: p.IdentityPrivate.Private(t), InstallationID: p.InstallationID}
	for i, k := range p.SignedPreKeys {
		at := time.Now().Add(time.Duration(i-len(p.SignedPreKeys)+1) * x3dh.RotateAfter)
		next, _, err := self.PreKeys.Rotate(at, bytes.NewReader(k.Private))
		if err != nil {
			t.Fatal(err)
		}
		self.PreKeys = next
	}
	return self
}

// vectorStore is a store with the participant in it, as the engine itself would
// write it.
func vectorStore(t *testing.T, self session.Self, displayName string) chat.Store {
	t.Helper()
	public := self.Identity.Public()
	own := topic.ContactCode(public)
	sym := topic.SymmetricKey(own.Name)
	s := store.Memory()
	put := func(tx chat.Tx, table chat.Table, name []byte, record proto.Message) error {
		b, err := proto.Marshal(record)
		if err != nil {
			return err
		}
		return tx.Put(table, name, b)
	}
	err := s.Update(func(tx chat.Tx) error {
		return errors.Join(
			put(tx, "meta", []byte("identity"), &wire.IdentityRecord{
				PrivateKey: self.Identity.Bytes(), InstallationId: self.InstallationID, CreatedAt: time.Now().UnixMilli(),
				DisplayName: displayName,
			}),
			tx.Put("meta", []byte("pre_keys"), self.PreKeys.Marshal()),
			put(tx, "topics", append([]byte("contact_code"), public.Compressed()...), &wire.TopicRecord{
				Kind: "contact_code", ContentTopic: own.ContentTopic(), Key: sym[:], Peer: public.Compressed(),
			}),
		)
	})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// receiver opens an engine on a store with the participant.
func (f *vectorFile) receiver(t *testing.T, name string) *vectorReceiver {
	t.Helper()
	self := vectorSelf(t, f.people[name])
	public := self.Identity.Public()
	s := vectorStore(t, self, "")
	r := &vectorReceiver{
		file: f, net: memnet.New(memnet.Options{Seed: 1}), self: self, twins: map[string]*session.Peer{},
		messages: map[string]*vectors.Application{}, other: map[string]*vectors.Application{}, acks: map[[32]byte]string{},
	}
	t.Cleanup(r.net.Tap(func(e chat.Envelope) {
		r.mu.Lock()
		defer r.mu.Unlock()
		r.published = append(r.published, e)
	}))
	openPerson(t, "somebody to publish to", store.Memory(), r.net.Join(), fast)
	r.person = openPerson(t, name, s, r.net.Join(), fast)
	if r.key() != public {
		t.Fatal("the engine has another identity")
	}
	for other := range f.people {
		if other != name {
			r.meet(other)
		}
	}
	return r
}

// meet adds a participant as a contact, so that the engine listens to it, and makes
// the twin: what that participant knows of the receiver.
func (r *vectorReceiver) meet(other string) {
	r.t.Helper()
	public := r.file.people.Public(r.t, other)
	if _, err := r.AddContact(public, ""); err != nil {
		r.t.Fatal(err)
	}
	current, _ := r.self.PreKeys.Current()
	twin := session.Peer{Identity: r.self.Identity.Public()}.Learn(vectorSelf(r.t, r.file.people[other]), x3dh.Bundle{
		Identity: r.self.Identity.Public(), Timestamp: 1,
		SignedPreKeys: []x3dh.SignedPreKey{current.Signed(r.self.InstallationID)},
	}, time.Now())
	r.twins[other] = &twin
}

// deliver brings a recorded envelope and notes what must come of it.
func (r *vectorReceiver) deliver(l recordedMessage) {
	r.t.Helper()
	r.net.Inject(chat.Envelope{
		PubsubTopic: l.waku.PubsubTopic, ContentTopic: l.waku.ContentTopic, Payload: l.waku.Payload,
		Version: l.waku.Version, Timestamp: l.waku.Timestamp, Ephemeral: l.waku.Ephemeral,
	})
	var pm wire.ProtocolMessage
	if err := proto.Unmarshal(l.data, &pm); err != nil {
		r.t.Fatal(err)
	}
	direct := pm.GetEncryptedMessage()[session.NoInstallation].GetDHHeader() != nil
	first := pm.GetEncryptedMessage()[r.self.InstallationID]
	if first.GetX3DHHeader() != nil {
		r.advance(l, first)
	} else if !direct {
		return // public, or in a session the engine cannot have
	}
	for _, app := range l.application {
		id := "0x" + hex.EncodeToString(app.MessageID)
		switch {
		case app.ChatMessage != nil:
			r.messages[id] = app
		case !handled[wire.ApplicationMetadataMessage_Type(app.Type)]:
			r.other[id] = app
		}
	}
	if l.mvds != nil {
		for _, m := range l.mvds.Messages {
			r.acks[[32]byte(m.ID)] = l.from
		}
	}
}

// advance lets the sender's twin encrypt what the sender did, with the keys it drew:
// it can read the answer then.
func (r *vectorReceiver) advance(l recordedMessage, m *wire.EncryptedMessageProtocol) {
	r.t.Helper()
	var draws []byte
	for _, public := range [][]byte{m.GetX3DHHeader().GetKey(), m.GetDRHeader().GetKey()} {
		draws = append(draws, r.file.drawn[vectors.Hex(public).Public(r.t)].Bytes()...)
	}
	twin := r.twins[l.from]
	next, out, err := twin.Encrypt(vectorSelf(r.t, r.file.people[l.from]), l.plaintext, nil, time.Now(),
		session.Source{Rand: bytes.NewReader(draws), IV: ratchet.DerivedIV()})
	if err != nil || !proto.Equal(out.Messages[r.self.InstallationID], m) {
		r.t.Fatalf("the sender would send something else (%v)", err)
	}
	*twin = next
}

// expectMessages waits for the events of all messages that open, and takes no others.
func (r *vectorReceiver) expectMessages() {
	r.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	seen := map[string]bool{}
	for len(seen) < len(r.messages)+len(r.other) {
		d, err := r.NextEvent(ctx)
		if err != nil || d == nil {
			r.t.Fatalf("%d of %d messages came (%v)", len(seen), len(r.messages)+len(r.other), err)
		}
		switch d.Type {
		case event.MessageReceived{}.Type():
			m := decodeEvent[event.MessageReceived](r.t, d).Message
			r.checkMessage(m)
			seen[m.ID] = true
		case event.UnsupportedReceived{}.Type():
			u := decodeEvent[event.UnsupportedReceived](r.t, d)
			want := r.other[u.MessageID]
			if want == nil || u.ApplicationType != want.Type || u.TypeName != want.TypeName || !bytes.Equal(u.Payload, want.Payload) {
				r.t.Errorf("unsupported: %+v", u)
			}
			seen[u.MessageID] = true
		}
	}
	for name := range r.file.people {
		if who := r.file.people.Public(r.t, name); who != r.self.Identity.Public() {
			page, err := r.Messages(who, chat.PageRequest{Limit: chat.MaxPage})
			if err != nil {
				r.t.Fatal(err)
			}
			for _, m := range page.Items {
				r.checkMessage(m)
			}
		}
	}
}

func (r *vectorReceiver) checkMessage(m event.Message) {
	r.t.Helper()
	want := r.messages[m.ID]
	if want == nil {
		r.t.Errorf("message %s should not be here", m.ID)
		return
	}
	cm := want.ChatMessage
	if m.Text != cm.Text || m.Clock != cm.Clock || uint64(m.SentAt) != cm.Timestamp || m.SenderName != cm.DisplayName || m.Outgoing || m.ChatID != m.From {
		r.t.Errorf("received %+v\nwant %+v", m, cm)
	}
}

// expectAcks waits until every sender was told of every MVDS message that opened.
func (r *vectorReceiver) expectAcks() {
	r.t.Helper()
	missing := map[[32]byte]string{}
	for id, sender := range r.acks {
		missing[id] = sender
	}
	read := 0
	eventually(r.t, "all acknowledgements", func() bool {
		r.mu.Lock()
		published := r.published[read:]
		read += len(published)
		r.mu.Unlock()
		for _, e := range published {
			for id, sender := range r.acknowledgedBy(e) {
				if missing[id] == sender {
					delete(missing, id)
				}
			}
		}
		return len(missing) == 0
	})
}

// acknowledgedBy reads an envelope of the engine as the sender it is for.
func (r *vectorReceiver) acknowledgedBy(e chat.Envelope) map[[32]byte]string {
	r.t.Helper()
	acks := map[[32]byte]string{}
	for name, twin := range r.twins {
		self := vectorSelf(r.t, r.file.people[name])
		shared, err := self.Identity.ECDH(r.self.Identity.Public())
		if err != nil {
			r.t.Fatal(err)
		}
		var o payload.Opened
		negotiated := topic.Negotiated(shared)
		switch e.ContentTopic {
		case negotiated.ContentTopic():
			o, err = payload.OpenSymmetric(topic.SymmetricKey(negotiated.Name), e.Payload)
		case topic.Partitioned(self.Identity.Public()).ContentTopic():
			o, err = payload.OpenAsymmetric(self.Identity, e.Payload)
		default:
			continue
		}
		if err != nil || o.Signer != r.self.Identity.Public() {
			continue // of a recorded sender, or for somebody with the same topic
		}
		var pm wire.ProtocolMessage
		if err := proto.Unmarshal(o.Data, &pm); err != nil {
			r.t.Fatal(err)
		}
		next, in, err := twin.Receive(self, &pm, time.Now(), session.Source{Rand: rand.Reader, IV: ratchet.DerivedIV()})
		if err != nil || in.InstallationID != r.self.InstallationID {
			r.t.Fatalf("%s cannot read the answer: %v", name, err)
		}
		*twin = next
		if len(in.Plaintext) == 0 {
			continue // a new session, for a message in one that the engine cannot have
		}
		sync, err := datasync.Decode(in.Plaintext)
		if err != nil {
			r.t.Fatalf("%s: the answer is not MVDS: %v", name, err)
		}
		for _, id := range sync.Acks {
			acks[id] = name
		}
	}
	return acks
}

func decodeEvent[E event.Event](t *testing.T, d *chat.DeliveredEvent) (e E) {
	t.Helper()
	if err := json.Unmarshal(d.Data, &e); err != nil {
		t.Fatal(err)
	}
	return e
}
