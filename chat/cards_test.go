package chat_test

import (
	"bytes"
	"context"
	"errors"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"google.golang.org/protobuf/proto"

	"libstatus1to1/chat"
	"libstatus1to1/chat/event"
	"libstatus1to1/chat/identity"
	"libstatus1to1/chat/identity/card"
	"libstatus1to1/chat/internal/cards"
	"libstatus1to1/chat/memnet"
	"libstatus1to1/chat/port"
	"libstatus1to1/chat/protocol/payload"
	"libstatus1to1/chat/protocol/session"
	"libstatus1to1/chat/protocol/topic"
	"libstatus1to1/chat/wire"
	"libstatus1to1/store"
)

// askedWire is the network of a device, and notes what the device asks store nodes for.
type askedWire struct {
	chat.Transport
	topics *[]string
}

func (w askedWire) StoreNodes() []string   { return w.Transport.(port.Archive).StoreNodes() }
func (w askedWire) PubsubTopics() []string { return w.Transport.(port.Archive).PubsubTopics() }

func (w askedWire) QueryStore(ctx context.Context, node string, q port.StoreQuery) (port.StorePage, error) {
	*w.topics = append(*w.topics, q.ContentTopics...)
	return w.Transport.(port.Archive).QueryStore(ctx, node, q)
}

// cardSim is people of whom nobody knows the others, with a store node.
type cardSim struct {
	*simulation
	alice, bob *simDevice
	asked      []string // topics that Alice has asked the store node for
	sent       []*wire.ProtocolMessage
}

// newCardSim has two devices of Bob if second is set.
func newCardSim(t *testing.T, second bool) *cardSim {
	s := &cardSim{simulation: newSimulation(t, 1, 3, memnet.Options{})}
	s.unknown = true
	s.settings.ContactCodeEvery = 20 * time.Second
	s.net.AddStore(memnet.StoreOptions{Now: s.clock.Now})
	alice := &simDevice{between: func(node chat.Transport) chat.Transport { return askedWire{node, &s.asked} }}
	s.enable(s.addDevice(s.people[0], alice, store.Memory()))
	s.enable(s.add(s.people[1], store.Memory()))
	if second {
		s.enable(s.add(s.people[1], store.Memory()))
	}
	s.enable(s.add(s.people[2], store.Memory()))
	s.alice, s.bob = s.people[0].devices[0], s.people[1].devices[0]
	if second {
		s.until("Bob's devices to list each other", func() bool {
			devices, err := s.bob.Devices()
			return err == nil && len(devices) == 2 && devices[0].Active && devices[1].Active
		})
	}
	s.pass(5 * time.Minute) // all have fetched what there was, and Bob's contact code is with the store node
	s.asked = nil
	t.Cleanup(s.net.Tap(s.note))
	return s
}

// note keeps what Alice sends to Bob.
func (s *cardSim) note(e chat.Envelope) {
	opened, err := payload.OpenAsymmetric(s.people[1].private, e.Payload)
	if err != nil || opened.Signer != s.people[0].public {
		return
	}
	var pm wire.ProtocolMessage
	if err := proto.Unmarshal(opened.Data, &pm); err != nil {
		s.fatalf("%v", err)
	}
	s.sent = append(s.sent, &pm)
}

// about lists the topics of one person with Alice, by their names.
func (s *cardSim) about(p *simPerson) map[string]string {
	shared, err := s.people[0].private.ECDH(p.public)
	if err != nil {
		s.fatalf("%v", err)
	}
	return map[string]string{
		topic.ContactCode(p.public).ContentTopic(): "contact code",
		topic.Negotiated(shared).ContentTopic():    "negotiated",
		topic.Partitioned(p.public).ContentTopic(): "partitioned",
	}
}

// asksAbout lists what Alice has asked the store node about Bob.
func (s *cardSim) asksAbout() (names []string) {
	about := s.about(s.people[1])
	for _, asked := range s.asked {
		if name := about[asked]; name != "" {
			names = append(names, name)
		}
	}
	return names
}

func (s *cardSim) issue(r chat.CardRequest) chat.IssuedCard {
	s.t.Helper()
	issued, err := s.bob.IssueCard(r)
	if err != nil {
		s.fatalf("%v", err)
	}
	return issued
}

func (s *cardSim) scan(text string, choice chat.CardChoice) chat.AddedCard {
	s.t.Helper()
	added, err := s.alice.AddCard(text, choice)
	if err != nil {
		s.fatalf("%v", err)
	}
	return added
}

