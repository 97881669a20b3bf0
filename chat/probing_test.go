package chat_test

import (
	"context"
	"fmt"
	"maps"
	mathrand "math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"google.golang.org/protobuf/proto"

	"libstatus1to1/chat"
	"libstatus1to1/chat/memnet"
	"libstatus1to1/chat/message"
	"libstatus1to1/chat/protocol/datasync"
	"libstatus1to1/chat/protocol/payload"
	"libstatus1to1/chat/protocol/session"
	"libstatus1to1/chat/protocol/topic"
	"libstatus1to1/chat/protocol/x3dh"
	"libstatus1to1/chat/wire"
)

// prober notes all that somebody can see of an engine: what it sends her, when, how it is
// encrypted, and what is in it.
type prober struct {
	*mallory
	s      *simulation
	device *simDevice
	since  time.Time
	seen   []string
	answer bool // she acknowledges what she is sent
	inbox  []*wire.ProtocolMessage

	acknowledged int // messages of hers
}

func newProber(s *simulation, d *simDevice) *prober {
	p := &prober{mallory: newMallory(s.t, s.net, d.owner.public), s: s, device: d, answer: true}
	// Which of two sessions is used depends on their keys: they are the same each time.
	p.random = mathrand.NewChaCha8([32]byte{byte(s.seed)})
	preKeys, _, err := x3dh.PreKeys{}.Rotate(time.Now(), p.random)
	if err != nil {
		s.fatalf("%v", err)
	}
	p.self = session.Self{Identity: simKeys[2], InstallationID: "mallory's", PreKeys: preKeys}
	p.public = simKeys[2].Public()
	shared, err := p.self.Identity.ECDH(p.victim)
	if err != nil {
		s.fatalf("%v", err)
	}
	s.t.Cleanup(s.net.Tap(func(e chat.Envelope) {
		on := "partitioned"
		o, err := payload.OpenAsymmetric(p.self.Identity, e.Payload)
		if err != nil {
			on = "negotiated"
			o, err = payload.OpenSymmetric(chat.SymmetricKey(topic.Negotiated(shared).Name), e.Payload)
		}
		var pm wire.ProtocolMessage
		if err != nil || o.Signer != p.victim || proto.Unmarshal(o.Data, &pm) != nil {
			return
		}
		p.note("%s, %d bytes, pre-key %d", on, len(e.Payload), pm.GetBundles()[0].GetSignedPreKeys()[d.id].GetVersion())
		p.inbox = append(p.inbox, &pm)
	}))
	return p
}

func (p *prober) note(format string, args ...any) {
	at := p.s.clock.Now().Sub(p.since).Round(time.Second)
	p.seen = append(p.seen, fmt.Sprintf("%s: ", at)+fmt.Sprintf(format, args...))
}

// open opens what has come, and notes what is in it.
func (p *prober) open() {
	for _, pm := range p.inbox {
		for _, id := range slices.Sorted(maps.Keys(pm.GetEncryptedMessage())) {
			m := pm.GetEncryptedMessage()[id]
			p.note("for %s: dh %v, dr %v, x3dh %v", id, m.GetDHHeader() != nil, m.GetDRHeader() != nil, m.GetX3DHHeader() != nil)
		}
		next, in, err := p.session.Receive(p.self, pm, time.Now(), p.source())
		if err != nil {
			p.note("%v", err)
			continue
		}
		p.session = next
		sync, err := datasync.Decode(in.Plaintext)
		p.note("plaintext of %d bytes, %d acks, %d messages, %v", len(in.Plaintext), len(sync.Acks), len(sync.Messages), err)
		p.acknowledged += len(sync.Acks)
		var acks [][32]byte
		for _, m := range sync.Messages {
			acks = append(acks, m.ID())
		}
		if p.answer && len(acks) > 0 {
			p.send(datasync.Payload{Acks: acks})
		}
	}
	p.inbox = nil
}

func (p *prober) send(what datasync.Payload) { p.inject(p.encrypted(p.sync(what), nil)) }

func (p *prober) inject(pm []byte) { p.net.Inject(p.envelope(pm)) }

// step does something, and notes what comes of it in the next minutes.
func (p *prober) step(what string, f func()) {
	p.since = p.s.clock.Now()
	p.note("%s", what)
	f()
	for end := p.s.clock.Now().Add(4 * time.Minute); p.s.clock.Now().Before(end); {
		p.s.step()
		p.open()
	}
}

