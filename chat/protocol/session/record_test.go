package session_test

import (
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"

	"google.golang.org/protobuf/proto"

	"libstatus1to1/chat/protocol/session"
	"libstatus1to1/chat/wire"
)

func TestRecordKeepsSkippedKeys(t *testing.T) {
	w := newWorld(t, 1)
	alice, bob := w.people()
	alice.learn(bob)
	var sent [][]byte
	for i := range 5 {
		sent = append(sent, alice.send(fmt.Sprint(i)))
	}
	bob.read(sent[4], "4")
	for i := range 4 {
		bob.restart()
		bob.read(sent[i], fmt.Sprint(i))
	}
	bob.restart()
	alice.restart()
	exchange(alice, bob, 2)
	sameSession(alice, bob)
}

func TestSkippedChangesWritesOnlyWhatChanged(t *testing.T) {
	w := newWorld(t, 1)
	alice, bob := w.people()
	alice.learn(bob)
	stored := map[string]bool{}
	step := func(what string, m []byte, text string, written, deleted int) {
		t.Helper()
		before := bob.peer
		bob.read(m, text)
		for _, ch := range bob.peer.SkippedChanges(before) {
			if ch.Keys == nil {
				deleted--
				if !stored[string(ch.Name)] {
					t.Errorf("%s: deletes what is not there", what)
				}
			} else {
				written--
			}
			stored[string(ch.Name)] = ch.Keys != nil
		}
		if written != 0 || deleted != 0 {
			t.Errorf("%s: %d more to write, %d more to delete", what, written, deleted)
		}
	}
	step("the first message", alice.send("0"), "0", 0, 0)
	step("the next in order", alice.send("1"), "1", 0, 0)
	alice.read(bob.send("x"), "x")
	step("a ratchet step in order", alice.send("2"), "2", 0, 0)
	late, later := alice.send("3"), alice.send("4")
	step("one is missing", alice.send("5"), "5", 1, 0)
	step("in order behind the gap", alice.send("6"), "6", 0, 0)
	step("one that was missing", later, "4", 1, 0)
	step("the last that was missing", late, "3", 0, 1)

	gone := alice.send("gone")
	step("a gap again", alice.send("7"), "7", 1, 0)
	without := session.Peer{Identity: bob.peer.Identity}
	if ch := without.SkippedChanges(bob.peer); len(ch) != 1 || ch[0].Keys != nil {
		t.Errorf("a forgotten session leaves %d changes", len(ch))
	}
	_ = gone
}

func TestSkippedKeyNamesAreDistinct(t *testing.T) {
	w := newWorld(t, 1)
	id, ephemeral := w.key().Public(), w.key().Public()
	names := map[string]bool{}
	list := []session.Session{
		{ID: id, InstallationID: "x"},
		{ID: id, InstallationID: "y"},
		{ID: ephemeral, InstallationID: "x"},
		{ID: id, InstallationID: "x", RemoteEphemeral: ephemeral},
		{ID: id, InstallationID: "y", RemoteEphemeral: ephemeral},
		{ID: id, InstallationID: string(ephemeral.Compressed()) + "x"},
		{ID: id, InstallationID: "t" + string(ephemeral.Compressed()) + "x"},
	}
	for _, s := range list {
		for _, who := range []session.Peer{{Identity: id}, {Identity: ephemeral}} {
			names[string(session.SkippedKey(who.Identity, s))] = true
		}
	}
	if len(names) != 2*len(list) {
		t.Errorf("%d names for %d sessions", len(names), 2*len(list))
	}
}

func TestDamagedRecords(t *testing.T) {
	alice, bob, onTheWay := talked(t)
	alice.send("skipped")
	bob.read(alice.send("behind"), "behind")
	_ = onTheWay
	none := func([]byte) ([]byte, error) { return nil, nil }
	for what, damage := range map[string]func(*wire.PeerRecord){
		"a pre-key that is none":    func(r *wire.PeerRecord) { r.Installations[0].SignedPreKey = []byte{2} },
		"a session id that is none": func(r *wire.PeerRecord) { r.Sessions[0].Id = nil },
		"a short order":             func(r *wire.PeerRecord) { r.Sessions[0].Order = r.GetSessions()[0].GetOrder()[1:] },
		"an ephemeral of 1 byte":    func(r *wire.PeerRecord) { r.Sessions[0].Ephemeral = []byte{2} },
		"a remote one of 1 byte":    func(r *wire.PeerRecord) { r.Sessions[0].RemoteEphemeral = []byte{2} },
		"begun by both":             func(r *wire.PeerRecord) { r.Sessions[0].Ephemeral = r.GetSessions()[0].GetRemoteEphemeral() },
		"no ratchet":                func(r *wire.PeerRecord) { r.Sessions[0].Ratchet = nil },
		"no skipped keys":           func(*wire.PeerRecord) {},
	} {
		r := proto.CloneOf(bob.peer.Record())
		damage(r)
		if _, err := session.FromRecord(bob.peer.Identity, r, none); !errors.Is(err, session.ErrRecord) {
			t.Errorf("%s: %v", what, err)
		}
	}
	failing := errors.New("disk")
	if _, err := session.FromRecord(bob.peer.Identity, bob.peer.Record(), func([]byte) ([]byte, error) { return nil, failing }); !errors.Is(err, failing) {
		t.Errorf("a failing store: %v", err)
	}
}

// Nothing of a session prints a secret.
func TestRedaction(t *testing.T) {
	alice, bob, _ := talked(t)
	alice.send("skipped")
	bob.read(alice.send("behind"), "behind")
	own, _ := bob.self.PreKeys.Current()
	secrets := map[string][]byte{
		"identity": bob.self.Identity.Bytes(), "pre-key": own.Private.Bytes(),
		"order": bob.peer.Record().GetSessions()[0].GetOrder(), "root key": bob.peer.Record().GetSessions()[0].GetRatchet()[1:33],
	}
	changes := bob.peer.SkippedChanges(session.Peer{})
	if len(changes) != 1 {
		t.Fatal("no skipped keys to look for")
	}
	secrets["skipped key"] = changes[0].Keys[len(changes[0].Keys)-32:]
	for _, v := range []any{bob.self, &bob.self, bob.peer, &bob.peer, bob.peer.Sessions[0], bob.peer.Sessions, changes, changes[0], bob.peer.Sessions[0].Order} {
		var printed []string
		for _, verb := range []string{"%v", "%+v", "%#v", "%x", "%X", "%s", "%q", "%d"} {
			printed = append(printed, fmt.Sprintf(verb, v))
		}
		b, err := json.Marshal(v)
		if err != nil {
			t.Fatal(err)
		}
		for name, secret := range secrets {
			for _, text := range append(printed, string(b)) {
				for _, form := range []string{hex.EncodeToString(secret), strings.ToUpper(hex.EncodeToString(secret)), strings.Trim(fmt.Sprint(secret), "[]"), fmt.Sprintf("%q", secret), string(secret)} {
					if strings.Contains(text, form) {
						t.Errorf("%T shows the %s", v, name)
					}
				}
			}
		}
	}
}
