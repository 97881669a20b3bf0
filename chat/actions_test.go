package chat_test

import (
	"context"
	"encoding/hex"
	"fmt"
	"slices"
	"testing"

	"google.golang.org/protobuf/proto"

	"libstatus1to1/chat"
	"libstatus1to1/chat/event"
	"libstatus1to1/chat/memnet"
	"libstatus1to1/chat/message"
	"libstatus1to1/chat/protocol/key"
	"libstatus1to1/chat/wire"
	"libstatus1to1/internal/vectors"
	"libstatus1to1/store"
)

// about addresses an action of a raw peer.
func (g *rawPeer) about(target [32]byte) message.ActionParams {
	return message.ActionParams{Target: target, ChatID: g.to.Hex(), Clock: g.next()}
}

func (g *rawPeer) edit(target [32]byte, text string) {
	g.say(wire.ApplicationMetadataMessage_EDIT_MESSAGE, message.NewEdit(g.about(target), text, message.KindText, nil))
}

func (g *rawPeer) react(target [32]byte, emoji string, retract bool) {
	g.say(wire.ApplicationMetadataMessage_EMOJI_REACTION, message.NewReaction(g.about(target), emoji, retract))
}

func (g *rawPeer) pin(target [32]byte, pinned bool) {
	g.say(wire.ApplicationMetadataMessage_PIN_MESSAGE, message.NewPin(g.about(target), pinned))
}

func (g *rawPeer) delete(target [32]byte) {
	g.say(wire.ApplicationMetadataMessage_DELETE_MESSAGE, message.NewDelete(g.about(target)))
}

// done waits until all that a raw peer has said before is handled.
func (g *rawPeer) done(p *person) {
	g.t.Helper()
	id := g.text(fmt.Sprint("that was all, ", g.next()), nil)
	eventually(p.t, "the last of a peer's messages", func() bool { _, err := p.Message(id); return err == nil })
}

func (p *person) shows(id [32]byte) event.Message {
	p.t.Helper()
	m, err := p.Message(id)
	if err != nil {
		p.t.Fatal(err)
	}
	return m
}

// TestActionsOfTheWrongSigner: a contact edits, deletes, reacts to and pins what we wrote to
// them and what somebody else wrote to us. Of that only a reaction to and a pin of our own
// message to them count; and nobody but ourselves deletes anything for us.
func TestActionsOfTheWrongSigner(t *testing.T) {
	net := memnet.New(memnet.Options{Seed: 5})
	victim := newPerson(t, "victim", net)
	bob, eve := newRawPeer(t, net, victim.key()), newRawPeer(t, net, victim.key())
	for _, g := range []*rawPeer{bob, eve} {
		if _, err := victim.AddContact(g.key(), ""); err != nil {
			t.Fatal(err)
		}
	}
	bobs := bob.text("from bob", nil)
	bob.done(victim)
	sent, err := victim.Send(context.Background(), chat.SendRequest{To: eve.key(), Text: "to eve"})
	if err != nil {
		t.Fatal(err)
	}
	for _, target := range [][32]byte{bobs, mustID(t, sent.ID)} {
		eve.edit(target, "not what was written")
		eve.delete(target)
		eve.say(wire.ApplicationMetadataMessage_SYNC_DELETE_FOR_ME_MESSAGE, message.NewDeleteForMe(target, eve.next()))
		eve.react(target, "👎", false)
		eve.pin(target, true)
	}
	eve.done(victim)
	if m := victim.shows(bobs); m.Text != "from bob" || m.Edited != nil || m.Deleted != nil || len(m.Reactions) != 0 || m.Pinned {
		t.Errorf("bob's message is now %+v", m)
	}
	if m := victim.shows(mustID(t, sent.ID)); m.Text != "to eve" || m.Edited != nil || m.Deleted != nil || len(m.Reactions) != 1 || !m.Pinned {
		t.Errorf("our message to eve is now %+v", m)
	}
}