// application is an MVDS message with something else than a text.
func (p *prober) application(typ wire.ApplicationMetadataMessage_Type, m proto.Message) datasync.Message {
	p.n++
	encoded, err := proto.Marshal(m)
	if err != nil {
		p.t.Fatal(err)
	}
	body, err := message.Wrap(p.self.Identity, typ, encoded)
	if err != nil {
		p.t.Fatal(err)
	}
	return datasync.Message{GroupID: datasync.GroupID(p.public, p.victim), Timestamp: time.Now().Unix() + int64(p.n), Body: body}
}

func of(m ...datasync.Message) datasync.Payload { return datasync.Payload{Messages: m} }

// probes is all that she can think of.
func (p *prober) probes() {
	p.step("a text", func() { p.send(of(p.text("hello"))) })
	again := p.text("twice")
	envelope := p.envelope(p.encrypted(p.sync(of(again)), nil))
	for _, what := range []string{"a text", "a copy of it"} {
		p.step(what, func() { envelope.Timestamp++; p.net.Inject(envelope) })
	}
	p.step("sent again", func() { p.send(of(again)) })
	spoilt := spoiled(func(e *wire.EncryptedMessageProtocol) { e.Payload[20] ^= 1 })
	for _, answer := range []bool{true, false} {
		p.answer = answer
		for i := range 6 {
			p.step(fmt.Sprint("what does not open, ", i, ", I answer: ", answer), func() { p.inject(p.encrypted(p.sync(of(p.text("x"))), spoilt)) })
		}
		p.step("a text after it", func() { p.send(of(p.text("after it"))) })
	}
	p.answer = true
	elsewhere := func(pm *wire.ProtocolMessage) {
		pm.EncryptedMessage = map[string]*wire.EncryptedMessageProtocol{"lost": {DRHeader: &wire.DRHeader{}, Payload: make([]byte, 100)}}
	}
	for range 3 {
		p.step("for a device that is not there", func() { p.inject(p.encrypted(nil, elsewhere)) })
	}
	known, id := p.session, p.self.InstallationID
	p.session = session.Peer{Identity: p.victim}
	p.step("for any device", func() { p.send(of(p.text("to none"))) })
	p.step("an advertisement", func() { p.inject(p.encrypted(nil, nil)) })
	p.session = known.Forget()
	p.step("in a new session", func() { p.send(of(p.text("a new session"))) })
	p.session, p.self.InstallationID = known.Forget(), "another of hers"
	p.step("from a new device", func() { p.send(of(p.text("a new device"))) })
	p.step("for a device that is not there, from a new one", func() { p.inject(p.encrypted(nil, elsewhere)) })
	p.self.InstallationID = id
	clock := uint64(time.Now().UnixMilli())
	for _, m := range []datasync.Message{
		p.application(wire.ApplicationMetadataMessage_CHAT_IDENTITY, &wire.ChatIdentity{Clock: clock, DisplayName: "Mallory"}),
		p.application(wire.ApplicationMetadataMessage_REQUEST_CONTACT_VERIFICATION, &wire.RequestContactVerification{Clock: clock, Challenge: "who?"}),
		p.application(wire.ApplicationMetadataMessage_CONTACT_UPDATE, &wire.ContactUpdate{Clock: clock, DisplayName: "Mallory",
			ContactRequestPropagatedState: &wire.ContactRequestPropagatedState{LocalClock: 5, LocalState: 2}}),
		p.application(wire.ApplicationMetadataMessage_RETRACT_CONTACT_REQUEST, &wire.RetractContactRequest{Clock: clock}),
		p.application(wire.ApplicationMetadataMessage_RETRACT_CONTACT_REQUEST, &wire.RetractContactRequest{Clock: clock + 400*24*3600*1000}),
		p.application(wire.ApplicationMetadataMessage_Type(77), &wire.ChatIdentity{}),
		{GroupID: datasync.GroupID(p.public, p.victim), Timestamp: 1, Body: []byte("nothing")},
		{GroupID: [32]byte{1}, Timestamp: 1, Body: []byte("another group")},
	} {
		p.step("something else", func() { p.send(of(m)) })
	}
	p.step("much at once", func() {
		var all []datasync.Message
		for i := range 120 {
			all = append(all, p.text(strings.Repeat("x", i)))
		}
		p.send(of(all...))
	})
	p.step("a text in segments", func() {
		for _, seg := range split(p.t, p.encrypted(p.sync(of(p.text("long"), p.padding(200_000))), nil), 110_000) {
			p.net.Inject(p.segmentEnvelope(seg))
		}
	})
	p.step("the end", func() { p.send(of(p.text("the end"))) })
}