// The first message after a card was added is by X3DH, for each device in the card, with
// nothing asked and nothing fetched before it, although Bob is away and never heard again:
// no contact code is asked for, and nothing goes out for any device that may read it.
// Without a card, that is how it goes.
func TestCardFirstMessage(t *testing.T) {
	for name, test := range map[string]struct {
		second, link bool
		devices      int // in the first envelope, of Bob
	}{
		"without a card": {}, "one device": {devices: 1}, "by link": {link: true, devices: 1}, "two devices": {second: true, devices: 2},
	} {
		t.Run(name, func(t *testing.T) {
			s := newCardSim(t, test.second)
			issued := s.issue(chat.CardRequest{})
			for _, d := range s.people[1].devices {
				d.node.(*memnet.Node).SetOnline(false)
			}
			text := issued.Card
			if test.link {
				text = issued.Link
			}
			if test.devices > 0 {
				if added := s.scan(text, chat.CardChoice{}); len(added.Devices) != test.devices || added.Noise {
					t.Fatalf("learned from the card: %+v", added)
				}
			} else if _, err := s.alice.AddContact(s.people[1].public, ""); err != nil {
				t.Fatal(err)
			}
			m := s.say(s.alice, s.people[1])
			s.until("the first envelope", func() bool { return len(s.sent) > 0 })
			s.pass(time.Second)
			var to []string
			for _, pm := range s.sent {
				for id, e := range pm.GetEncryptedMessage() {
					to = append(to, id)
					if id != session.NoInstallation && e.GetX3DHHeader() == nil {
						t.Errorf("no X3DH header for %s", id)
					}
				}
			}
			if test.devices == 0 {
				if !slices.Contains(to, session.NoInstallation) && !slices.Contains(s.asksAbout(), "contact code") {
					t.Error("without a card nothing was asked or sent to whom it concerns: this test sees nothing")
				}
				return
			}
			var want []string
			for _, d := range s.people[1].devices {
				want = append(want, d.id)
			}
			slices.Sort(want)
			if got := slices.Sorted(maps.Keys(s.sent[0].GetEncryptedMessage())); !slices.Equal(got, want) || slices.Contains(to, session.NoInstallation) {
				t.Errorf("the first envelope is for %q and all are for %q, want %q", got, to, want)
			}
			if asked := s.asksAbout(); len(asked) > 0 {
				t.Errorf("asked for %q before the first message", asked)
			}
			for _, d := range s.people[1].devices {
				d.node.(*memnet.Node).SetOnline(true)
			}
			s.until("the message at all devices", func() bool {
				return !slices.ContainsFunc(s.people[1].devices, func(d *simDevice) bool { return s.history(d, s.people[0])[m.id] != 1 })
			})
			s.until("it to be acknowledged", s.quiet)
			s.sound()
		})
	}
}

// refused checks that Alice refuses a card with a cause, and that this changes nothing.
func (s *cardSim) refused(name, text string, want string) {
	s.t.Helper()
	before := s.whole(s.alice)
	s.told(s.alice)
	added, err := s.alice.AddCard(text, chat.CardChoice{Name: "refused"})
	var e *chat.Error
	if !errors.As(err, &e) || e.Code != chat.CodeBadCard || e.Field != "card" || e.Details["cause"] != want {
		s.t.Errorf("%s: %v %+v", name, err, added)
		return
	}
	if after := s.whole(s.alice); !maps.Equal(before, after) {
		s.t.Errorf("%s: the store has changed", name)
	}
	if told := s.told(s.alice); len(told) > 0 {
		s.t.Errorf("%s: told %q", name, told)
	}
}

// whole returns the records of people in the store of a device.
func (s *cardSim) whole(d *simDevice) map[string]string {
	s.t.Helper()
	all := map[string]string{}
	for _, table := range []chat.Table{"contacts", "peers", "topics", "added_cards", "noise_peers", "catch_up"} {
		err := d.store.View(func(tx chat.Tx) error {
			return tx.Each(table, func(name, value []byte) error { all[string(table)+"/"+string(name)] = string(value); return nil })
		})
		if err != nil {
			s.fatalf("%v", err)
		}
	}
	return all
}

