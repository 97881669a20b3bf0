package chat_test

import (
	"bytes"
	"context"
	"math"
	"slices"
	"strings"
	"testing"
	"time"

	"google.golang.org/protobuf/proto"

	"libstatus1to1/chat"
	"libstatus1to1/chat/chattest"
	"libstatus1to1/chat/event"
	"libstatus1to1/chat/memnet"
	"libstatus1to1/chat/message"
	"libstatus1to1/chat/protocol/datasync"
	"libstatus1to1/chat/protocol/key"
	"libstatus1to1/chat/wire"
	"libstatus1to1/store"
)

// two are people with clocks of their own, who have said hello.
type two struct {
	net        *memnet.Network
	alice, bob *person
	clocks     [2]*chattest.Clock // alice's, bob's
	stores     [2]keptStore
	published  func() []chat.Envelope
}

func openTwo(t *testing.T) *two {
	t.Helper()
	w := &two{net: memnet.New(memnet.Options{Seed: 5, MaxMessageSize: 1 << 20}), clocks: [2]*chattest.Clock{{}, {}}}
	seen := make(chan chat.Envelope, 1<<12)
	w.net.Tap(func(e chat.Envelope) { seen <- e })
	var all []chat.Envelope
	w.published = func() []chat.Envelope {
		for {
			select {
			case e := <-seen:
				all = append(all, e)
			default:
				return all
			}
		}
	}
	for i, p := range []**person{&w.alice, &w.bob} {
		w.stores[i] = keptStore{newNoting(store.Memory())}
		*p = w.open(t, i)
		if _, _, err := (*p).CreateIdentity(context.Background(), 12, (*p).name); err != nil {
			t.Fatal(err)
		}
	}
	w.alice.send(w.bob, "hello")
	w.bob.waitText("hello")
	w.bob.send(w.alice, "hello yourself")
	w.alice.waitText("hello yourself")
	return w
}

// open opens the client of one of them.
func (w *two) open(t *testing.T, i int) *person {
	t.Helper()
	name := []string{"alice", "bob"}[i]
	c, err := chat.Open(context.Background(), chat.Options{
		Store: w.stores[i], Transport: w.net.Join(), Settings: fast, Logger: testLog{t, name}, Clock: w.clocks[i],
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close() })
	return &person{Client: c, t: t, name: name}
}

// pass lets time pass for both.
func (w *two) pass(d time.Duration) {
	for _, c := range w.clocks {
		c.Advance(d)
	}
}

func (p *person) setTimer(with key.Public, seconds uint32) {
	p.t.Helper()
	c, err := p.SetTimer(with, seconds)
	if err != nil || c.ExpiresIn != int64(seconds) {
		p.t.Fatalf("the timer is %d s, %v", c.ExpiresIn, err)
	}
}

// says sends a text that both have then, and returns it as the other one has it.
func (w *two) says(from, to *person, text string, expiresIn *uint32) event.Message {
	from.t.Helper()
	m, err := from.Send(context.Background(), chat.SendRequest{To: to.key(), Text: text, ExpiresIn: expiresIn})
	if err != nil {
		from.t.Fatal(err)
	}
	got := to.waitText(text).Message
	from.waitState(m.ID, "delivered")
	return got
}

// until waits until somebody has these texts with somebody.
func (p *person) untilTexts(with *person, want ...string) {
	p.t.Helper()
	eventually(p.t, p.name+" to have only "+strings.Join(want, ", "), func() bool { return slices.Equal(p.texts(with), want) })
}