// probeBound writes as much as a stranger may, and more.
func (p *prober) probeBound() {
	for i := range 6 {
		p.step("twenty-five texts", func() {
			var some []datasync.Message
			for j := range 25 {
				some = append(some, p.text(fmt.Sprint(i, " ", j)))
			}
			p.send(of(some...))
		})
	}
}

// A blocked person sees the same as if they were not, whatever they send: every answer, its
// time to the second, its size, its encryption and its content.
func TestBlockedCannotTell(t *testing.T) {
	for _, before := range []string{"a contact", "somebody we wrote to", "a stranger", "a stranger who writes much"} {
		t.Run(before, func(t *testing.T) {
			t.Parallel()
			if before == "a stranger who writes much" {
				cannotTell(t, before, 6+4*3, (*prober).probeBound) // what comes of a hundred texts, and nothing of the rest
				return
			}
			cannotTell(t, before, 60, (*prober).probes)
		})
	}
}

// probeActions does to messages what is refused, or not, by what is known of them: here that
// of somebody blocked is not stored.
func (p *prober) probeActions() {
	clock := uint64(p.s.clock.Now().UnixMilli())
	about := func(target [32]byte) message.ActionParams {
		return message.ActionParams{Target: target, ChatID: p.victim.Hex(), Clock: clock}
	}
	for _, m := range []*wire.EmojiReaction{
		{Clock: clock + 400*24*3600*1000, ChatId: "any", MessageId: message.FormatID([32]byte{1}), MessageType: wire.MessageType_ONE_TO_ONE, Emoji: "no emoji"},
		{Clock: clock + 400*24*3600*1000, ChatId: "any", MessageId: "none", MessageType: wire.MessageType_ONE_TO_ONE},
		{Clock: clock + 400*24*3600*1000, ChatId: "any", MessageId: message.FormatID([32]byte{1}), MessageType: wire.MessageType_ONE_TO_ONE, Type: 1},
	} {
		p.step("a reaction of the future", func() { p.send(of(p.application(wire.ApplicationMetadataMessage_EMOJI_REACTION, m))) })
	}
	p.step("a presence of the future", func() {
		p.send(of(p.application(wire.ApplicationMetadataMessage_STATUS_UPDATE, &wire.StatusUpdate{
			Clock: clock/1000 + 400*24*3600, StatusType: wire.StatusUpdate_INACTIVE,
		})))
	})
	reactions := func(target [32]byte, n int) (all []datasync.Message) {
		for i := range n {
			all = append(all, p.application(wire.ApplicationMetadataMessage_EMOJI_REACTION, message.NewReaction(about(target), string(rune(0x1f600+i)), false)))
		}
		return all
	}
	said := p.text("react to it")
	p.step("a text", func() { p.send(of(said)) })
	p.step("many reactions", func() { p.send(of(reactions(message.ID(p.public, said.Body), 36)...)) })
	p.step("many reactions to what is not there", func() { p.send(of(reactions([32]byte{2}, 36)...)) })
	link := "https://status.app/"
	cm := message.NewChatMessage(message.ChatParams{TextParams: message.TextParams{
		Text: link, ChatID: p.victim.Hex(), Clock: clock, Timestamp: clock,
	}, Links: []*wire.UnfurledLink{{Url: link, Title: "t", ThumbnailPayload: append(drawing(p.t, 1), make([]byte, chat.MaxStrangerBytes)...)}}})
	p.step("a picture of a link", func() { p.send(of(p.application(wire.ApplicationMetadataMessage_CHAT_MESSAGE, cm))) })
	again := p.text("again and again")
	for i := range 5 {
		p.step("the same again", func() {
			var some []datasync.Message
			for j := range 20 {
				again.Timestamp = clockOf(i, j)
				some = append(some, again)
			}
			p.send(of(some...))
		})
	}
	p.step("the end", func() { p.send(of(p.text("the end"))) })
}

// clockOf is a time of an MVDS message.
func clockOf(i, j int) int64 { return time.Now().Unix() + int64(1000*i+j) }

// TestBlockedCannotTellByActions is TestBlockedCannotTell for what is done to messages.
func TestBlockedCannotTellByActions(t *testing.T) {
	for _, before := range []string{"a contact", "a stranger"} {
		t.Run(before, func(t *testing.T) {
			t.Parallel()
			cannotTell(t, before, 12, (*prober).probeActions)
		})
	}
}