// TestActionsBeforeTheirMessage: what comes before its message is applied when that comes,
// whoever may not have done it is ignored, and a deletion leaves no text waiting.
func TestActionsBeforeTheirMessage(t *testing.T) {
	net := memnet.New(memnet.Options{Seed: 6})
	s := store.Memory()
	victim := openPerson(t, "victim", s, net.Join(), fast)
	if _, _, err := victim.CreateIdentity(context.Background(), 12, ""); err != nil {
		t.Fatal(err)
	}
	bob, eve := newRawPeer(t, net, victim.key()), newRawPeer(t, net, victim.key())
	for _, g := range []*rawPeer{bob, eve} {
		if _, err := victim.AddContact(g.key(), ""); err != nil {
			t.Fatal(err)
		}
	}
	clock := bob.next()
	later, id := bob.envelope(wire.ApplicationMetadataMessage_CHAT_MESSAGE, chatMessage(victim, "as it was", clock), false)
	gone, goneID := bob.envelope(wire.ApplicationMetadataMessage_CHAT_MESSAGE, chatMessage(victim, "a secret", clock+1), false)
	bob.edit(id, "first edit")
	bob.edit(id, "last edit")
	bob.react(id, "👍", false)
	bob.bare(wire.ApplicationMetadataMessage_EMOJI_REACTION, message.NewReaction(bob.about(id), "🎅🏾", false))
	eve.edit(id, "eve's edit")
	eve.delete(id)
	bob.edit(goneID, "an edited secret")
	bob.delete(goneID)
	bob.edit(goneID, "another edited secret")
	bob.done(victim)
	eve.done(victim)
	for _, v := range records(t, s, "waiting") {
		var rec wire.WaitingRecord
		if err := proto.Unmarshal(v, &rec); err != nil {
			t.Fatal(err)
		}
		for _, w := range rec.GetActions() {
			a, err := message.DecodeAction(wire.ApplicationMetadataMessage_Type(w.GetType()), w.GetPayload())
			if err != nil || a.Target == goneID && a.Edit != nil {
				t.Errorf("%s waits beside the deletion, %v", w.GetSubject(), err)
			}
		}
	}
	net.Inject(later)
	net.Inject(gone)
	bob.done(victim)
	if m := victim.shows(id); m.Text != "last edit" || m.Edited == nil || len(m.Reactions) != 2 || m.Deleted != nil {
		t.Errorf("the message is %+v", m)
	}
	if m := victim.shows(goneID); m.Text != "" || m.Deleted == nil || m.Deleted.By != bob.key().Hex() || !m.Read {
		t.Errorf("the deleted message is %+v", m)
	}
	if left := records(t, s, "waiting"); len(left) != 1 {
		t.Errorf("%d records wait, want that of eve's", len(left))
	}
	victim.sound()
}

// TestHostileReactions: a contact toggles reactions and pins without end, with all emoji there
// are. The message stays small, and few events wait.
func TestHostileReactions(t *testing.T) {
	n := 3000
	if testing.Short() {
		n = 500
	}
	b := newBesieged(t)
	eve := newRawPeer(t, b.net, b.victim.key())
	if _, err := b.victim.AddContact(eve.key(), ""); err != nil {
		t.Fatal(err)
	}
	target := eve.text("a target", nil)
	eve.done(b.victim)
	before, err := b.victim.Diagnostics()
	if err != nil {
		t.Fatal(err)
	}
	for i := range n {
		eve.react(target, string(rune(0x1f600+i%80)), i%3 == 0)
		if i%10 == 0 {
			eve.pin(target, i%20 == 0)
		}
	}
	eve.done(b.victim)
	for name, v := range records(t, b.store, "messages") {
		if name == string(target[:]) && len(v) > 40*160 {
			t.Errorf("the message has %d bytes", len(v))
		}
	}
	if m := b.victim.shows(target); len(m.Reactions) > message.MaxReactionsEach {
		t.Errorf("the message has %d reactions", len(m.Reactions))
	}
	after, err := b.victim.Diagnostics()
	if err != nil {
		t.Fatal(err)
	}
	if more := after.EventsWaiting - before.EventsWaiting; more > 10 {
		t.Errorf("%d events wait", more)
	}
	b.honest(t)
}

