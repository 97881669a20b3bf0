package main

import (
	"bufio"
	"crypto/rand"
	"encoding/json"
	"io"
	"reflect"
	"strings"
	"testing"

	wakupb "github.com/waku-org/go-waku/waku/v2/protocol/pb"
	"google.golang.org/protobuf/proto"

	"libstatus1to1/chat/identity"
	"libstatus1to1/chat/protocol/key"
	"libstatus1to1/chat/protocol/payload"
	"libstatus1to1/chat/protocol/topic"
	"libstatus1to1/chat/wire"
)

func somebody(t *testing.T) key.Private {
	t.Helper()
	k, err := key.Generate(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return k
}

func TestLook(t *testing.T) {
	own, sender, other := somebody(t), somebody(t), somebody(t)
	w := &watcher{of: own}
	sealed := func(to key.Private, pm *wire.ProtocolMessage) *wakupb.WakuMessage {
		raw, err := proto.Marshal(pm)
		if err != nil {
			t.Fatal(err)
		}
		b, err := payload.SealAsymmetric(rand.Reader, to.Public(), sender, raw)
		if err != nil {
			t.Fatal(err)
		}
		return &wakupb.WakuMessage{ContentTopic: topic.Partitioned(to.Public()).ContentTopic(), Payload: b, Version: proto.Uint32(1)}
	}
	from := identity.FormatChatKey(sender.Public())
	parts := map[string]*wire.EncryptedMessageProtocol{
		"a": {X3DHHeader: &wire.X3DHHeader{}, DRHeader: &wire.DRHeader{}}, "b": {DRHeader: &wire.DRHeader{}}, "none": {DHHeader: &wire.DHHeader{}},
	}
	for _, c := range []struct {
		what    string
		message *wakupb.WakuMessage
		want    seen
	}{
		{"three devices", sealed(own, &wire.ProtocolMessage{EncryptedMessage: parts}), seen{Is: "to_person", Signer: from, Headers: []string{"none", "ratchet", "x3dh"}}},
		{"a handshake", sealed(own, &wire.ProtocolMessage{NoiseHandshakes: [][]byte{{1}}}), seen{Is: "to_person", Signer: from, Headers: []string{"noise_handshake"}}},
		{"for somebody else", sealed(other, &wire.ProtocolMessage{EncryptedMessage: parts}), seen{Is: "other"}},
		{"a contact code", &wakupb.WakuMessage{ContentTopic: topic.ContactCode(own.Public()).ContentTopic()}, seen{Is: "contact_code"}},
		{"another's contact code", &wakupb.WakuMessage{ContentTopic: topic.ContactCode(other.Public()).ContentTopic()}, seen{Is: "other"}},
		{"in a Noise session", &wakupb.WakuMessage{Version: proto.Uint32(2), Payload: []byte{1}}, seen{Is: "noise"}},
	} {
		if got := w.look(c.message); !reflect.DeepEqual(got, c.want) {
			t.Errorf("%s: %+v, want %+v", c.what, got, c.want)
		}
	}
}

// It says where it is, tells of queries, and ends with its input.
func TestRun(t *testing.T) {
	in, typed := io.Pipe()
	shown, out := io.Pipe()
	ended := make(chan error, 1)
	go func() {
		ended <- run(in, out)
		_ = out.Close()
	}()
	if _, err := io.WriteString(typed, strings.Repeat("abandon ", 11)+"about\n"); err != nil {
		t.Fatal(err)
	}
	line, err := bufio.NewReader(shown).ReadString('\n')
	var ready map[string]string
	if err != nil || json.Unmarshal([]byte(line), &ready) != nil || !strings.Contains(ready["address"], "/p2p/") {
		t.Fatal(line, err)
	}
	_ = typed.Close()
	if err := <-ended; err != nil {
		t.Error(err)
	}
	if err := run(strings.NewReader("no phrase\n"), io.Discard); err == nil {
		t.Error("it took what is no phrase")
	}
}

func TestQueries(t *testing.T) {
	var told strings.Builder
	own := somebody(t)
	w := &watcher{of: own, out: json.NewEncoder(&told)}
	w.queried([]string{"/a/1/b/proto"})
	w.queried([]string{"/a/1/b/proto", topic.ContactCode(own.Public()).ContentTopic()})
	if want := `{"is":"query"}` + "\n" + `{"is":"query","contact_code":true}` + "\n"; told.String() != want {
		t.Errorf("%s", told.String())
	}
}
