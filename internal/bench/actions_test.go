package bench

import (
	"context"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"testing"

	"libstatus1to1/chat"
	"libstatus1to1/chat/event"
)

// actionSum is an action on a message: as a message, with the record of the message it is
// about, which is read and written on both sides, in place of a new one and its place.
var actionSum = acceptSum.plus(chatSum, attemptSum, publishedSum, envelopeSum, messageSum, chatSum, layers(messageBytes), stored(2*messageBytes))

// BenchmarkReaction is messages.react until the other side has taken the event, one after the
// other; every second takes the reaction back.
func BenchmarkReaction(b *testing.B) {
	act(b, "reaction", func(p *person, id [32]byte, i int) error {
		_, err := p.React(context.Background(), id, "👍", i%2 == 1)
		return err
	})
}

// BenchmarkEdit is messages.edit until the other side has taken the event, one after the other.
func BenchmarkEdit(b *testing.B) {
	act(b, "edit", func(p *person, id [32]byte, i int) error {
		_, err := p.EditMessage(context.Background(), id, fmt.Sprint("as it is after edit ", i))
		return err
	})
}

// act measures an action on one message.
func act(b *testing.B, name string, do func(p *person, id [32]byte, i int) error) {
	needs(name, actionSum)
	w := newStopwatch(b)
	alice, bob := acquainted(b, false)
	sent, err := alice.Send(context.Background(), chat.SendRequest{To: bob.key, Text: "as it was"})
	if err != nil {
		b.Fatal(err)
	}
	bob.hear(1)
	var id [32]byte
	if _, err := hex.Decode(id[:], []byte(sent.ID[2:])); err != nil {
		b.Fatal(err)
	}
	for i := range b.N {
		w.start()
		if err := do(alice, id, i); err != nil {
			b.Fatal(err)
		}
		bob.seeChange(sent.ID)
		w.stop()
	}
	w.done(name, b.N)
}

// seeChange waits for the change of a message, as a host does.
func (p *person) seeChange(id string) {
	p.b.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	for {
		e, err := p.NextEvent(ctx)
		if err != nil || e == nil {
			p.b.Fatalf("no change came: %v", err)
		}
		if e.Type != (event.MessageChanged{}).Type() {
			continue
		}
		var changed event.MessageChanged
		if err := json.Unmarshal(e.Data, &changed); err != nil {
			p.b.Fatal(err)
		}
		if changed.Message.ID == id {
			p.forget(e.Seq)
			return
		}
	}
}
