package session_test

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"testing"

	"google.golang.org/protobuf/proto"

	"libstatus1to1/chat/message"
	"libstatus1to1/chat/protocol/datasync"
	"libstatus1to1/chat/protocol/key"
	"libstatus1to1/chat/protocol/payload"
	"libstatus1to1/chat/protocol/ratchet"
	"libstatus1to1/chat/protocol/session"
	"libstatus1to1/chat/protocol/topic"
	"libstatus1to1/chat/protocol/x3dh"
	"libstatus1to1/chat/wire"
	"libstatus1to1/internal/vectors"
)

// recorded is a message as wire.json and messenger.json both have it.
type recorded struct {
	from, to     string   // to whom it is addressed; "" if to everybody
	by           []string // who received it
	sealed       vectors.WakuMessage
	private, sym vectors.Hex // one of the two opens the payload
	data         vectors.Hex // the ProtocolMessage
	signer       vectors.Hex
	received     bool // what follows is recorded
	plaintext    vectors.Hex
	mvds         *vectors.MVDS
	application  []*vectors.Application
}

// theatre plays recorded messages: each is made by its sender and read by its
// receivers. They get it as late as the recording allows: when they could not have
// sent what they sent without it.
type theatre struct {
	*cast
	waiting map[string][]*act // by receiver
	rand    io.Reader
	made    int // encrypted as recorded
	opened  int
	chats   int // ChatMessages read
}

// act is a recorded message on its way to a receiver.
type act struct {
	recorded
	pm *wire.ProtocolMessage
}

func newTheatre(t *testing.T, people vectors.Participants) *theatre {
	return &theatre{cast: newCast(t, people), waiting: map[string][]*act{}, rand: seeded(1)}
}

func (th *theatre) perform(messages []recorded) {
	th.t.Helper()
	for i, m := range messages {
		a := &act{recorded: m, pm: &wire.ProtocolMessage{}}
		if err := proto.Unmarshal(m.data, a.pm); err != nil {
			th.t.Fatal(err)
		}
		th.send(a)
		if th.t.Failed() {
			th.t.Fatalf("message %d (from %s)", i, m.from)
		}
		for _, to := range m.by {
			th.waiting[to] = append(th.waiting[to], a)
		}
	}
	for to := range th.waiting {
		for th.deliver(to, nil) {
		}
	}
}

// send lets the sender make the message, delivering to it what it must have had.
func (th *theatre) send(a *act) {
	th.t.Helper()
	th.checkBundles(a)
	th.reveal(a.pm.GetBundles()...)
	if len(a.pm.GetEncryptedMessage()) == 0 {
		return
	}
	for {
		inOther, err := th.encrypt(a.from, a.to, a.plaintext, a.pm.GetEncryptedMessage(), func(out session.Outgoing) error {
			return th.compare(a, out)
		})
		if err == nil {
			th.made++
			if inOther > 0 {
				th.t.Logf("%s sends in a session that is not the one we would choose", a.from)
			}
			return
		}
		if !th.deliver(a.from, a.pm) {
			th.t.Fatal(err)
		}
	}
}

// compare judges what the sender makes: the topic, the headers and, if the
// plaintext is recorded, the payloads.
func (th *theatre) compare(a *act, out session.Outgoing) error {
	public := th.side(a.to).self.Identity.Public()
	want := topic.Partitioned(public)
	if out.Negotiated {
		shared, err := th.side(a.from).self.Identity.ECDH(public)
		if err != nil {
			return err
		}
		want = topic.Negotiated(shared)
	}
	if a.sealed.ContentTopic != want.ContentTopic() {
		return fmt.Errorf("%w: on %s", errDiffers, want.ContentTopic())
	}
	if !a.received {
		for id, m := range out.Messages {
			m.Payload = a.pm.GetEncryptedMessage()[id].GetPayload()
		}
	}
	return sameMap(out, a.pm.GetEncryptedMessage())
}

// checkBundles: the sender's bundle verifies, and signed again it is the same.
func (th *theatre) checkBundles(a *act) {
	th.t.Helper()
	identity := th.side(a.from).self.Identity
	if len(a.pm.GetBundles()) == 0 || a.pm.GetInstallationId() != th.side(a.from).self.InstallationID {
		th.t.Error("no bundle, or of another installation")
	}
	for _, w := range a.pm.GetBundles() {
		b, err := x3dh.ParseBundle(w)
		if err != nil || b.Identity != identity.Public() {
			th.t.Errorf("bundle: %v", err)
			continue
		}
		if again, err := b.Sign(identity); err != nil || !proto.Equal(again, w) {
			th.t.Errorf("signed again the bundle differs (%v)", err)
		}
	}
}