// TestDisappearing: a timer that one sets is in force on both sides, from the next message on;
// what is due is gone on both, and told.
func TestDisappearing(t *testing.T) {
	w := openTwo(t)
	w.alice.setTimer(w.bob.key(), 60)
	wait(w.alice, "the timer", func(e event.ChatChanged) bool { return e.Cause == "timer" && e.Chat.ExpiresIn == 60 })
	got := w.says(w.alice, w.bob, "a secret of the oak", nil)
	wait(w.bob, "the timer", func(e event.ChatChanged) bool { return e.Cause == "timer" && e.Chat.ExpiresIn == 60 })
	if sent, err := w.alice.Message(mustID(t, got.ID)); err != nil || sent.ExpiresAt == 0 || sent.ExpiresAt-got.ExpiresAt > 1000 {
		t.Errorf("it expires at %d here and at %d there, %v", sent.ExpiresAt, got.ExpiresAt, err)
	}
	answer := w.says(w.bob, w.alice, "and the answer", nil)
	if answer.ExpiresAt == 0 {
		t.Error("the answer does not expire")
	}
	w.pass(50 * time.Second)
	for _, p := range []*person{w.alice, w.bob} {
		if texts := p.textsWith(w.other(p).key()); len(texts) != 4 {
			t.Errorf("%s has %q before the time is over", p.name, texts)
		}
	}
	w.pass(11 * time.Second)
	for _, p := range []*person{w.alice, w.bob} {
		p.untilTexts(w.other(p), "hello", "hello yourself")
		for _, id := range []string{got.ID, answer.ID} {
			e := wait(p, "it to be told", func(e event.MessageChanged) bool { return e.Message.ID == id && e.Cause == "expired" })
			if e.Message.Text != "" || e.Message.ExpiresAt == 0 {
				t.Errorf("told as %+v", e.Message)
			}
		}
		c, err := p.Chat(w.other(p).key())
		if err != nil || c.Messages != 2 || c.LastMessage == nil || c.LastMessage.Text != "hello yourself" {
			t.Errorf("%s sees %+v, %v", p.name, c, err)
		}
		p.sound()
	}
	w.bob.setTimer(w.alice.key(), 0)
	if m := w.says(w.bob, w.alice, "for ever", nil); m.ExpiresAt != 0 {
		t.Errorf("without a timer it expires at %d", m.ExpiresAt)
	}
}

func (w *two) other(p *person) *person {
	if p == w.alice {
		return w.bob
	}
	return w.alice
}

// TestExpiresIn: a message may have its own time, and none where the chat has one.
func TestExpiresIn(t *testing.T) {
	w := openTwo(t)
	seconds := func(n uint32) *uint32 { return &n }
	own := w.says(w.alice, w.bob, "mine", seconds(5))
	if c, err := w.bob.Chat(w.alice.key()); err != nil || c.ExpiresIn != 0 || own.ExpiresAt == 0 {
		t.Errorf("the chat has a timer of %d s, the message goes at %d, %v", c.ExpiresIn, own.ExpiresAt, err)
	}
	w.alice.setTimer(w.bob.key(), 60)
	if m := w.says(w.alice, w.bob, "kept", seconds(0)); m.ExpiresAt != 0 {
		t.Errorf("it expires at %d", m.ExpiresAt)
	}
	w.pass(61 * time.Second)
	w.bob.untilTexts(w.alice, "hello", "hello yourself", "kept")
	_, err := w.alice.Send(context.Background(), chat.SendRequest{To: w.bob.key(), Text: "x", ExpiresIn: seconds(chat.MaxExpiry + 1)})
	wantCode(t, "a timer of more than a year", err, chat.CodeBadParams, "expires_in")
	_, err = w.alice.SetTimer(w.bob.key(), chat.MaxExpiry+1)
	wantCode(t, "a timer of more than a year", err, chat.CodeBadParams, "seconds")
	_, err = w.alice.SetTimer(w.alice.key(), 5)
	wantCode(t, "a timer with oneself", err, chat.CodeSelf, "key")
}

// TestExpiryAcrossRestarts: what became due while a program did not run is gone when it runs
// again, and the timer of the chat is still in force.
func TestExpiryAcrossRestarts(t *testing.T) {
	w := openTwo(t)
	w.alice.setTimer(w.bob.key(), 60)
	w.says(w.alice, w.bob, "a secret", nil)
	for _, p := range []*person{w.alice, w.bob} {
		if err := p.Close(); err != nil {
			t.Fatal(err)
		}
	}
	w.pass(2 * time.Minute)
	w.alice, w.bob = w.open(t, 0), w.open(t, 1)
	for _, p := range []*person{w.alice, w.bob} {
		p.untilTexts(w.other(p), "hello", "hello yourself")
	}
	if m := w.says(w.bob, w.alice, "still short-lived", nil); m.ExpiresAt == 0 {
		t.Error("the timer is gone")
	}
	for _, p := range []*person{w.alice, w.bob} {
		p.sound()
	}
}

