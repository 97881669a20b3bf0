package chat_test

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"google.golang.org/protobuf/proto"

	"libstatus1to1/chat"
	"libstatus1to1/chat/chattest"
	"libstatus1to1/chat/memnet"
	"libstatus1to1/chat/message"
	"libstatus1to1/chat/protocol/datasync"
	"libstatus1to1/chat/protocol/payload"
	"libstatus1to1/chat/protocol/ratchet"
	"libstatus1to1/chat/protocol/session"
	"libstatus1to1/chat/protocol/topic"
	"libstatus1to1/chat/protocol/x3dh"
	"libstatus1to1/chat/wire"
	"libstatus1to1/internal/vectors"
	"libstatus1to1/store"
)

// TestVectorTranscript plays the recorded dialogue of two Status apps with an engine
// in the place of each of them in turn, on its recorded identity, device and
// pre-keys. The other one's application messages are the recorded bytes. Whatever the
// engine says must decode to what the app said there.
func TestVectorTranscript(t *testing.T) {
	file := vectors.ReadMessenger(t)
	for name := range file.Participants {
		t.Run(name, func(t *testing.T) {
			r := newReplay(t, file, name)
			for _, m := range file.Messages {
				if m.Layers == nil {
					continue
				}
				r.note(m)
				if m.From == name {
					r.weSay(m)
				} else {
					r.theySay(m)
				}
			}
			r.check()
		})
	}
}

// replay is an engine in the place of one recorded person.
type replay struct {
	t             *testing.T
	name          string
	clock         *chattest.Clock
	engine        *person
	net           *memnet.Network
	self, other   session.Self
	twin          session.Peer // the engine, as the other person knows it
	displayName   string
	asks          map[string]bool // who wants to be a contact, by the record
	said          int             // messages of ours that were compared
	heard         int
	clocks        map[uint64]uint64 // recorded -> ours, of what we said
	texts, theirs []string

	mu        sync.Mutex
	published []chat.Envelope
	read      int
	queue     []message.Application // what the engine said and was not compared yet
	told      map[string]bool
	profile   *wire.ChatIdentity
	code      *wire.ContactCodeAdvertisement
}

func newReplay(t *testing.T, file vectors.MessengerFile, name string) *replay {
	t.Helper()
	r := &replay{t: t, name: name, clock: &chattest.Clock{}, net: memnet.New(memnet.Options{Seed: 1}), clocks: map[uint64]uint64{}, told: map[string]bool{}, asks: map[string]bool{}}
	r.at(file.Messages[0].Timestamp)
	for who, p := range file.Participants {
		if who == name {
			r.self = vectorSelf(t, p)
		} else {
			r.other = vectorSelf(t, p)
		}
	}
	for _, m := range file.Messages {
		if m.From == name && m.Layers != nil {
			for _, app := range m.Layers.Application {
				if app.ChatMessage != nil {
					r.displayName = app.ChatMessage.DisplayName
				}
			}
		}
	}
	t.Cleanup(r.net.Tap(func(e chat.Envelope) {
		r.mu.Lock()
		defer r.mu.Unlock()
		r.published = append(r.published, e)
	}))
	openPerson(t, "somebody to publish to", store.Memory(), r.net.Join(), fast)
	c, err := chat.Open(context.Background(), chat.Options{
		Store: vectorStore(t, r.self, r.displayName), Transport: r.net.Join(), Clock: r.clock, Settings: fast, Logger: testLog{t, name},
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close() })
	r.engine = &person{Client: c, t: t, name: name}
	current, _ := r.self.PreKeys.Current()
	r.twin = session.Peer{Identity: r.self.Identity.Public()}.Learn(r.other, x3dh.Bundle{
		Identity: r.self.Identity.Public(), Timestamp: 1, SignedPreKeys: []x3dh.SignedPreKey{current.Signed(r.self.InstallationID)},
	}, time.Now())
	return r
}