// A card that expired, comes from the future, is our own, was cut or changed, or is that of
// another than its link says, is refused with its cause, and nothing is learned.
func TestCardRefused(t *testing.T) {
	s := newCardSim(t, false)
	good := s.issue(chat.CardRequest{Life: chat.MinCardLife})
	parsed, err := card.Read(good.Card)
	if err != nil {
		t.Fatal(err)
	}
	own, err := s.alice.IssueCard(chat.CardRequest{})
	if err != nil {
		t.Fatal(err)
	}
	s.refused("our own", own.Card, "own")
	s.refused("cut", good.Card[:len(good.Card)/2], "truncated")
	altered := []byte(good.Card)
	altered[100] ^= 1
	s.refused("altered", string(altered), "altered")
	s.refused("a key", identity.FormatChatKey(s.people[1].public), "no_card")
	s.refused("a text", "hello", "other_text")
	link, err := identity.ParseLink(good.Link)
	if err != nil {
		t.Fatal(err)
	}
	link.Key = s.people[2].public
	others, err := link.Format()
	if err != nil {
		t.Fatal(err)
	}
	s.refused("in the link of another", others, "somebody_else")
	future := parsed
	future.Issued = s.clock.Now().Add(card.MaxClockSkew + time.Minute).Truncate(time.Second)
	future.Expires = future.Issued.Add(time.Hour)
	b, err := future.Sign(s.people[1].private)
	if err != nil {
		t.Fatal(err)
	}
	s.refused("of the future", card.Text(b), "future")
	s.pass(chat.MinCardLife + time.Second)
	s.refused("expired", good.Card, "expired")
	s.refused("expired, as a link", good.Link, "expired")
}

// A card that was added once is refused, also after the person was removed and the client
// restarted; and so is an older one of the same device. A newer one is taken.
func TestCardReplayed(t *testing.T) {
	s := newCardSim(t, false)
	older := s.issue(chat.CardRequest{})
	s.pass(2 * time.Second)
	first := s.issue(chat.CardRequest{})
	s.scan(first.Card, chat.CardChoice{})
	s.refused("again", first.Card, "replayed")
	s.refused("again, as a link", first.Link, "replayed")
	s.refused("an older one", older.Card, "outdated")
	if err := s.alice.RemoveContact(s.people[1].public); err != nil {
		t.Fatal(err)
	}
	s.restart(s.alice)
	s.refused("again after a restart", first.Card, "replayed")
	s.pass(3 * time.Hour) // both are forgotten hourly, if they are
	s.refused("again after hours", first.Card, "replayed")
	s.refused("an older one after hours", older.Card, "outdated")
	if added := s.scan(s.issue(chat.CardRequest{}).Card, chat.CardChoice{}); !added.Contact.Added {
		t.Errorf("a new card: %+v", added)
	}
	s.sound()
}

// A card from before Bob's latest pre-key verifies him and puts nothing back: what is sent
// goes on in the session there is.
func TestCardNeverGoesBack(t *testing.T) {
	s := newCardSim(t, false)
	old := s.issue(chat.CardRequest{Life: chat.MaxCardLife})
	s.pass(26 * time.Hour) // Bob's pre-key is rotated daily
	all := s.greet(s.people[0], s.people[1])
	before := s.alice.SendsIn(s.people[1].public, s.bob.id)
	added := s.scan(old.Card, chat.CardChoice{})
	if len(added.Devices) != 0 || added.Contact.VerifiedBy != "card" || added.Contact.Trust != "verified" {
		t.Errorf("%+v", added)
	}
	if after := s.alice.SendsIn(s.people[1].public, s.bob.id); before == "" || after != before {
		t.Errorf("the session was %q and is %q", before, after)
	}
	s.sent = nil
	all = append(all, s.say(s.alice, s.people[1]))
	s.until("an empty outbox", s.quiet)
	for _, pm := range s.sent {
		if pm.GetEncryptedMessage()[s.bob.id].GetX3DHHeader() != nil {
			t.Error("another session was begun")
		}
	}
	for _, p := range s.people {
		p.settled = slices.Clone(p.devices)
	}
	s.arrived(all)
}