// TestExpiredIsNotSent: a message whose time is over while nobody has taken it is not sent any
// more.
func TestExpiredIsNotSent(t *testing.T) {
	w := openTwo(t)
	newPerson(t, "carol", w.net) // somebody to publish to
	bob := w.bob.key()
	if err := w.bob.Close(); err != nil {
		t.Fatal(err)
	}
	w.alice.setTimer(bob, 60)
	m, err := w.alice.Send(context.Background(), chat.SendRequest{To: bob, Text: "in vain"})
	if err != nil {
		t.Fatal(err)
	}
	w.alice.waitState(m.ID, "sent")
	w.pass(61 * time.Second)
	eventually(t, "the outbox to be empty", func() bool {
		d, err := w.alice.Diagnostics()
		return err == nil && d.Outbox == 0
	})
	if texts := w.alice.textsWith(bob); slices.Contains(texts, "in vain") {
		t.Errorf("alice still has %q", texts)
	}
	w.alice.sound()
}

// TestExpiredDoesNotComeBack: not when its envelopes are published again, with whatever clock,
// and not by a backup from before.
func TestExpiredDoesNotComeBack(t *testing.T) {
	w := openTwo(t)
	w.alice.setTimer(w.bob.key(), 60)
	w.says(w.alice, w.bob, "a secret", nil)
	backup, envelopes := w.bob.backup(), w.published()
	w.pass(61 * time.Second)
	w.bob.untilTexts(w.alice, "hello", "hello yourself")
	again := func(what string) {
		t.Helper()
		for _, e := range envelopes {
			e.Timestamp = w.clocks[1].Now().UnixNano()
			w.net.Inject(e)
		}
		w.says(w.alice, w.bob, what, new(uint32))
		if texts := w.bob.texts(w.alice); slices.Contains(texts, "a secret") {
			t.Errorf("%s: %q", what, texts)
		}
	}
	again("published again")
	w.bob.restore(backup)
	if texts := w.bob.texts(w.alice); slices.Contains(texts, "a secret") {
		t.Errorf("after a backup: %q", texts)
	}
	w.clocks[1].Advance(-2 * time.Minute) // now it would not be over
	again("with the clock set back")
	w.bob.restore(backup)
	if texts := w.bob.texts(w.alice); slices.Contains(texts, "a secret") {
		t.Errorf("after a backup, with the clock set back: %q", texts)
	}
	w.bob.sound()
}

// TestComesTooLate: a message whose time is over when it comes is acknowledged and shown to
// nobody.
func TestComesTooLate(t *testing.T) {
	w := openTwo(t)
	w.clocks[1].Advance(2 * time.Minute)
	five := uint32(5)
	m, err := w.alice.Send(context.Background(), chat.SendRequest{To: w.bob.key(), Text: "too late", ExpiresIn: &five})
	if err != nil {
		t.Fatal(err)
	}
	w.alice.waitState(m.ID, "delivered")
	w.says(w.alice, w.bob, "in time", new(uint32))
	if texts := w.bob.texts(w.alice); slices.Contains(texts, "too late") {
		t.Errorf("bob has %q", texts)
	}
	w.bob.sound()
}

// TestExpiryByOtherClocks: the clocks of the two differ by minutes, either way. Nothing stays
// for longer than its time after it came.
func TestExpiryByOtherClocks(t *testing.T) {
	for _, ahead := range []time.Duration{10 * time.Minute, -10 * time.Minute} {
		w := openTwo(t)
		if ahead > 0 {
			w.clocks[0].Advance(ahead)
		} else {
			w.clocks[1].Advance(-ahead)
		}
		w.alice.setTimer(w.bob.key(), 3600)
		w.says(w.alice, w.bob, "an hour", nil)
		w.says(w.bob, w.alice, "and another", nil)
		w.pass(61 * time.Minute)
		w.alice.untilTexts(w.bob, "hello", "hello yourself")
		w.bob.untilTexts(w.alice, "hello", "hello yourself")
	}
}