// note keeps count of who wants to be a contact.
func (r *replay) note(m vectors.MessengerMessage) {
	for _, app := range m.Layers.Application {
		switch wire.ApplicationMetadataMessage_Type(app.Type) {
		case wire.ApplicationMetadataMessage_CHAT_MESSAGE:
			if app.ChatMessage.ContentType.Name == wire.ChatMessage_CONTACT_REQUEST.String() {
				r.asks[m.From] = true
			}
		case wire.ApplicationMetadataMessage_ACCEPT_CONTACT_REQUEST:
			r.asks[m.From] = true
		case wire.ApplicationMetadataMessage_RETRACT_CONTACT_REQUEST:
			clear(r.asks)
		}
	}
}

// wanted is the state both must have come to.
func (r *replay) wanted() string {
	switch we := r.asks[r.name]; {
	case len(r.asks) == 2:
		return "mutual"
	case we:
		return "sent"
	case len(r.asks) == 1:
		return "received"
	}
	return "none"
}

// simple reports whether a recorded message is of a kind the engine can write.
func simple(app *vectors.Application) bool {
	var cm wire.ChatMessage
	return proto.Unmarshal(app.Payload, &cm) == nil && len(cm.ProtoReflect().GetUnknown()) == 0 && cm.GetResponseTo() == "" &&
		(cm.GetContentType() == wire.ChatMessage_TEXT_PLAIN || cm.GetContentType() == wire.ChatMessage_CONTACT_REQUEST)
}

// at sets the engine's clock to a recorded time, ns.
func (r *replay) at(timestamp int64) { r.clock.Advance(time.Unix(0, timestamp).Sub(r.clock.Now())) }

// theySay brings what the other one said: the recorded plaintext, in a session with
// the engine.
func (r *replay) theySay(m vectors.MessengerMessage) {
	r.t.Helper()
	r.at(m.Timestamp)
	if m.Layers.ProtocolMessage.Public {
		r.net.Inject(chat.Envelope{
			PubsubTopic: m.PubsubTopic, ContentTopic: m.ContentTopic, Payload: m.Payload, Version: m.Version, Timestamp: m.Timestamp,
		})
		return
	}
	source := session.Source{Rand: rand.Reader, IV: ratchet.RandomIV(rand.Reader)}
	next, out, err := r.twin.Encrypt(r.other, m.Layers.Plaintext, nil, r.clock.Now(), source)
	if err != nil {
		r.t.Fatal(err)
	}
	r.twin = next
	pm, err := proto.Marshal(&wire.ProtocolMessage{InstallationId: r.other.InstallationID, EncryptedMessage: out.Messages})
	if err != nil {
		r.t.Fatal(err)
	}
	sealed, err := payload.SealAsymmetric(rand.Reader, r.self.Identity.Public(), r.other.Identity, pm)
	if err != nil {
		r.t.Fatal(err)
	}
	before, err := r.engine.Diagnostics()
	if err != nil {
		r.t.Fatal(err)
	}
	r.net.Inject(chat.Envelope{
		PubsubTopic: m.PubsubTopic, ContentTopic: topic.Partitioned(r.self.Identity.Public()).ContentTopic(),
		Payload: sealed, Version: 1, Timestamp: m.Timestamp,
	})
	eventually(r.t, "the envelope at the engine", func() bool {
		d, err := r.engine.Diagnostics()
		return err == nil && d.Received > before.Received
	})
	for _, app := range m.Layers.Application {
		r.heard++
		if app.ChatMessage != nil {
			r.theirs = append(r.theirs, app.ChatMessage.Text)
			r.waitEvent("message_received", fmt.Sprintf("%x", app.MessageID))
		} else if app.Type == int32(wire.ApplicationMetadataMessage_ACCEPT_CONTACT_REQUEST) {
			r.waitEvent("contact_changed", `"request":"mutual"`)
		}
	}
}

