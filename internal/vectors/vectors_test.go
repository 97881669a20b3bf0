package vectors

import (
	"encoding/json"
	"os"
	"path/filepath"
	"testing"
)

func TestRelativeDirectoryBeginsAtTheRoot(t *testing.T) {
	t.Setenv(EnvDir, filepath.Join("testdata", "vectors"))
	relative := Dir(t)
	t.Setenv(EnvDir, "")
	if unset := Dir(t); unset != relative || !filepath.IsAbs(unset) {
		t.Errorf("unset %s, relative %s", unset, relative)
	}
	elsewhere := t.TempDir()
	t.Setenv(EnvDir, elsewhere)
	if Dir(t) != elsewhere {
		t.Errorf("absolute %s became %s", elsewhere, Dir(t))
	}
	if err := os.WriteFile(filepath.Join(elsewhere, "x.json"), []byte(`{"B":"00ff"}`), 0o600); err != nil {
		t.Fatal(err)
	}
	var got struct{ B Hex }
	if Read(t, "x.json", &got); string(got.B) != "\x00\xff" {
		t.Errorf("read %x", got.B)
	}
}

func TestBothFormsOfAMessage(t *testing.T) {
	want := ChatMessage{ContentType: Enum{Number: 1}, State: ContactState{LocalClock: 7, RemoteState: 3}}
	named := ChatMessage{ContentType: Enum{Name: "TEXT_PLAIN"}, State: want.State}
	for text, want := range map[string]ChatMessage{
		`{"content_type":1,"contact_request_propagated_state":{"local_clock":7,"local_state":0,"remote_clock":0,"remote_state":3}}`: want,
		`{"content_type":"TEXT_PLAIN","contact_request_propagated_state":"local_clock:7  remote_state: 3"}`:                         named,
	} {
		var got ChatMessage
		if err := json.Unmarshal([]byte(text), &got); err != nil || got != want {
			t.Errorf("%s: %+v, %v", text, got, err)
		}
	}
	for _, text := range []string{`"x"`, `"local_clock:-1"`, `"other:1"`, `{"local_clock":"1"}`} {
		if err := new(ContactState).UnmarshalJSON([]byte(text)); err == nil {
			t.Errorf("took %s", text)
		}
	}
	if err := new(Hex).UnmarshalText([]byte("0g")); err == nil {
		t.Error("took 0g as hex")
	}
}

// Everything a reader names is in the files: a field it misspells would be empty.
func TestTheFilesFillTheShapes(t *testing.T) {
	for _, sc := range ReadRatchet(t) {
		if sc.Name == "" || len(sc.Participants) < 2 || len(sc.Steps) == 0 {
			t.Errorf("scenario %q: %d participants, %d steps", sc.Name, len(sc.Participants), len(sc.Steps))
		}
	}
	wire := ReadWire(t)
	for _, m := range wire.Messages {
		p := wire.Participants[m.From]
		if m.ID == "" || len(m.Waku.Payload) == 0 || m.Waku.Timestamp == 0 || m.Waku.ContentTopic == "" || len(m.Sealed.Data) == 0 ||
			len(m.ProtocolMessage.Bytes) == 0 || len(m.Plaintext) == 0 || len(p.SignedPreKeys) == 0 || p.InstallationID == "" {
			t.Errorf("wire.json %q: something is missing", m.ID)
		}
	}
	messenger := ReadMessenger(t)
	for i, m := range messenger.Messages {
		if m.From == "" || len(m.Payload) == 0 || m.Timestamp == 0 || m.ContentTopic == "" || len(m.Data) == 0 || len(m.Signer) == 0 ||
			len(m.Encoded) == 0 || m.Layers != nil && len(m.Layers.Plaintext) == 0 {
			t.Errorf("messenger.json %d: something is missing", i)
		}
	}
}
