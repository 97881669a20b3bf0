// Command wirewatch is a service node that tells what passes it about one person: for demos
// that prove what is on the wire, and what is not.
//
//	echo "seed phrase" | go run -tags gowaku_no_rln ./internal/wirewatch
//
// The first line of its standard input is the seed phrase of that person, by which it opens what
// is sealed for them. It prints one line of JSON with its address when it is ready, then one for
// each envelope and each store query, and ends when its standard input ends.
package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"sync"

	wakupb "github.com/waku-org/go-waku/waku/v2/protocol/pb"
	"google.golang.org/protobuf/proto"

	"libstatus1to1/chat/identity"
	"libstatus1to1/chat/protocol/key"
	"libstatus1to1/chat/protocol/payload"
	"libstatus1to1/chat/protocol/topic"
	"libstatus1to1/chat/wire"
	"libstatus1to1/internal/servicenode"
)

func main() {
	if err := run(os.Stdin, os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "wirewatch:", err)
		os.Exit(1)
	}
}

func run(in io.Reader, out io.Writer) error {
	lines := bufio.NewReader(in)
	first, err := lines.ReadString('\n')
	if err != nil {
		return err
	}
	phrase, err := identity.ParsePhrase(first)
	if err != nil {
		return err
	}
	private, err := identity.ChatKey(phrase, "")
	if err != nil {
		return err
	}
	w := &watcher{of: private, out: json.NewEncoder(out)}
	w.mu.Lock() // nothing is printed before the address
	n, err := servicenode.Start(servicenode.Options{
		Listen: []string{"/ip4/127.0.0.1/tcp/0"}, Heard: w.heard, Queried: w.queried,
	})
	if err != nil {
		return err
	}
	err = w.out.Encode(map[string]string{"is": "ready", "address": n.Address()})
	w.mu.Unlock()
	if err == nil {
		_, err = io.Copy(io.Discard, lines)
	}
	if closed := n.Close(); err == nil {
		err = closed
	}
	return err
}

// seen is what is told of an envelope or a query.
type seen struct {
	// Is is "contact_code" for the person's own, "to_person" for what is sealed for them,
	// "noise" for a message of a Noise session (37), whoever it is for, "query" for a store
	// query, and "other".
	Is string `json:"is"`
	// ContactCode: the query is for the contact code of the person.
	ContactCode bool `json:"contact_code,omitempty"`
	// Of what is sealed for the person: who signed it, and how it is encrypted: "x3dh" with
	// a header of X3DH, "ratchet" in a session, "none" for all devices, "noise_handshake".
	Signer  string   `json:"signer,omitempty"`
	Headers []string `json:"headers,omitempty"`
}

// watcher tells what passes. Its methods may be called from any goroutine.
type watcher struct {
	of  key.Private
	mu  sync.Mutex
	out *json.Encoder
}

func (w *watcher) tell(s seen) {
	w.mu.Lock()
	defer w.mu.Unlock()
	_ = w.out.Encode(s) // who reads it has gone: the standard input ends, too
}

func (w *watcher) queried(contentTopics []string) {
	code := topic.ContactCode(w.of.Public()).ContentTopic()
	w.tell(seen{Is: "query", ContactCode: slices.Contains(contentTopics, code)})
}

func (w *watcher) heard(m *wakupb.WakuMessage) { w.tell(w.look(m)) }

// look tells what an envelope is.
func (w *watcher) look(m *wakupb.WakuMessage) seen {
	switch public := w.of.Public(); {
	case m.GetVersion() == 2:
		return seen{Is: "noise"}
	case m.ContentTopic == topic.ContactCode(public).ContentTopic():
		return seen{Is: "contact_code"}
	}
	opened, err := payload.OpenAsymmetric(w.of, m.Payload)
	var pm wire.ProtocolMessage
	if err != nil || proto.Unmarshal(opened.Data, &pm) != nil {
		return seen{Is: "other"}
	}
	s := seen{Is: "to_person", Signer: identity.FormatChatKey(opened.Signer)}
	for _, e := range pm.GetEncryptedMessage() {
		switch {
		case e.GetX3DHHeader() != nil:
			s.Headers = append(s.Headers, "x3dh")
		case e.GetDRHeader() != nil:
			s.Headers = append(s.Headers, "ratchet")
		default:
			s.Headers = append(s.Headers, "none")
		}
	}
	if len(pm.GetNoiseHandshakes()) > 0 {
		s.Headers = append(s.Headers, "noise_handshake")
	}
	slices.SortFunc(s.Headers, strings.Compare)
	return s
}