// TestExpiryAfterAClockAhead: a clock that was a year ahead when a message was written keeps
// it no longer than its timer, once it is right; in this run and in the next.
func TestExpiryAfterAClockAhead(t *testing.T) {
	for _, restart := range []bool{false, true} {
		w := openTwo(t)
		const year = 365 * 24 * time.Hour
		w.clocks[0].Advance(year)
		day := uint32(24 * 60 * 60)
		if _, err := w.alice.Send(context.Background(), chat.SendRequest{To: w.bob.key(), Text: "from next year", ExpiresIn: &day}); err != nil {
			t.Fatal(err)
		}
		if restart {
			w.clocks[0].Advance(2 * time.Hour) // the time is noted hourly
			eventually(t, "it to be noted", func() bool { return len(records(t, w.stores[0], "meta")["expiry_seen"]) > 0 })
			if err := w.alice.Close(); err != nil {
				t.Fatal(err)
			}
		}
		w.clocks[0].Advance(-year)
		if restart {
			w.alice = w.open(t, 0)
		}
		eventually(t, "it to be gone", func() bool {
			w.clocks[0].Advance(time.Hour)
			return !slices.Contains(w.alice.texts(w.bob), "from next year")
		})
		if now := w.clocks[0].Now(); now.After(time.Now().Add(year / 2)) {
			t.Errorf("it was there until %s", now)
		}
	}
}

// timerText is a text of mallory's with the fields of disappearing messages.
func (m *mallory) timerText(text string, expiresIn uint32, timer *wire.ExpiryTimer) datasync.Message {
	m.n++
	cm := message.NewText(message.TextParams{
		Text: text, ChatID: m.victim.Hex(), Clock: uint64(m.sentAt()), Timestamp: uint64(time.Now().UnixMilli()),
	})
	cm.ExpiresIn, cm.ExpiryTimer = expiresIn, timer
	return m.applied(wire.ApplicationMetadataMessage_CHAT_MESSAGE, cm)
}

// TestHostileTimers: a timer that is set in the future, or for ever, is not taken; a stranger
// sets none, and gets no endless room by messages that go; nobody's timer touches what is
// there.
func TestHostileTimers(t *testing.T) {
	b := newBesieged(t)
	m := newMallory(t, b.net, b.victim.key())
	m.learn(b.envelopes())
	say := func(text string, expiresIn uint32, timer *wire.ExpiryTimer) {
		t.Helper()
		b.net.Inject(m.envelope(m.encrypted(m.sync(datasync.Payload{Messages: []datasync.Message{m.timerText(text, expiresIn, timer)}}), nil)))
	}
	seconds := func() int64 {
		t.Helper()
		c, err := b.victim.Chat(m.public)
		if err != nil {
			t.Fatal(err)
		}
		return c.ExpiresIn
	}
	say("a stranger", 0, &wire.ExpiryTimer{Seconds: 1, Clock: 1})
	b.victim.waitText("a stranger")
	if got := seconds(); got != 0 {
		t.Errorf("a stranger has set a timer of %d s", got)
	}
	for i := range 3 * chat.MaxStrangerMessages {
		say("gone "+strings.Repeat("x", i%7), 1, nil)
	}
	eventually(t, "their room to be full", func() bool { return b.dropped(t, "stranger_messages") > chat.MaxStrangerMessages })
	if _, err := b.victim.AddContact(m.public, ""); err != nil {
		t.Fatal(err)
	}
	mine, err := b.victim.Send(context.Background(), chat.SendRequest{To: m.public, Text: "my own"})
	if err != nil {
		t.Fatal(err)
	}
	say("at the end of time", 0, &wire.ExpiryTimer{Seconds: 1, Clock: math.MaxUint64})
	say("tomorrow", 0, &wire.ExpiryTimer{Seconds: 1, Clock: uint64(time.Now().Add(24 * time.Hour).UnixMilli())})
	say("for ever", math.MaxUint32, nil)
	forEver := b.victim.waitText("for ever").Message
	if got := seconds(); got != 0 {
		t.Errorf("a timer of the future is in force: %d s", got)
	}
	if least := time.Now().Add(366 * 24 * time.Hour).UnixMilli(); forEver.ExpiresAt == 0 || forEver.ExpiresAt > least {
		t.Errorf("for ever ends at %d", forEver.ExpiresAt)
	}
	say("now", 0, &wire.ExpiryTimer{Seconds: 1, Clock: uint64(m.sentAt())})
	b.victim.waitText("now")
	if got := seconds(); got != 1 {
		t.Errorf("the timer of a contact is %d s", got)
	}
	kept, err := b.victim.Message(mustID(t, mine.ID))
	if err != nil || kept.ExpiresAt != 0 {
		t.Errorf("what was there before goes at %d, %v", kept.ExpiresAt, err)
	}
	b.victim.sound()
}