// A message that waits for somebody goes out when their card is added: until then it could
// only be written for any device. And what was fetched of a topic stays as it was, if it is
// listened to already.
func TestCardForWhoIsAwaited(t *testing.T) {
	s := newCardSim(t, false)
	s.bob.node.(*memnet.Node).SetOnline(false)
	issued := s.issue(chat.CardRequest{})
	m := s.say(s.alice, s.people[1])
	s.until("a message for any device", func() bool { return len(s.sent) > 0 })
	if to := slices.Collect(maps.Keys(s.sent[0].GetEncryptedMessage())); !slices.Equal(to, []string{session.NoInstallation}) {
		t.Fatalf("the first went to %q", to)
	}
	s.pass(10 * time.Second) // now Bob's contact code is awaited
	before := s.whole(s.alice)
	if added := s.scan(issued.Card, chat.CardChoice{}); len(added.Devices) != 1 {
		t.Fatalf("%+v", added)
	}
	cursors := func(all map[string]string) map[string]string {
		maps.DeleteFunc(all, func(name, _ string) bool {
			return !strings.HasPrefix(name, "catch_up/") || s.about(s.people[1])[strings.TrimPrefix(name, "catch_up/")] == ""
		})
		return all
	}
	if was, is := cursors(before), cursors(s.whole(s.alice)); !maps.Equal(was, is) {
		t.Errorf("the cursors were %q and are %q", was, is)
	}
	s.sent = nil
	s.until("it to be sent again", func() bool { return len(s.sent) > 0 })
	if s.sent[0].GetEncryptedMessage()[s.bob.id].GetX3DHHeader() == nil {
		t.Errorf("again for %v", slices.Collect(maps.Keys(s.sent[0].GetEncryptedMessage())))
	}
	s.bob.node.(*memnet.Node).SetOnline(true)
	s.until("it to arrive", func() bool { return s.history(s.bob, s.people[0])[m.id] == 1 })
}

// What adding a card does to what is known of the person.
func TestCardContact(t *testing.T) {
	s := newCardSim(t, false)
	bob := s.people[1].public
	added := s.scan(s.issue(chat.CardRequest{}).Card, chat.CardChoice{Name: "  Bob\tB. "})
	want := event.Contact{
		PublicKey: bob.Hex(), ChatKey: identity.FormatChatKey(bob), Name: "Bob B.", DisplayName: "B", Added: true,
		AddedAt: s.clock.Now().UnixMilli(), Trust: "verified", Request: "none", VerifiedBy: "card", VerifiedAt: s.clock.Now().UnixMilli(), KeyExchange: "x3dh",
	}
	if added.Contact != want {
		t.Errorf("%+v\nwant %+v", added.Contact, want)
	}
	if stored, err := s.alice.Contact(bob); err != nil || stored != want {
		t.Errorf("%+v %v", stored, err)
	}
	if told := s.told(s.alice); !slices.Contains(told, event.ContactChanged{}.Type()) {
		t.Errorf("told %q", told)
	}
	s.pass(time.Second)
	added = s.scan(s.issue(chat.CardRequest{Anonymous: true, Noise: true}).Card, chat.CardChoice{KeyExchange: "x3dh"})
	if added.Contact.Name != "Bob B." || added.Contact.VerifiedAt != want.VerifiedAt || added.Noise {
		t.Errorf("another card changes %+v", added)
	}
	s.pass(time.Second)
	if _, err := s.alice.BlockContact(bob); err != nil {
		t.Fatal(err)
	}
	again := s.issue(chat.CardRequest{})
	if _, err := s.alice.AddCard(again.Card, chat.CardChoice{}); chat.CodeOf(err) != chat.CodeBlocked {
		t.Errorf("blocked: %v", err)
	}
	if _, err := s.alice.UnblockContact(bob); err != nil {
		t.Fatal(err)
	}
	s.scan(again.Card, chat.CardChoice{}) // the refusal did not use it up
	for name, choice := range map[string]chat.CardChoice{
		"name": {Name: strings.Repeat("x", 101)}, "key_exchange": {KeyExchange: "rot13"},
	} {
		var e *chat.Error
		if _, err := s.alice.AddCard(again.Card, choice); !errors.As(err, &e) || e.Field != name {
			t.Errorf("%s: %v", name, err)
		}
	}
	carol := s.people[2].devices[0]
	unverified, err := carol.AddCard(s.issue(chat.CardRequest{Anonymous: true}).Link, chat.CardChoice{Unverified: true})
	if err != nil || unverified.Contact.VerifiedBy != "" || !unverified.Contact.Added || unverified.Contact.DisplayName != "" {
		t.Errorf("%+v %v", unverified, err)
	}
	s.sound()
}

