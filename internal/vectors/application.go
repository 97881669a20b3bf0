package vectors

import (
	"encoding/hex"
	"strings"
	"testing"

	"libstatus1to1/chat/protocol/key"
)

// ApplicationFile is application.json.
type ApplicationFile struct {
	People     map[string]ApplicationPerson
	References map[string]string // message ids with 0x, and the id of a group
	Messages   []RecordedApplication
}

// ApplicationPerson is one of those who speak in application.json.
type ApplicationPerson struct {
	Private, Public string // 0x and hex
	InstallationID  string `json:"installation_id"`
}

// RecordedApplication is an application message as status-go has signed it.
type RecordedApplication struct {
	Type     int32
	TypeName string `json:"type_name"`
	During   string
	From     string // 0x04...
	Bytes    Hex
	Payload  Hex
}

// Key is the identity of a person.
func (p ApplicationPerson) Key(t testing.TB) key.Private {
	t.Helper()
	return fromHex(t, p.Private).Private(t)
}

// Author is the key of who sent a message.
func (r RecordedApplication) Author(t testing.TB) key.Public {
	t.Helper()
	return fromHex(t, r.From).Public(t)
}

func fromHex(t testing.TB, s string) Hex {
	t.Helper()
	b, err := hex.DecodeString(strings.TrimPrefix(s, "0x"))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// ReadApplication reads application.json, which must hold something.
func ReadApplication(t testing.TB) ApplicationFile {
	t.Helper()
	var file ApplicationFile
	Read(t, "application.json", &file)
	if len(file.Messages) == 0 {
		t.Fatal("application.json holds no messages")
	}
	return file
}