// TestExpiryOfChangedMessages: edits, reactions and deletions change nothing about when a
// message goes, and go with it; an answer to it stays.
func TestExpiryOfChangedMessages(t *testing.T) {
	w := openTwo(t)
	ctx, minute := context.Background(), uint32(60)
	edited, deleted := w.says(w.alice, w.bob, "first words", &minute), w.says(w.alice, w.bob, "to be deleted", &minute)
	if _, err := w.alice.EditMessage(ctx, mustID(t, edited.ID), "better words"); err != nil {
		t.Fatal(err)
	}
	got := wait(w.bob, "the edit", func(e event.MessageChanged) bool { return e.Message.Text == "better words" }).Message
	if got.ExpiresAt != edited.ExpiresAt {
		t.Errorf("the edited message goes at %d, not at %d", got.ExpiresAt, edited.ExpiresAt)
	}
	if _, err := w.bob.React(ctx, mustID(t, edited.ID), "👍", false); err != nil {
		t.Fatal(err)
	}
	if _, err := w.alice.DeleteMessage(ctx, mustID(t, deleted.ID), true); err != nil {
		t.Fatal(err)
	}
	gone := wait(w.bob, "the deletion", func(e event.MessageChanged) bool { return e.Cause == "deleted" }).Message
	if gone.ExpiresAt != deleted.ExpiresAt {
		t.Errorf("the deleted message goes at %d, not at %d", gone.ExpiresAt, deleted.ExpiresAt)
	}
	wait(w.alice, "the reaction", func(e event.MessageChanged) bool { return e.Cause == "reaction" })
	target, never := mustID(t, edited.ID), uint32(0)
	answer, err := w.bob.Send(ctx, chat.SendRequest{To: w.alice.key(), Text: "an answer", ReplyTo: &target, ExpiresIn: &never})
	if err != nil {
		t.Fatal(err)
	}
	w.alice.waitText("an answer")
	w.pass(61 * time.Second)
	for _, p := range []*person{w.alice, w.bob} {
		p.untilTexts(w.other(p), "hello", "hello yourself", "an answer")
		if m, err := p.Message(mustID(t, answer.ID)); err != nil || m.ReplyTo != edited.ID {
			t.Errorf("%s has the answer to %q, %v", p.name, m.ReplyTo, err)
		}
		p.sound()
	}
	_, err = w.alice.EditMessage(ctx, target, "too late")
	wantCode(t, "an edit of what is gone", err, chat.CodeNotFound, "message_id")
}