// secret looks for the key of a card where its issuer answers for it.
func secretOf(t *testing.T, d *simDevice, text string, now time.Time) (psk [32]byte, found bool) {
	t.Helper()
	c, err := card.Read(text)
	if err != nil {
		t.Fatal(err)
	}
	err = d.store.View(func(tx chat.Tx) (err error) {
		psk, found, err = cards.Secret(tx, c.Secret.ID(), now)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	if found && psk != c.Secret.PSK() {
		t.Error("another key than that of the card")
	}
	return psk, found
}

// The secret of each card is found by its id for 30 days, also after a restart, and by
// nobody who did not issue it.
func TestCardSecrets(t *testing.T) {
	s := newCardSim(t, false)
	first, other := s.issue(chat.CardRequest{Life: chat.MinCardLife}), s.issue(chat.CardRequest{Noise: true})
	s.restart(s.bob)
	a, foundA := secretOf(t, s.bob, first.Card, s.clock.Now())
	b, foundB := secretOf(t, s.bob, other.Card, s.clock.Now())
	if !foundA || !foundB || a == b {
		t.Errorf("found %t and %t, the same: %t", foundA, foundB, a == b)
	}
	if _, found := secretOf(t, s.alice, first.Card, s.clock.Now()); found {
		t.Error("found by somebody else")
	}
	if _, found := secretOf(t, s.bob, first.Card, s.clock.Now().Add(30*24*time.Hour-time.Minute)); !found {
		t.Error("forgotten before its time")
	}
	if _, found := secretOf(t, s.bob, first.Card, s.clock.Now().Add(30*24*time.Hour+time.Minute)); found {
		t.Error("found after its time")
	}
	s.clock.advance(31 * 24 * time.Hour)
	s.pass(2 * time.Hour)
	if n := s.records(s.bob, "card_secrets"); n != 0 {
		t.Errorf("%d secrets are kept after their time", n)
	}
	s.sound()
}

// records counts the records in a table.
func (s *cardSim) records(d *simDevice, table chat.Table) (n int) {
	s.t.Helper()
	err := d.store.View(func(tx chat.Tx) error {
		return tx.Each(table, func(_, _ []byte) error { n++; return nil })
	})
	if err != nil {
		s.fatalf("%v", err)
	}
	return n
}

// A card that cannot be issued says why.
func TestCardIssueRefused(t *testing.T) {
	s := newCardSim(t, false)
	for _, life := range []time.Duration{-1, time.Second, chat.MaxCardLife + 1} {
		var e *chat.Error
		if _, err := s.bob.IssueCard(chat.CardRequest{Life: life}); !errors.As(err, &e) || e.Code != chat.CodeBadParams || e.Field != "life" {
			t.Errorf("%s: %v", life, err)
		}
	}
	nobody, err := chat.OpenStepped(context.Background(), chat.Options{Store: store.Memory(), Transport: s.net.Join(), Clock: s.clock})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = nobody.Close() })
	if _, err := nobody.IssueCard(chat.CardRequest{}); chat.CodeOf(err) != chat.CodeNoIdentity {
		t.Errorf("without an identity: %v", err)
	}
	if _, err := nobody.AddCard(s.issue(chat.CardRequest{}).Card, chat.CardChoice{}); chat.CodeOf(err) != chat.CodeNoIdentity {
		t.Errorf("without an identity: %v", err)
	}
}