// deliver gives a receiver the message that waits longest, if there is one. forNext
// is what it sends after that: if the message makes it draw a ratchet key, it is the
// one in there.
func (th *theatre) deliver(to string, forNext *wire.ProtocolMessage) bool {
	th.t.Helper()
	if len(th.waiting[to]) == 0 {
		return false
	}
	a := th.waiting[to][0]
	th.waiting[to] = th.waiting[to][1:]
	s, before := th.side(to), th.peer(to, a.from)
	th.unseal(a)
	rand := io.MultiReader(bytes.NewReader(th.nextRatchetKey(a, forNext)), th.rand)
	next, in, err := before.Receive(s.self, a.pm, vectorNow, session.Source{Rand: rand, IV: ratchet.DerivedIV()})
	if err != nil {
		th.t.Fatalf("%s cannot read what %s sent: %v", to, a.from, err)
	}
	wantKind := session.Encrypted
	if len(a.pm.GetPublicMessage()) > 0 {
		wantKind = session.Public
	}
	if in.Kind != wantKind || in.InstallationID != a.pm.GetInstallationId() || a.received && !bytes.Equal(in.Plaintext, a.plaintext) {
		th.t.Fatalf("read as kind %d, %x\nwant kind %d, %x", in.Kind, in.Plaintext, wantKind, a.plaintext)
	}
	th.setPeer(to, next)
	th.opened++
	if a.received {
		th.read(a, in.Plaintext, s.self.Identity.Public())
	}
	return true
}

// unseal opens the 26/WAKU2-PAYLOAD with the recorded key.
func (th *theatre) unseal(a *act) {
	th.t.Helper()
	var o payload.Opened
	var err error
	if len(a.private) > 0 {
		o, err = payload.OpenAsymmetric(a.private.Private(th.t), a.sealed.Payload)
	} else {
		o, err = payload.OpenSymmetric(key.Secret(a.sym), a.sealed.Payload)
	}
	if err != nil || !bytes.Equal(o.Data, a.data) || o.Signer != a.signer.Public(th.t) || o.Signer != th.side(a.from).self.Identity.Public() {
		th.t.Fatalf("the payload does not open to what is recorded (%v)", err)
	}
}

// nextRatchetKey is the key a receiver draws for the session of a: it shows in what
// it sends next.
func (th *theatre) nextRatchetKey(a *act, forNext *wire.ProtocolMessage) []byte {
	th.t.Helper()
	for _, in := range a.pm.GetEncryptedMessage() {
		for _, out := range forNext.GetEncryptedMessage() {
			if id := in.GetDRHeader().GetId(); len(id) > 0 && bytes.Equal(id, out.GetDRHeader().GetId()) {
				return th.private(out.GetDRHeader().GetKey())
			}
		}
	}
	return nil
}

// read takes the plaintext apart, as its receiver does.
func (th *theatre) read(a *act, plaintext []byte, receiver key.Public) {
	th.t.Helper()
	sync, err := datasync.Decode(plaintext)
	if a.mvds == nil {
		if !errors.Is(err, datasync.ErrNotMVDS) {
			th.t.Errorf("recorded without MVDS: %v", err)
		}
		if len(a.application) != 1 || !bytes.Equal(a.application[0].Bytes, plaintext) {
			th.t.Fatalf("%d application messages in a bare plaintext, or another one", len(a.application))
		}
		th.readApplication(a, a.application[0], receiver)
		return
	}
	if err != nil || len(sync.Acks) != len(a.mvds.Acks) || len(sync.Messages) != len(a.mvds.Messages) || len(sync.Messages) != len(a.application) {
		th.t.Fatalf("MVDS: %d acks, %d messages, %v", len(sync.Acks), len(sync.Messages), err)
	}
	for i, ack := range sync.Acks {
		if !bytes.Equal(ack[:], a.mvds.Acks[i]) {
			th.t.Errorf("acknowledges %x, want %x", ack, a.mvds.Acks[i])
		}
	}
	sender := th.side(a.from).self.Identity.Public()
	for i, m := range sync.Messages {
		want, id := a.mvds.Messages[i], m.ID()
		if m.GroupID != datasync.GroupID(sender, receiver) || !bytes.Equal(m.GroupID[:], want.GroupID) ||
			!bytes.Equal(id[:], want.ID) || m.Timestamp != want.Timestamp || !bytes.Equal(m.Body, want.Body) {
			th.t.Errorf("MVDS message %d differs", i)
		}
		th.readApplication(a, findApplication(a.application, m.Body), receiver)
	}
}

func findApplication(list []*vectors.Application, body []byte) *vectors.Application {
	for _, app := range list {
		if bytes.Equal(app.Bytes, body) {
			return app
		}
	}
	return &vectors.Application{Bytes: body}
}