// TestHostileWaiting: strangers, contacts and blocked people do things to messages that do not
// exist. Each has a bound, and who is blocked is refused where they would be if they were not.
func TestHostileWaiting(t *testing.T) {
	acknowledged := map[string]int{}
	for _, who := range []string{"stranger", "blocked stranger", "contact", "blocked contact"} {
		bound, n := 64, 90
		contact := who == "contact" || who == "blocked contact"
		if contact {
			bound, n = 1000, 1040
			if testing.Short() {
				continue
			}
		}
		b := newBesieged(t)
		eve := newRawPeer(t, b.net, b.victim.key())
		if contact {
			if _, err := b.victim.AddContact(eve.key(), ""); err != nil {
				t.Fatal(err)
			}
		}
		eve.text("hello", nil)
		eventually(t, "the first message", func() bool { c, err := b.victim.Chat(eve.key()); return err == nil && c.Messages == 1 })
		if who == "blocked stranger" || who == "blocked contact" {
			if _, err := b.victim.BlockContact(eve.key()); err != nil {
				t.Fatal(err)
			}
		}
		for i := range n {
			eve.edit([32]byte{byte(i), byte(i >> 8), 1}, fmt.Sprint("an edit of nothing ", i))
		}
		b.honest(t)
		waiting, size := 0, 0
		for _, v := range records(t, b.store, "waiting") {
			var rec wire.WaitingRecord
			if err := proto.Unmarshal(v, &rec); err != nil {
				t.Fatal(err)
			}
			waiting += len(rec.GetActions())
			for _, w := range rec.GetActions() {
				size += len(w.GetPayload())
			}
		}
		if acknowledged[who] = waiting; waiting != bound {
			t.Errorf("%d actions of a %s wait, want %d", waiting, who, bound)
		}
		if (who == "blocked stranger" || who == "blocked contact") && size != 0 {
			t.Errorf("%d bytes of a %s are kept", size, who)
		}
		b.victim.sound()
	}
	t.Log(acknowledged)
}

// TestEditsLeaveTheOutbox: what was edited or deleted before it went out does not go out.
func TestEditsLeaveTheOutbox(t *testing.T) {
	net := memnet.New(memnet.Options{Seed: 9})
	s := store.Memory()
	alice := openPerson(t, "alice", s, net.Join(), fast)
	if _, _, err := alice.CreateIdentity(context.Background(), 12, ""); err != nil {
		t.Fatal(err)
	}
	away := newRawPeer(t, net, alice.key()) // acknowledges nothing
	ctx := context.Background()
	m, err := alice.Send(ctx, chat.SendRequest{To: away.key(), Text: "a first secret"})
	if err != nil {
		t.Fatal(err)
	}
	id := mustID(t, m.ID)
	for i := range 5 {
		if m, err = alice.EditMessage(ctx, id, fmt.Sprint("secret ", i)); err != nil || m.Text != fmt.Sprint("secret ", i) {
			t.Fatalf("%+v, %v", m, err)
		}
	}
	rows := func() (n int) { return len(records(t, s, "#outbox")) }
	if got := rows(); got != 2 {
		t.Errorf("%d rows for a message and its last edit", got)
	}
	for _, retract := range []bool{false, true, false} {
		if _, err := alice.React(ctx, id, "👍", retract); err != nil {
			t.Fatal(err)
		}
	}
	if got := rows(); got != 3 {
		t.Errorf("%d rows with the last word on a reaction", got)
	}
	if m, err = alice.DeleteMessage(ctx, id, true); err != nil || m.Text != "" || m.Deleted == nil || !m.Deleted.ForEveryone {
		t.Fatalf("%+v, %v", m, err)
	}
	if got := rows(); got != 1 {
		t.Errorf("%d rows after the deletion", got)
	}
	if _, err := alice.EditMessage(ctx, id, "again"); chat.CodeOf(err) != chat.CodeWrongState {
		t.Errorf("a deleted message is edited: %v", err)
	}
	alice.sound()
}