// A card that asks for Noise, or whoever adds one and asks for it: the first envelope is
// the handshake with the secret of that card (XXpsk0), with nothing asked before it, nothing
// by X3DH and nothing for any device; the message follows in the session, and so does the
// answer. Two people may add one card.
func TestCardNoise(t *testing.T) {
	for name, test := range map[string]struct {
		issue chat.CardRequest
		add   chat.CardChoice
		cause string
	}{
		"by the card": {chat.CardRequest{Noise: true}, chat.CardChoice{}, "card"},
		"by choice":   {chat.CardRequest{}, chat.CardChoice{KeyExchange: "noise"}, "chosen"},
	} {
		t.Run(name, func(t *testing.T) {
			s := newCardSim(t, false)
			issued := s.issue(test.issue)
			its, err := card.Read(issued.Card)
			if err != nil {
				t.Fatal(err)
			}
			if added := s.scan(issued.Card, test.add); !added.Noise || added.Contact.KeyExchange != "noise" {
				t.Fatalf("%+v", added)
			}
			told := &person{Client: s.alice.Client, t: t, name: "alice"}
			told.shown("")
			if !slices.ContainsFunc(told.events, func(e chat.DeliveredEvent) bool {
				changed, ok := decoded[event.KeyExchangeChanged](t, e)
				return ok && changed.KeyExchange == "noise" && string(changed.Cause) == test.cause && changed.PublicKey == s.people[1].public.Hex()
			}) {
				t.Error("no event tells of the change")
			}
			if carol, err := s.people[2].devices[0].AddCard(issued.Link, test.add); err != nil || !carol.Noise {
				t.Fatalf("%+v %v", carol, err)
			}
			all := []said{s.say(s.alice, s.people[1]), s.say(s.people[2].devices[0], s.people[1])}
			s.until("the first envelope", func() bool { return len(s.sent) > 0 })
			first, id := s.sent[0], its.Secret.ID()
			if frames := first.GetNoiseHandshakes(); len(frames) != 1 || !bytes.Contains(frames[0], id[:]) {
				t.Errorf("%d handshakes, none with the secret of the card", len(frames))
			}
			if asked := s.asksAbout(); len(asked) > 0 {
				t.Errorf("asked for %q before the first message", asked)
			}
			s.until("an empty outbox", s.quiet)
			all = append(all, s.say(s.bob, s.people[0]))
			s.until("an empty outbox", s.quiet)
			for _, pm := range s.sent {
				if len(pm.GetEncryptedMessage()) > 0 {
					t.Errorf("something went by X3DH: %v", pm.GetEncryptedMessage())
				}
			}
			for _, p := range s.people {
				p.settled = slices.Clone(p.devices)
			}
			s.arrived(all[:1])
			s.arrived(all[2:])
			if n := s.history(s.bob, s.people[2])[all[1].id]; n != 1 {
				t.Errorf("Carol's message is %d times with Bob", n)
			}
			s.sound()
		})
	}
}

// A card by X3DH does not take a chat away from Noise, unless whoever adds it says so.
func TestCardDoesNotDowngrade(t *testing.T) {
	s := newCardSim(t, false)
	s.scan(s.issue(chat.CardRequest{Noise: true}).Card, chat.CardChoice{})
	s.pass(time.Second)
	if added := s.scan(s.issue(chat.CardRequest{}).Card, chat.CardChoice{}); !added.Noise || added.Contact.KeyExchange != "noise" {
		t.Errorf("a card took Noise away: %+v", added)
	}
	s.pass(time.Second)
	if added := s.scan(s.issue(chat.CardRequest{Noise: true}).Card, chat.CardChoice{KeyExchange: "x3dh"}); added.Noise {
		t.Errorf("the choice of the user does not count: %+v", added)
	}
	s.pass(time.Second)
	if added := s.scan(s.issue(chat.CardRequest{Noise: true}).Card, chat.CardChoice{}); added.Noise {
		t.Errorf("a card overrules the choice of the user: %+v", added)
	}
}

// Two people add the cards of each other and write at once, over a bad network, by X3DH or
// by Noise; one restarts meanwhile. All arrives once.
func TestSimulationCards(t *testing.T) {
	seeds(t, 30, func(t *testing.T, seed uint64) {
		s := newSimulation(t, seed, 2, badNetwork)
		s.unknown = true
		s.populateUnknown()
		a, b := s.people[0].devices[0], s.people[1].devices[0]
		for _, pair := range [][2]*simDevice{{a, b}, {b, a}} {
			issued, err := pair[0].IssueCard(chat.CardRequest{Noise: seed%2 == 0})
			if err != nil {
				s.fatalf("%v", err)
			}
			if _, err := pair[1].AddCard(issued.Card, chat.CardChoice{}); err != nil {
				s.fatalf("%v", err)
			}
		}
		all := []said{s.say(a, s.people[1]), s.say(b, s.people[0])}
		all = append(all, s.chatter(10, func() {
			if s.random.IntN(4) == 0 {
				s.restart(s.devices[s.random.IntN(len(s.devices))])
			}
		})...)
		s.until("an empty outbox", s.quiet)
		s.arrived(all)
		s.sound()
	})
}

// populateUnknown gives everybody a device, of which the others do not know.
func (s *simulation) populateUnknown() {
	s.t.Helper()
	for _, p := range s.people {
		s.enable(s.add(p, store.Memory()))
		p.settled = slices.Clone(p.devices)
	}
}