// readApplication checks an application message and what is in it.
func (th *theatre) readApplication(a *act, want *vectors.Application, receiver key.Public) {
	th.t.Helper()
	sender := th.side(a.from).self.Identity.Public()
	app, err := message.Unwrap(want.Bytes)
	if err != nil {
		th.t.Fatal(err)
	}
	id := message.ID(sender, want.Bytes)
	if app.Signer != sender || int32(app.Type) != want.Type || !bytes.Equal(app.Payload, want.Payload) || !bytes.Equal(id[:], want.MessageID) {
		th.t.Errorf("application message %x of type %s by %s differs", id, app.Type, app.Signer)
	}
	if want.ChatMessage == nil {
		if app.Type == wire.ApplicationMetadataMessage_CHAT_MESSAGE {
			th.t.Error("a chat message that is not recorded as one")
		}
		return
	}
	cm, err := message.DecodeChatMessage(app.Payload)
	if err != nil {
		th.t.Fatal(err)
	}
	want.ChatMessage.Check(th.t, cm)
	if err := message.ValidateChatMessage(cm); err != nil {
		th.t.Errorf("refused: %v", err)
	}
	if chat, err := message.ChatOf(receiver, sender, cm.GetChatId()); err != nil || chat != sender {
		th.t.Errorf("filed under %s (%v)", chat, err)
	}
	th.chats++
}

// everybodyBut returns all participants but the sender, who receive what is published for all.
func everybodyBut(people vectors.Participants, from string) (all []string) {
	for name := range people {
		if name != from {
			all = append(all, name)
		}
	}
	return all
}

// enough ends a test that proved nothing.
func (th *theatre) enough() {
	th.t.Helper()
	if th.made == 0 || th.opened == 0 || th.chats == 0 {
		th.t.Fatalf("%d made, %d opened, %d chat messages", th.made, th.opened, th.chats)
	}
}

// TestVectorWire plays wire.json from both sides through all layers.
func TestVectorWire(t *testing.T) {
	file := vectors.ReadWire(t)
	th := newTheatre(t, file.Participants)
	var messages []recorded
	for _, m := range file.Messages {
		th.draw(m.GeneratedKeys)
		th.draw(m.GeneratedKeysOnReceipt)
		r := recorded{
			from: m.From, to: m.To, by: []string{m.To}, sealed: m.Waku, private: m.Sealed.PrivateKey, sym: m.Sealed.SymKey,
			data: m.Sealed.Data, signer: m.Sealed.Signer, received: true, plaintext: m.Plaintext, mvds: m.MVDS,
		}
		if m.To == "" {
			r.by = everybodyBut(file.Participants, m.From)
		}
		if m.Application != nil {
			r.application = []*vectors.Application{m.Application}
		}
		if !bytes.Equal(m.ProtocolMessage.Bytes, r.data) {
			t.Errorf("%s: protocol_message and data contradict each other", m.ID)
		}
		messages = append(messages, r)
	}
	th.perform(messages)
	th.enough()
}

// TestVectorMessenger plays messenger.json, the record of two whole clients.
func TestVectorMessenger(t *testing.T) {
	file := vectors.ReadMessenger(t)
	th := newTheatre(t, file.Participants)
	th.draw(file.GeneratedKeys)
	var messages []recorded
	for i, m := range file.Messages {
		others := everybodyBut(file.Participants, m.From)
		if len(others) != 1 {
			t.Fatalf("%d participants, expected two", len(others)+1)
		}
		r := recorded{
			from: m.From, to: others[0], sealed: m.WakuMessage,
			private: m.PrivateKey, sym: m.SymKey, data: m.Data, signer: m.Signer,
		}
		if l := m.Layers; l != nil { // otherwise nobody listened
			r.by = others
			r.received, r.plaintext, r.mvds, r.application = true, l.Plaintext, l.MVDS, l.Application
			checkSummary(t, i, l, m.Data)
		}
		messages = append(messages, r)
	}
	th.perform(messages)
	th.enough()
}

// checkSummary compares a ProtocolMessage with what is recorded of it.
func checkSummary(t *testing.T, i int, l *vectors.Layers, data []byte) {
	t.Helper()
	var pm wire.ProtocolMessage
	if err := proto.Unmarshal(data, &pm); err != nil {
		t.Fatal(err)
	}
	want := l.ProtocolMessage
	if pm.GetInstallationId() != want.InstallationID || len(pm.GetBundles()) != want.Bundles ||
		(len(pm.GetPublicMessage()) > 0) != want.Public || len(pm.GetEncryptedMessage()) != len(want.Encrypted) {
		t.Errorf("message %d decodes to %v", i, &pm)
	}
	for _, e := range want.Encrypted {
		got := pm.GetEncryptedMessage()[e.InstallationID]
		dr := got.GetDRHeader()
		if (got.GetDHHeader() != nil) != e.DH || (got.GetX3DHHeader() != nil) != e.X3DH || !bytes.Equal(dr.GetId(), e.ID) ||
			!bytes.Equal(dr.GetKey(), e.Key) || dr.GetN() != e.N || dr.GetPn() != e.PN {
			t.Errorf("message %d for %s decodes to %v", i, e.InstallationID, got)
		}
	}
}
