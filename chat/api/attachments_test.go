package api

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"libstatus1to1/chat"
	"libstatus1to1/chat/event"
)

// aGIF is a picture of one pixel.
var aGIF = []byte("GIF89a\x01\x00\x01\x00\x80\x00\x00\x00\x00\x00\xff\xff\xff,\x00\x00\x00\x00\x01\x00\x01\x00\x00\x02\x02D\x01\x00;")

// result reads the result of a call.
func result[T any](t *testing.T, text string) (v T) {
	t.Helper()
	var a struct {
		Result T
		Error  *ErrorBody
	}
	if err := json.Unmarshal([]byte(text), &a); err != nil || a.Error != nil {
		t.Fatalf("%+v, %v", a.Error, err)
	}
	return a.Result
}

// A picture goes in as bytes or as a file, and comes out in parts and as a file.
func TestAttachments(t *testing.T) {
	r := newTestRegistry()
	h, _ := r.Open(memoryConfig)
	defer r.Close(h, false)
	r.Call(h, "identity.create", "")
	dir := t.TempDir()
	path := filepath.Join(dir, "dot.gif")
	if err := os.WriteFile(path, aGIF, 0o600); err != nil {
		t.Fatal(err)
	}
	data := base64.StdEncoding.EncodeToString(aGIF)
	for _, given := range []string{`{"path":"` + path + `"}`, `{"data":"` + data + `","name":"dot.gif"}`} {
		m := result[event.Message](t, r.Call(h, "messages.send", `{"to":"`+aKey+`","attachments":[`+given+`]}`))
		if len(m.Attachments) != 1 || m.Attachments[0].Name != "dot.gif" || m.Attachments[0].Size != int64(len(aGIF)) {
			t.Fatalf("%+v", m)
		}
		id := m.Attachments[0].ID
		var got []byte
		for next := int64(0); ; {
			part := result[ReadAttachmentResult](t, r.Call(h, "attachments.read", fmt.Sprintf(`{"attachment_id":%q,"offset":%d,"limit":10}`, id, next)))
			got = append(got, part.Data...)
			if next = part.Next; next == 0 {
				break
			}
		}
		if !bytes.Equal(got, aGIF) {
			t.Errorf("read %q", got)
		}
		if past := r.Call(h, "attachments.read", fmt.Sprintf(`{"attachment_id":%q,"offset":%d}`, id, len(aGIF))); !strings.Contains(past, `"data":""`) {
			t.Errorf("past the end: %s", past)
		}
		out := filepath.Join(dir, "out.gif")
		save := func(more string) string {
			return r.Call(h, "attachments.save", `{"attachment_id":"`+id+`","path":"`+out+`"`+more+`}`)
		}
		if saved := result[SaveAttachmentResult](t, save("")); saved.Size != int64(len(aGIF)) {
			t.Errorf("%d bytes are saved", saved.Size)
		}
		wantError(t, errorOf(t, save("")), chat.CodeFileIO, "path")
		result[SaveAttachmentResult](t, save(`,"replace":true`))
		if b, err := os.ReadFile(out); err != nil || !bytes.Equal(b, aGIF) {
			t.Errorf("saved %q, %v", b, err)
		}
		if err := os.Remove(out); err != nil {
			t.Fatal(err)
		}
		if shown := result[event.Attachment](t, r.Call(h, "attachments.preview", `{"attachment_id":"`+id+`"}`)); shown.Blurhash == "" {
			t.Errorf("%+v", shown)
		}
		if album := result[AlbumResult](t, r.Call(h, "messages.album", `{"message_id":"`+m.ID+`"}`)); len(album.Items) != 1 {
			t.Errorf("%+v", album)
		}
	}
	if left, err := os.ReadDir(dir); err != nil || len(left) != 1 {
		t.Errorf("%v, %v", left, err)
	}
}

// errorOf is the error of a call.
func errorOf(t *testing.T, text string) error {
	t.Helper()
	e := decodeAnswer(t, text).Error
	return &chat.Error{Code: e.Code, Field: e.Field}
}

func TestAttachmentRefusals(t *testing.T) {
	r := newTestRegistry()
	h, _ := r.Open(memoryConfig)
	defer r.Close(h, false)
	r.Call(h, "identity.create", "")
	dir := t.TempDir()
	large := filepath.Join(dir, "large")
	if f, err := os.Create(large); err != nil || f.Truncate(chat.MaxAttachmentInput+1) != nil || f.Close() != nil {
		t.Fatal(err)
	}
	text := filepath.Join(dir, "text.png")
	if err := os.WriteFile(text, []byte("no picture"), 0o600); err != nil {
		t.Fatal(err)
	}
	unknown := `"0x` + string(bytes.Repeat([]byte("ab"), 32)) + `"`
	for _, c := range []struct {
		method, params string
		code           chat.Code
		field          string
	}{
		{"messages.send", `{"to":"` + aKey + `","attachments":[{"path":"` + dir + `/none"}]}`, chat.CodeFileIO, "attachments[0].path"},
		{"messages.send", `{"to":"` + aKey + `","attachments":[{"path":"` + dir + `"}]}`, chat.CodeFileIO, "attachments[0].path"},
		{"messages.send", `{"to":"` + aKey + `","attachments":[{"path":"` + large + `"}]}`, chat.CodeBadAttachment, "attachments[0].path"},
		{"messages.send", `{"to":"` + aKey + `","attachments":[{"path":"` + text + `"}]}`, chat.CodeBadAttachment, "attachments"},
		{"messages.send", `{"to":"` + aKey + `","attachments":[{}]}`, chat.CodeBadParams, "attachments[0]"},
		{"messages.send", `{"to":"` + aKey + `","attachments":[{"data":"AAAA","path":"x"}]}`, chat.CodeBadParams, "attachments[0]"},
		{"messages.send", `{"to":"` + aKey + `","attachments":[{"data":"A"}]}`, chat.CodeBadParams, "attachments[0].data"},
		{"messages.send", `{"to":"` + aKey + `","attachments":[{"data":"AAAA","duration_ms":-1}]}`, chat.CodeBadParams, "attachments[0].duration_ms"},
		{"messages.send", `{"to":"` + aKey + `","attachments":[]}`, chat.CodeEmpty, "text"},
		{"messages.send_batch", `{"messages":[{"to":"` + aKey + `","attachments":[{"data":"AAAA"}]}]}`, chat.CodeBadParams, "messages[0].attachments"},
		{"attachments.read", `{"attachment_id":` + unknown + `}`, chat.CodeNotFound, "attachment_id"},
		{"attachments.read", `{"attachment_id":"x"}`, chat.CodeBadParams, "attachment_id"},
		{"attachments.save", `{"attachment_id":` + unknown + `,"path":"` + dir + `/x"}`, chat.CodeNotFound, "attachment_id"},
		{"attachments.preview", `{"attachment_id":` + unknown + `}`, chat.CodeNotFound, "attachment_id"},
		{"messages.album", `{"message_id":` + unknown + `}`, chat.CodeNotFound, "message_id"},
	} {
		wantError(t, errorOf(t, r.Call(h, c.method, c.params)), c.code, c.field)
	}
	if left, err := os.ReadDir(dir); err != nil || len(left) != 2 {
		t.Errorf("%v, %v", left, err)
	}
}