// TestNothingWaitsForTheExpired: an edit of a message that has expired is acknowledged and not
// kept, whether it comes after the message or before one that comes too late.
func TestNothingWaitsForTheExpired(t *testing.T) {
	b := newBesieged(t)
	m := newMallory(t, b.net, b.victim.key())
	m.learn(b.envelopes())
	if _, err := b.victim.AddContact(m.public, ""); err != nil {
		t.Fatal(err)
	}
	say := func(all ...datasync.Message) {
		t.Helper()
		b.net.Inject(m.envelope(m.encrypted(m.sync(datasync.Payload{Messages: all}), nil)))
	}
	edit := func(of datasync.Message) datasync.Message {
		id := message.ID(m.public, of.Body)
		return m.applied(wire.ApplicationMetadataMessage_EDIT_MESSAGE, &wire.EditMessage{
			Clock: uint64(m.sentAt() + 1), Text: "a secret", ChatId: m.victim.Hex(), MessageId: event.Hex(id[:]), MessageType: wire.MessageType_ONE_TO_ONE,
		})
	}
	shown := m.timerText("shown", 1, nil)
	say(shown)
	b.victim.waitText("shown")
	wait(b.victim, "it to be gone", func(e event.MessageChanged) bool { return e.Cause == "expired" })
	say(edit(shown))

	late := m.timerText("too late", 1, nil)
	over := m.sentAt() + 1000
	say(edit(late))
	eventually(t, "the edit to wait", func() bool { return len(records(t, b.store, "waiting")) == 1 })
	eventually(t, "its time to be over", func() bool { return time.Now().UnixMilli() > over })
	say(late)
	eventually(t, "it to be passed over", func() bool { return b.dropped(t, "expired") == 1 })
	say(m.text("the end"))
	b.victim.waitText("the end")
	if waiting := records(t, b.store, "waiting"); len(waiting) != 0 {
		t.Errorf("%d edits wait", len(waiting))
	}
	b.victim.sound()
}

// applied is an MVDS message with an application message of hers.
func (m *mallory) applied(typ wire.ApplicationMetadataMessage_Type, payload proto.Message) datasync.Message {
	m.t.Helper()
	encoded, err := message.Encode(payload)
	if err != nil {
		m.t.Fatal(err)
	}
	application, err := message.Wrap(m.self.Identity, typ, encoded)
	if err != nil {
		m.t.Fatal(err)
	}
	return datasync.Message{GroupID: datasync.GroupID(m.public, m.victim), Timestamp: time.Now().Unix(), Body: application}
}

// holding are the tables and queues of a store in which a text is.
func holding(t *testing.T, s chat.Store, text string) (found []string) {
	t.Helper()
	for _, table := range []chat.Table{
		"#attempts", "#envelopes", "#outbox", "albums", "attachments", "chats", "client_refs", "failed", "kept", "messages", "search", "seen", "segments", "waiting",
	} {
		for _, value := range records(t, s, table) {
			if bytes.Contains(value, []byte(text)) {
				found = append(found, string(table))
			}
		}
	}
	err := s.View(func(tx chat.Tx) error {
		return tx.Range("events", 0, func(_ uint64, value []byte) (bool, error) {
			if bytes.Contains(value, []byte(text)) {
				found = append(found, "events")
			}
			return true, nil
		})
	})
	if err != nil {
		t.Fatal(err)
	}
	return found
}

// TestNothingOfTheExpiredIsLeft: not in the history, the index, the outbox or an event that
// nobody has acknowledged; and an event that nobody has read by then tells nothing.
func TestNothingOfTheExpiredIsLeft(t *testing.T) {
	w := openTwo(t)
	w.alice.setTimer(w.bob.key(), 60)
	const text = "zaubernuss"
	if _, err := w.alice.Send(context.Background(), chat.SendRequest{To: w.bob.key(), Text: text}); err != nil {
		t.Fatal(err)
	}
	eventually(t, "it to come", func() bool { return slices.Contains(w.bob.texts(w.alice), text) })
	if found := holding(t, w.stores[1], text); !slices.Contains(found, "messages") || slices.Contains(found, "events") {
		t.Fatalf("before its time is over it is in %q", found)
	}
	w.pass(61 * time.Second)
	for i, p := range []*person{w.alice, w.bob} {
		p.untilTexts(w.other(p), "hello", "hello yourself")
		eventually(t, "nothing to be left", func() bool { return len(holding(t, w.stores[i], text)) == 0 })
	}
	w.says(w.alice, w.bob, "the end", new(uint32))
	for _, e := range w.bob.events {
		if strings.Contains(string(e.Data), text) {
			t.Errorf("told of what is gone: %s %s", e.Type, e.Data)
		}
	}
}