// waitEvent takes events up to one of a type that contains a text: what comes after it
// builds on it, in memory too.
func (r *replay) waitEvent(kind, text string) {
	r.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	for {
		e, err := r.engine.NextEvent(ctx)
		if err != nil || e == nil {
			r.t.Fatalf("no event %s about %s: %v", kind, text, err)
		}
		if e.Type == kind && strings.Contains(string(e.Data), text) {
			return
		}
	}
}

// weSay has the engine do what made the recorded person say m, and compares.
func (r *replay) weSay(m vectors.MessengerMessage) {
	r.t.Helper()
	them := r.other.Identity.Public()
	for _, recorded := range m.Layers.Application {
		r.at(m.Timestamp)
		var err error
		switch wire.ApplicationMetadataMessage_Type(recorded.Type) {
		case wire.ApplicationMetadataMessage_CHAT_MESSAGE:
			cm := recorded.ChatMessage
			if !simple(recorded) {
				continue
			}
			r.at(int64(cm.Timestamp) * int64(time.Millisecond))
			r.texts = append(r.texts, cm.Text)
			if cm.ContentType.Name == wire.ChatMessage_CONTACT_REQUEST.String() {
				_, err = r.engine.RequestContact(context.Background(), them, cm.Text)
			} else {
				_, err = r.engine.Send(context.Background(), chat.SendRequest{To: them, Text: cm.Text})
			}
		case wire.ApplicationMetadataMessage_ACCEPT_CONTACT_REQUEST:
			eventually(r.t, "the request", func() bool {
				c, err := r.engine.Contact(them)
				return err == nil && c.Request == "received"
			})
			_, err = r.engine.AcceptContact(them)
		case wire.ApplicationMetadataMessage_RETRACT_CONTACT_REQUEST:
			_, err = r.engine.RetractContact(them)
		case wire.ApplicationMetadataMessage_CHAT_IDENTITY:
			r.compareProfile(recorded)
			continue
		default: // contact codes are compared at the end, presence is not ours to say
			continue
		}
		if err != nil {
			r.t.Fatal(err)
		}
		r.compare(recorded, r.nextSaid())
	}
}

// nextSaid is the next acknowledged application message of the engine.
func (r *replay) nextSaid() message.Application {
	r.t.Helper()
	eventually(r.t, "what the engine says", func() bool {
		r.mu.Lock()
		list := r.published[r.read:]
		r.read += len(list)
		r.mu.Unlock()
		for _, e := range list {
			r.take(e)
		}
		return len(r.queue) > 0
	})
	app := r.queue[0]
	r.queue = r.queue[1:]
	return app
}

