package chat_test

import (
	"context"
	"testing"
	"time"

	"libstatus1to1/chat"
	"libstatus1to1/chat/message"
	"libstatus1to1/chat/wire"
)

// TestWaitingForWhatComesTooLate: what has waited for a message goes when that comes and its time
// was over before, and so does what comes after that.
func TestWaitingForWhatComesTooLate(t *testing.T) {
	w := openTwo(t)
	g := newRawPeer(t, w.net, w.bob.key())
	if _, err := w.bob.AddContact(g.key(), ""); err != nil {
		t.Fatal(err)
	}
	clock := g.next()
	late, id := g.envelope(wire.ApplicationMetadataMessage_CHAT_MESSAGE, message.NewChatMessage(message.ChatParams{
		TextParams: message.TextParams{Text: "as it was", ChatID: w.bob.key().Hex(), Clock: clock, Timestamp: clock}, ExpiresIn: 60,
	}), false)
	g.edit(id, "zqxsecret of an edit")
	g.react(id, "👍", false)
	g.pin(id, true)
	g.done(w.bob)
	w.keeps(t, 1, "zqxsecret")
	if n := len(records(t, w.stores[1], "waiting")); n != 1 {
		t.Fatalf("%d records wait", n)
	}
	w.pass(2 * time.Minute)
	w.net.Inject(late)
	g.done(w.bob)
	w.forgets(t, 1, "zqxsecret")
	if _, err := w.bob.Message(id); chat.CodeOf(err) != chat.CodeNotFound {
		t.Errorf("the message is there: %v", err)
	}
	g.edit(id, "zqxsecret, again")
	g.delete(id)
	g.done(w.bob)
	if n := len(records(t, w.stores[1], "waiting")); n != 0 {
		t.Errorf("%d records wait for what has expired", n)
	}
	w.forgets(t, 1, "zqxsecret")
	w.bob.sound()
}

// TestDeletedForMeBeforeDelivery: a message of ours that we delete for ourselves is still for the
// other person, so its text stays in the outbox until they have it, and then it is nowhere.
func TestDeletedForMeBeforeDelivery(t *testing.T) {
	w := openTwo(t)
	bob := w.bob.key()
	if err := w.bob.Close(); err != nil {
		t.Fatal(err)
	}
	ctx := context.Background()
	m, err := w.alice.Send(ctx, chat.SendRequest{To: bob, Text: "zqxsecret as written"})
	if err != nil {
		t.Fatal(err)
	}
	id := mustID(t, m.ID)
	if _, err := w.alice.EditMessage(ctx, id, "zqysecret as edited"); err != nil {
		t.Fatal(err)
	}
	if m, err := w.alice.DeleteMessage(ctx, id, false); err != nil || m.Text != "" || m.Deleted == nil || m.Deleted.ForEveryone {
		t.Fatalf("%+v, %v", m, err)
	}
	for _, secret := range []string{"zqxsecret", "zqysecret"} {
		eventually(t, "the text to be in the outbox only", func() bool {
			in := w.noted(0).where(t, []byte(secret))
			return len(in) == 1 && in[0] == "#outbox"
		})
	}
	w.bob = w.open(t, 1)
	eventually(t, "bob to have the message", func() bool {
		w.pass(time.Minute) // alice sends it again
		m, err := w.bob.Message(id)
		return err == nil && m.Text == "zqysecret as edited" && m.Deleted == nil
	})
	for _, secret := range []string{"zqxsecret", "zqysecret"} {
		eventually(t, "nothing of it to be left with alice", func() bool {
			w.pass(time.Second)
			return len(w.noted(0).where(t, []byte(secret))) == 0
		})
	}
	if got := w.alice.shows(id); got.State != "delivered" || got.Deleted == nil || got.Text != "" {
		t.Errorf("it is %+v", got)
	}
	w.alice.sound()
}