// probeWaiting edits, and deletes, more messages that are not there than may wait, and notes what
// of that is acknowledged.
func (p *prober) probeWaiting(most int) {
	clock := uint64(p.s.clock.Now().UnixMilli())
	about := func(i int) message.ActionParams {
		return message.ActionParams{Target: [32]byte{byte(i), byte(i >> 8), 7}, ChatID: p.victim.Hex(), Clock: clock}
	}
	const together = 50
	sent, before := 0, p.acknowledged
	for first := 0; first < most+2*together; first += together {
		var some []datasync.Message
		for i := first; i < first+together; i++ {
			some = append(some, p.application(wire.ApplicationMetadataMessage_EDIT_MESSAGE, message.NewEdit(about(i), fmt.Sprint("an edit of nothing ", i), message.KindText, nil)))
			sent++
		}
		p.step("edits of what is not there", func() { p.send(of(some...)) })
	}
	if got := p.acknowledged - before; got != most {
		p.s.fatalf("%d edits of %d were acknowledged, want %d", got, sent, most)
	}
	p.step("a deletion of one that waits", func() {
		p.send(of(p.application(wire.ApplicationMetadataMessage_DELETE_MESSAGE, message.NewDelete(about(0)))))
	})
	p.step("an edit of one that was deleted", func() {
		p.send(of(p.application(wire.ApplicationMetadataMessage_EDIT_MESSAGE, message.NewEdit(about(0), "again", message.KindText, nil))))
	})
	p.step("a reaction to one more", func() {
		p.send(of(p.application(wire.ApplicationMetadataMessage_EMOJI_REACTION, message.NewReaction(about(5*most), "👍", false))))
	})
	p.step("the end", func() { p.send(of(p.text("the end"))) })
}

// TestBlockedCannotTellByWaiting is TestBlockedCannotTell for actions on messages that never
// come, up to their bounds and beyond.
func TestBlockedCannotTellByWaiting(t *testing.T) {
	for before, most := range map[string]int{"a contact": 1000, "a stranger": 64} {
		if most > 64 && testing.Short() {
			continue
		}
		t.Run(before, func(t *testing.T) {
			t.Parallel()
			cannotTell(t, before, 6, func(p *prober) { p.probeWaiting(most) })
		})
	}
}

// cannotTell compares what somebody sees of an engine that has blocked them with what they see
// of one that has not.
func cannotTell(t *testing.T, before string, least int, probe func(*prober)) {
	t.Helper()
	var seen [2][]string
	for i, blocked := range []bool{false, true} {
		s := newSimulation(t, 4, 2, memnet.Options{})
		s.populate(func(int) int { return 1 })
		alice := s.people[0].devices[0]
		p := newProber(s, alice)
		if before == "a contact" {
			if _, err := alice.AddContact(p.public, ""); err != nil {
				t.Fatal(err)
			}
		}
		p.step("we meet", func() { p.send(of(p.text("hi"))) })
		if before == "somebody we wrote to" {
			p.step("alice writes", func() {
				if _, err := alice.Send(context.Background(), chat.SendRequest{To: p.public, Text: "hi yourself"}); err != nil {
					t.Fatal(err)
				}
			})
		}
		if blocked {
			if _, err := alice.BlockContact(p.public); err != nil {
				t.Fatal(err)
			}
		}
		p.seen = nil
		s.told(alice)
		probe(p)
		if types := s.told(alice); blocked && len(types) != 0 {
			t.Errorf("alice is told %q of somebody blocked", types)
		}
		if seen[i] = p.seen; len(p.seen) < least {
			t.Fatalf("only %d things were seen: %q", len(p.seen), p.seen)
		}
		if check, err := alice.CheckStore(context.Background()); err != nil || len(check.Problems) > 0 {
			t.Errorf("%v, %v", check.Problems, err)
		}
	}
	for i, line := range seen[0] {
		if i >= len(seen[1]) || seen[1][i] != line {
			from := max(0, i-6)
			t.Fatalf("line %d differs, not blocked:\n%s\nblocked:\n%s", i,
				strings.Join(seen[0][from:min(i+6, len(seen[0]))], "\n"), strings.Join(seen[1][min(from, len(seen[1])):min(i+6, len(seen[1]))], "\n"))
		}
	}
	if !slices.Equal(seen[0], seen[1]) {
		t.Fatalf("more is seen when blocked: %q", seen[1][len(seen[0]):])
	}
}