// take reads an envelope of the engine as the other person.
func (r *replay) take(e chat.Envelope) {
	r.t.Helper()
	ours, them := r.self.Identity.Public(), r.other.Identity
	shared, err := them.ECDH(ours)
	if err != nil {
		r.t.Fatal(err)
	}
	negotiated, code := topic.Negotiated(shared), topic.ContactCode(ours)
	var o payload.Opened
	switch e.ContentTopic {
	case negotiated.ContentTopic():
		o, err = payload.OpenSymmetric(topic.SymmetricKey(negotiated.Name), e.Payload)
	case code.ContentTopic():
		o, err = payload.OpenSymmetric(topic.SymmetricKey(code.Name), e.Payload)
	case topic.Partitioned(them.Public()).ContentTopic():
		o, err = payload.OpenAsymmetric(them, e.Payload)
	default:
		return
	}
	if err != nil || o.Signer != ours {
		return
	}
	var pm wire.ProtocolMessage
	if err := proto.Unmarshal(o.Data, &pm); err != nil {
		r.t.Fatal(err)
	}
	if pm.GetPublicMessage() != nil {
		r.takeCode(pm.GetPublicMessage())
		return
	}
	if pm.GetInstallationId() == r.other.InstallationID {
		return
	}
	next, in, err := r.twin.Receive(r.other, &pm, r.clock.Now(), session.Source{Rand: rand.Reader, IV: ratchet.DerivedIV()})
	if err != nil {
		r.t.Fatal(err)
	}
	r.twin = next
	sync, err := datasync.Decode(in.Plaintext)
	if errors.Is(err, datasync.ErrNotMVDS) {
		app, err := message.Unwrap(in.Plaintext)
		if err != nil || app.Type != wire.ApplicationMetadataMessage_CHAT_IDENTITY {
			r.t.Fatalf("bare: %s, %v", app.Type, err)
		}
		r.profile = &wire.ChatIdentity{}
		if err := proto.Unmarshal(app.Payload, r.profile); err != nil {
			r.t.Fatal(err)
		}
		return
	}
	if err != nil {
		r.t.Fatal(err)
	}
	seen := map[[32]byte]bool{}
	for _, sm := range sync.Messages {
		if seen[sm.ID()] {
			continue
		}
		seen[sm.ID()] = true
		app, err := message.Unwrap(sm.Body)
		if err != nil || app.Signer != ours {
			r.t.Fatal(err)
		}
		if !r.again(app) {
			r.queue = append(r.queue, app)
		}
	}
	r.ack(sync)
}

func (r *replay) takeCode(b []byte) {
	app, err := message.Unwrap(b)
	if err != nil {
		r.t.Fatal(err)
	}
	r.code = &wire.ContactCodeAdvertisement{}
	if err := proto.Unmarshal(app.Payload, r.code); err != nil {
		r.t.Fatal(err)
	}
}

// again reports whether the engine repeats itself.
func (r *replay) again(app message.Application) bool {
	name := string(app.Payload)
	defer func() { r.told[name] = true }()
	return r.told[name]
}

// ack acknowledges what the engine sent, so that it does not repeat it.
func (r *replay) ack(sync datasync.Payload) {
	var ids [][32]byte
	for _, sm := range sync.Messages {
		ids = append(ids, sm.ID())
	}
	if len(ids) == 0 {
		return
	}
	plaintext, err := datasync.Encode(datasync.Payload{Acks: ids})
	if err != nil {
		r.t.Fatal(err)
	}
	next, out, err := r.twin.Encrypt(r.other, plaintext, nil, r.clock.Now(), session.Source{Rand: rand.Reader, IV: ratchet.RandomIV(rand.Reader)})
	if err != nil {
		r.t.Fatal(err)
	}
	r.twin = next
	pm, err := proto.Marshal(&wire.ProtocolMessage{InstallationId: r.other.InstallationID, EncryptedMessage: out.Messages})
	if err != nil {
		r.t.Fatal(err)
	}
	sealed, err := payload.SealAsymmetric(rand.Reader, r.self.Identity.Public(), r.other.Identity, pm)
	if err != nil {
		r.t.Fatal(err)
	}
	r.net.Inject(chat.Envelope{
		PubsubTopic: "/waku/2/rs/16/32", ContentTopic: topic.Partitioned(r.self.Identity.Public()).ContentTopic(),
		Payload: sealed, Version: 1, Timestamp: r.clock.Now().UnixNano(),
	})
}