// TestActionErrors: each call that may not be done says why.
func TestActionErrors(t *testing.T) {
	net := memnet.New(memnet.Options{Seed: 10})
	alice := newPerson(t, "alice", net)
	bob := newRawPeer(t, net, alice.key())
	if _, err := alice.AddContact(bob.key(), ""); err != nil {
		t.Fatal(err)
	}
	theirs := bob.text("theirs", nil)
	bob.done(alice)
	ctx := context.Background()
	sent, err := alice.Send(ctx, chat.SendRequest{To: bob.key(), Text: "ours"})
	if err != nil {
		t.Fatal(err)
	}
	ours := mustID(t, sent.ID)
	sticker, err := alice.Send(ctx, chat.SendRequest{To: bob.key(), Sticker: &event.Sticker{Hash: "e301", Pack: 1}})
	if err != nil {
		t.Fatal(err)
	}
	call := func(_ event.Message, err error) error { return err }
	for name, c := range map[string]struct {
		err   error
		code  chat.Code
		field string
	}{
		"edit nothing":       {call(alice.EditMessage(ctx, [32]byte{1}, "x")), chat.CodeNotFound, "message_id"},
		"edit theirs":        {call(alice.EditMessage(ctx, theirs, "x")), chat.CodeWrongState, "message_id"},
		"edit a sticker":     {call(alice.EditMessage(ctx, mustID(t, sticker.ID), "x")), chat.CodeWrongState, "message_id"},
		"edit to nothing":    {call(alice.EditMessage(ctx, ours, " ")), chat.CodeEmpty, "text"},
		"delete theirs":      {call(alice.DeleteMessage(ctx, theirs, true)), chat.CodeWrongState, "message_id"},
		"react with words":   {call(alice.React(ctx, theirs, "hi", false)), chat.CodeBadParams, "emoji"},
		"pin nothing":        {call(alice.Pin(ctx, [32]byte{1}, true)), chat.CodeNotFound, "message_id"},
		"retract nothing":    {call(alice.React(ctx, theirs, "👍", true)), chat.CodeInternal, ""},
		"edit to the same":   {call(alice.EditMessage(ctx, ours, "ours")), chat.CodeInternal, ""},
		"delete for me":      {call(alice.DeleteMessage(ctx, theirs, false)), chat.CodeInternal, ""},
		"react to a deleted": {call(alice.React(ctx, theirs, "👍", false)), chat.CodeWrongState, "message_id"},
	} {
		e, _ := c.err.(*chat.Error)
		if c.code == chat.CodeInternal {
			if c.err != nil {
				t.Errorf("%s: %v", name, c.err)
			}
		} else if e == nil || e.Code != c.code || e.Field != c.field {
			t.Errorf("%s: %v, want %s of %s", name, c.err, c.code, c.field)
		}
	}
	for i := range 20 {
		if _, err := alice.React(ctx, ours, string(rune(0x1f600+i)), false); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := alice.React(ctx, ours, "👍", false); chat.CodeOf(err) != chat.CodeTooMany {
		t.Errorf("the 21st emoji: %v", err)
	}
	if _, err := alice.BlockContact(bob.key()); err != nil {
		t.Fatal(err)
	}
	if _, err := alice.Pin(ctx, ours, true); chat.CodeOf(err) != chat.CodeBlocked {
		t.Errorf("a pin for somebody blocked: %v", err)
	}
}

// TestVectorActions gives the edits, deletions, reactions and pins that status-go sent to an
// engine with the identity of the recorded receiver, in their order and in reverse.
func TestVectorActions(t *testing.T) {
	var file struct {
		People     map[string]struct{ Private, Public string }
		References map[string]string
		Messages   []struct {
			From  string
			Bytes string
		}
	}
	vectors.Read(t, "application.json", &file)
	private := func(name string) key.Private {
		b, err := hex.DecodeString(trimHex(file.People[name].Private))
		if err != nil {
			t.Fatal(err)
		}
		k, err := key.ParsePrivate(b)
		if err != nil {
			t.Fatal(err)
		}
		return k
	}
	library, alice := private("library"), private("alice")
	numbers := []int{6, 7, 8, 10, 11, 12, 13, 14, 15, 16, 17, 18, 31, 33, 39, 40, 41}
	backwards := slices.Clone(numbers)
	slices.Reverse(backwards)
	for name, order := range map[string][]int{"in order": numbers, "reversed": backwards} {
		t.Run(name, func(t *testing.T) {
			net := memnet.New(memnet.Options{Seed: 11})
			s := store.Memory()
			target := mustID(t, file.References["target_of_lib"])
			in := message.ConversationWith(alice.Public())
			rec := &wire.MessageRecord{Id: target[:], Chat: in.Bytes(), From: library.Public().Compressed(), Kind: "text", Text: "a target", Clock: 1, SentAt: 1, State: "sent", Outgoing: true, Read: true}
			err := s.Update(func(tx chat.Tx) error {
				if err := tx.Put("messages", target[:], marshalled(t, rec)); err != nil {
					return err
				}
				if _, err := tx.Insert(in.Bytes(), chat.Position{Clock: 1, ID: target}); err != nil {
					return err
				}
				return tx.Put("chats", in.Bytes(), marshalled(t, &wire.ChatRecord{Key: in.Bytes(), Clock: 1, LastMessageId: target[:], LastMessageClock: 1}))
			})
			if err != nil {
				t.Fatal(err)
			}
			p := openPerson(t, "library", s, net.Join(), fast)
			if _, err := p.ImportIdentity(context.Background(), library, "library"); err != nil {
				t.Fatal(err)
			}
			if _, err := p.AddContact(alice.Public(), ""); err != nil {
				t.Fatal(err)
			}
			g := &rawPeer{t: t, net: net, self: alice, to: library.Public()}
			ids := map[int][32]byte{}
			for _, i := range order {
				b, err := hex.DecodeString(file.Messages[i].Bytes)
				if err != nil {
					t.Fatal(err)
				}
				ids[i] = message.ID(alice.Public(), b)
				net.Inject(g.sealed(b))
			}
			g.done(p)
			if m := p.shows(ids[6]); m.Deleted == nil || m.Text != "" || m.Edited != nil {
				t.Errorf("the text that was edited twice and deleted: %+v", m)
			}
			if m := p.shows(ids[39]); m.Deleted == nil || !m.Deleted.ForEveryone {
				t.Errorf("the deleted text: %+v", m)
			}
			if m := p.shows(ids[10]); m.Text == "" || m.ReplyTo != file.References["target_of_lib"] {
				t.Errorf("the answer: %+v", m)
			}
			m, got := p.shows(target), []string{}
			for _, r := range m.Reactions {
				got = append(got, r.Emoji)
			}
			slices.Sort(got)
			want := []string{"❤️", "👍", "👎", "😠"}
			slices.Sort(want)
			if !slices.Equal(got, want) || m.Pinned {
				t.Errorf("reactions %q, pinned %v", got, m.Pinned)
			}
			p.sound()
		})
	}
}

func trimHex(s string) string {
	if len(s) > 2 && s[:2] == "0x" {
		return s[2:]
	}
	return s
}
