package noise

import (
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Scope holds the variable parts of the content topics of handshakes and sessions.
type Scope struct {
	Application string // name of the application
	Version     string // of the application
	Shard       string // of the handshake topic; it spreads strangers over topics
}

// DefaultScope is the default of go-waku and js-noise.
var DefaultScope = Scope{Application: "waku-noise-sessions", Version: "0.1", Shard: "10"}

// MaxScopePart bounds each part of a scope in bytes: they are short names, and all three
// must fit a QR code.
const MaxScopePart = 64

// Check reports whether every part is 1 to MaxScopePart bytes of printable UTF-8 (space
// included) without '/', which separates the parts of a topic. Error: ErrTopic.
func (s Scope) Check() error {
	for _, part := range []string{s.Application, s.Version, s.Shard} {
		if part == "" || len(part) > MaxScopePart || !utf8.ValidString(part) {
			return ErrTopic
		}
		for _, r := range part {
			if !unicode.IsPrint(r) || r == '/' {
				return ErrTopic
			}
		}
	}
	return nil
}

// HandshakeTopic is the content topic of handshake messages, and of what a pairing
// transfers. Spec: 43/WAKU2-DEVICE-PAIRING, "The WakuPairing Noise Handshake".
func (s Scope) HandshakeTopic() string {
	return fmt.Sprintf("/%s/%s/wakunoise/1/sessions_shard-%s/proto", s.Application, s.Version, s.Shard)
}

// SessionTopic is the content topic of a session; ctID is hex(SHA256(SHA256(session-id))).
// Spec: 37/WAKU2-NOISE-SESSIONS, "Preliminaries".
func (s Scope) SessionTopic(ctID string) string {
	return fmt.Sprintf("/%s/%s/wakunoise/1/sessions/%s/proto", s.Application, s.Version, ctID)
}

// IsSessionTopic reports whether a content topic is that of a session, of any application.
func IsSessionTopic(contentTopic string) bool {
	parts := strings.Split(contentTopic, "/")
	return len(parts) == 8 && parts[3] == "wakunoise" && parts[4] == "1" && parts[5] == "sessions" && parts[7] == "proto"
}