// compare: the same type and the same fields. Clocks of ours are those of the replay;
// they must stand for the recorded ones, one for one and in the same order.
func (r *replay) compare(recorded *vectors.Application, ours message.Application) {
	r.t.Helper()
	r.said++
	if int32(ours.Type) != recorded.Type {
		r.t.Fatalf("we said %s, the app %s", ours.Type, recorded.TypeName)
	}
	var want, got proto.Message
	switch ours.Type {
	case wire.ApplicationMetadataMessage_CHAT_MESSAGE:
		w, g := &wire.ChatMessage{}, &wire.ChatMessage{}
		want, got = w, g
		r.decode(recorded.Payload, w, ours.Payload, g)
		r.rename(&w.Clock, g.GetClock())
		r.rename(&w.Timestamp, g.GetTimestamp())
		if s := w.GetContactRequestPropagatedState(); s != nil {
			r.rename(&s.LocalClock, g.GetContactRequestPropagatedState().GetLocalClock())
		}
	case wire.ApplicationMetadataMessage_ACCEPT_CONTACT_REQUEST:
		w, g := &wire.AcceptContactRequest{}, &wire.AcceptContactRequest{}
		want, got = w, g
		r.decode(recorded.Payload, w, ours.Payload, g)
		r.rename(&w.Clock, g.GetClock())
	default:
		w, g := &wire.RetractContactRequest{}, &wire.RetractContactRequest{}
		want, got = w, g
		r.decode(recorded.Payload, w, ours.Payload, g)
		r.rename(&w.Clock, g.GetClock())
	}
	if !proto.Equal(want, got) {
		r.t.Errorf("we said\n%v\nthe app\n%v", got, want)
	}
}

func (r *replay) decode(a []byte, into proto.Message, b []byte, and proto.Message) {
	r.t.Helper()
	if err := errors.Join(proto.Unmarshal(a, into), proto.Unmarshal(b, and)); err != nil {
		r.t.Fatal(err)
	}
}

// rename puts our clock in the place of a recorded one of ours.
func (r *replay) rename(recorded *uint64, ours uint64) {
	r.t.Helper()
	if *recorded == 0 {
		return
	}
	if before, known := r.clocks[*recorded]; known && before != ours {
		r.t.Errorf("the recorded clock %d is %d and %d", *recorded, before, ours)
	}
	r.clocks[*recorded] = ours
	for a, x := range r.clocks {
		for b, y := range r.clocks {
			if a < b && x > y {
				r.t.Errorf("recorded clocks %d < %d became %d > %d", a, b, x, y)
			}
		}
	}
	*recorded = ours
}

// compareProfile compares all that we know of a profile: not the showcase, which is of
// wallets and communities.
func (r *replay) compareProfile(recorded *vectors.Application) {
	r.t.Helper()
	if r.profile == nil {
		return // the app says it more often; see check
	}
	var want wire.ChatIdentity
	if err := proto.Unmarshal(recorded.Payload, &want); err != nil {
		r.t.Fatal(err)
	}
	want.ProtoReflect().SetUnknown(nil)
	want.Clock = r.profile.GetClock()
	if !proto.Equal(&want, r.profile) {
		r.t.Errorf("our profile is\n%v\nthe app's\n%v", r.profile, &want)
	}
}

// check looks at what is left when all was said.
func (r *replay) check() {
	r.t.Helper()
	them := r.other.Identity.Public()
	if r.said == 0 || r.heard == 0 {
		r.t.Fatalf("%d messages said, %d heard: nothing is proven", r.said, r.heard)
	}
	shown := message.StatusName(r.displayName)
	if r.displayName != "" && r.profile.GetDisplayName() != shown {
		r.t.Errorf("we introduced ourselves as %v", r.profile)
	}
	if r.code == nil || r.code.GetChatIdentity().GetDisplayName() != shown {
		r.t.Errorf("our contact code says %v", r.code)
	}
	eventually(r.t, "the contact being "+r.wanted(), func() bool {
		c, err := r.engine.Contact(them)
		return err == nil && string(c.Request) == r.wanted()
	})
	page, err := r.engine.Messages(them, chat.PageRequest{Limit: chat.MaxPage})
	if err != nil || len(page.Items) != len(r.texts)+len(r.theirs) {
		r.t.Errorf("the history has %d messages, %d and %d were said (%v)", len(page.Items), len(r.texts), len(r.theirs), err)
	}
	r.t.Logf("%d said, %d heard, %d in the history", r.said, r.heard, len(page.Items))
}
