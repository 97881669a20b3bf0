package ledger

import (
	"bytes"
	"encoding/json"
	"testing"

	"libstatus1to1/chat/event"
	"libstatus1to1/chat/port"
)

// stored are the events that wait, as they are stored.
func (l *Ledger) stored(t *testing.T) (all [][]byte) {
	t.Helper()
	err := l.View(func(tx port.Tx) error {
		return tx.Range(QueueEvents, 0, func(_ uint64, value []byte) (bool, error) {
			all = append(all, bytes.Clone(value))
			return true, nil
		})
	})
	if err != nil {
		t.Fatal(err)
	}
	return all
}

// The event of a message that has come does not hold it: it is put in when the event is
// handed out, and nobody is told of one that is gone.
func TestArrivalsNameTheirMessages(t *testing.T) {
	l, texts := changing(t, 1000)
	texts["here"], texts["gone"] = "a secret", "another secret"
	for _, id := range []string{"here", "gone"} {
		if err := l.Update(func(tx *Tx) error { return tx.EmitArrival(Arrival{From: "0x04", ChatID: "0x04", MessageID: id}) }); err != nil {
			t.Fatal(err)
		}
	}
	if b := bytes.Join(l.stored(t), nil); bytes.Contains(b, []byte("secret")) {
		t.Errorf("stored is %s", b)
	}
	delete(texts, "gone")
	got := l.waiting(t)
	if len(got) != 1 || got[0].Type != (event.MessageReceived{}).Type() || !bytes.Contains(got[0].Data, []byte(`"text":"a secret"`)) {
		t.Errorf("told %v", got)
	}
}

// Requests and chats get what is said in them when they are handed out. A contact asks also
// when their message is gone, and a chat that has begun with it is nothing then.
func TestRequestsAndChatsAreWhole(t *testing.T) {
	l, texts := changing(t, 1000)
	texts["here"], texts["gone"] = "a secret", "another secret"
	from := event.Contact{PublicKey: "0x04", DisplayName: "bob"}
	for _, id := range []string{"here", "gone"} {
		err := l.Update(func(tx *Tx) error {
			for _, e := range []event.Event{event.ContactRequestReceived{}, event.ChatRequestReceived{}} {
				if err := tx.EmitAsking(e, from, id); err != nil {
					return err
				}
			}
			last := event.Message{Text: "an older secret"}
			return tx.EmitChat(event.ChatChanged{Chat: event.Chat{ChatID: id, Muted: true, Draft: "a secret draft", LastMessage: &last}, Cause: "muted"})
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	if b := bytes.Join(l.stored(t), nil); bytes.Contains(b, []byte("secret")) {
		t.Errorf("stored is %s", b)
	}
	delete(texts, "gone")
	got := l.waiting(t)
	if len(got) != 5 {
		t.Fatalf("told %v", got)
	}
	for i, text := range []string{"a secret", "a secret", "a secret", "none", "none"} {
		var e struct {
			Contact event.Contact
			Message *event.Message
			Chat    *event.Chat
			Cause   string
		}
		if err := json.Unmarshal(got[i].Data, &e); err != nil {
			t.Fatal(err)
		}
		said := "none"
		if e.Chat != nil {
			if e.Message = e.Chat.LastMessage; !e.Chat.Muted || e.Cause != "muted" || (e.Chat.Draft == "a draft") != (text != "none") {
				t.Errorf("event %d: %s", i, got[i].Data)
			}
		} else if e.Contact.DisplayName != "bob" {
			t.Errorf("event %d: %s", i, got[i].Data)
		}
		if e.Message != nil {
			said = e.Message.Text
		}
		if said != text {
			t.Errorf("event %d says %q, want %q", i, said, text)
		}
	}
}

// What an earlier version has stored whole is handed out as it is.
func TestWholeEventsOfBefore(t *testing.T) {
	l, _ := changing(t, 1000)
	message := event.Message{ID: "0x01", Text: "as it came"}
	for _, e := range []event.Event{
		event.MessageReceived{Message: message}, event.MessageChanged{Message: message, Cause: "edited"},
		event.ContactRequestReceived{Message: &message}, event.ContactRequestReceived{}, event.ChatRequestReceived{Message: message},
	} {
		if err := l.Update(func(tx *Tx) error { return tx.Emit(e) }); err != nil {
			t.Fatal(err)
		}
		want, _ := json.Marshal(e)
		if got := l.waiting(t); len(got) != 1 || !bytes.Equal(got[0].Data, want) {
			t.Errorf("told %v, want %s", got, want)
		}
	}
}
