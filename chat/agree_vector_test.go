package chat_test

import (
	"context"
	"encoding/hex"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"libstatus1to1/chat"
	"libstatus1to1/chat/event"
	"libstatus1to1/chat/memnet"
	"libstatus1to1/chat/protocol/datasync"
	"libstatus1to1/chat/protocol/key"
	"libstatus1to1/chat/wire"
	"libstatus1to1/internal/vectors"
	"libstatus1to1/store"
)

// recordedApp is application.json: what a Status app said above the encryption layer.
type recordedApp struct {
	People map[string]struct {
		Private        prefixedHex `json:"private"`
		InstallationID string      `json:"installation_id"`
	} `json:"people"`
	Messages []struct {
		From  string      `json:"from"`
		Type  int32       `json:"type"`
		Bytes prefixedHex `json:"bytes"`
	} `json:"messages"`
}

// prefixedHex is hex with 0x, as application.json has it.
type prefixedHex []byte

func (h *prefixedHex) UnmarshalText(b []byte) (err error) {
	*h, err = hex.DecodeString(strings.TrimPrefix(string(b), "0x"))
	return err
}

func (h prefixedHex) Private(t *testing.T) key.Private { return vectors.Hex(h).Private(t) }

// firstOfOwnApp is the first message in application.json of the app that has the library's
// own identity.
const firstOfOwnApp = 68

// TestVectorOwnDevices: what a Status app of the own identity told its other device, and what its
// contacts sent meanwhile, comes to the same in order, backwards and shuffled: Carol was asked,
// accepted, and was blocked; Alice is a mutual contact; the name is the app's; nothing is
// reported as unknown.
func TestVectorOwnDevices(t *testing.T) {
	var file recordedApp
	vectors.Read(t, "application.json", &file)
	n := len(file.Messages) - firstOfOwnApp
	order := make([]int, n)
	for i := range order {
		order[i] = firstOfOwnApp + i
	}
	first := ""
	play := func(name string, order []int) {
		t.Run(name, func(t *testing.T) {
			got := playOwnApp(t, &file, order)
			if first == "" {
				first = got
			}
			if got != first {
				t.Errorf("came to\n%s\nin order to\n%s", got, first)
			}
		})
	}
	play("in order", order)
	backwards := make([]int, n)
	for i := range order {
		backwards[n-1-i] = order[i]
	}
	play("backwards", backwards)
	for seed := range uint64(4) {
		shuffled := append([]int(nil), order...)
		rand.New(rand.NewPCG(seed, 2)).Shuffle(n, func(i, j int) { shuffled[i], shuffled[j] = shuffled[j], shuffled[i] })
		play(fmt.Sprint("shuffled by ", seed), shuffled)
	}
}

// playOwnApp gives the messages to an engine in an order, and returns what they come to.
func playOwnApp(t *testing.T, file *recordedApp, order []int) string {
	t.Helper()
	net := memnet.New(memnet.Options{Seed: 23})
	newPerson(t, "somebody to publish to", net)
	own := file.People["library"].Private.Private(t)
	w := &withApp{t: t, net: net, k: own, person: openPerson(t, "library", store.Memory(), net.Join(), fast)}
	if _, err := w.ImportIdentity(context.Background(), own, ""); err != nil {
		t.Fatal(err)
	}
	senders := map[string]*mallory{}
	for _, name := range []string{"own_app", "alice", "carol"} {
		p := file.People[name]
		m := ownApp(t, net, p.Private.Private(t), p.InstallationID)
		m.victim, m.session.Identity = w.key(), w.key()
		senders[m.public.Hex()] = m
		if name == "own_app" {
			w.app = m
			w.enabled(m)
		}
	}
	for i, at := range order {
		r := file.Messages[at]
		if typ := wire.ApplicationMetadataMessage_Type(r.Type); typ == wire.ApplicationMetadataMessage_CONTACT_CODE_ADVERTISEMENT || typ == wire.ApplicationMetadataMessage_STATUS_UPDATE {
			continue // in the clear, and not about own devices
		}
		from := senders[r.From]
		sync := datasync.Message{GroupID: datasync.GroupID(from.public, w.key()), Timestamp: time.Now().Unix() + int64(i), Body: r.Bytes}
		net.Inject(from.envelope(from.encrypted(from.sync(datasync.Payload{Messages: []datasync.Message{sync}}), nil)))
	}
	alice := senders[file.People["alice"].Private.Private(t).Public().Hex()]
	net.Inject(alice.envelope(alice.encrypted(alice.sync(datasync.Payload{Messages: []datasync.Message{alice.text("the end")}}), nil)))
	w.waitText("the end")
	w.sound()
	for _, e := range w.events {
		if e.Type == (event.UnsupportedReceived{}).Type() {
			t.Errorf("%s", e.Data)
		}
	}
	return w.cameTo(alice.public, file.People["carol"].Private.Private(t).Public())
}

// cameTo checks and describes what the recorded messages came to.
func (w *withApp) cameTo(alice, carol key.Public) string {
	w.t.Helper()
	a, aErr := w.Contact(alice)
	c, cErr := w.Contact(carol)
	profile, pErr := w.Profile()
	texts, tErr := w.Messages(alice, chat.PageRequest{Limit: chat.MaxPage})
	chats, lErr := w.Chats(chat.PageRequest{Limit: chat.MaxPage})
	for _, err := range []error{aErr, cErr, pErr, tErr, lErr} {
		if err != nil {
			w.t.Fatal(err)
		}
	}
	if a.Request != "mutual" || a.Trust != "mutual" || !a.Added || c.Trust != "blocked" || c.Added || c.Request != "declined" {
		w.t.Errorf("Alice %+v\nCarol %+v", a, c)
	}
	if profile.DisplayName != "Bob Library" || profile.Bio != "" || profile.Picture != nil {
		w.t.Errorf("the profile %+v", profile)
	}
	var lines []string
	for _, m := range texts.Items {
		if m.Text != "the end" {
			lines = append(lines, fmt.Sprintf("%s %v %s", m.ID, m.Outgoing, m.Text))
		}
	}
	for _, chat := range chats.Items {
		if chat.ChatID == w.key().Hex() {
			w.t.Errorf("the chat with oneself is listed")
		}
	}
	// Alice's update has our own name for hers: whether it came before a later one is by chance.
	a.DisplayName, c.DisplayName = "", ""
	return marshalJSON(w.t, []any{a, c, profile}) + strings.Join(lines, "\n")
}
