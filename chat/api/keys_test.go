package api

import (
	"crypto/rand"
	"strings"
	"testing"

	"libstatus1to1/chat"
	"libstatus1to1/chat/identity"
	"libstatus1to1/chat/protocol/key"
)

// A key may be a Status link wherever a key is.
func TestKeysAndLinks(t *testing.T) {
	k, err := key.Generate(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	p := k.Public()
	long, err := identity.Link{Key: p, DisplayName: "Alice"}.Format()
	if err != nil {
		t.Fatal(err)
	}
	for _, text := range []string{p.Hex(), identity.FormatChatKey(p), identity.FormatLink(p), long} {
		var params KeyParams
		if err := decode(`{"key":"`+text+`"}`, &params, chat.CodeBadParams); err != nil || params.Key.Public != p {
			t.Errorf("%s: %v", text, err)
		}
	}
	for _, text := range []string{"", "https://status.app/u#", "https://status.app/u#alice.eth", "https://status.app/u/AAAA#" + identity.FormatChatKey(p)} {
		var params KeyParams
		err := decode(`{"key":"`+text+`"}`, &params, chat.CodeBadParams)
		if chat.CodeOf(err) != chat.CodeBadKey || text != "" && strings.Contains(err.Error(), text) {
			t.Errorf("%q: %v", text, err)
		}
	}
}

func TestPictureBytes(t *testing.T) {
	for text, want := range map[string]string{"": "", "aGk=": "hi", "aGkh": "hi!"} {
		var params SetProfileParams
		if err := decode(`{"picture":"`+text+`"}`, &params, chat.CodeBadParams); err != nil || string(params.Picture.bytes) != want {
			t.Errorf("%q: %v", text, err)
		}
	}
	for _, text := range []string{"?", "aGk", "aGl=", `aG\nk=`} {
		var params SetProfileParams
		if err := decode(`{"picture":"`+text+`"}`, &params, chat.CodeBadParams); chat.CodeOf(err) != chat.CodeBadParams {
			t.Errorf("%q: %v", text, err)
		}
	}
	var params SetProfileParams
	if err := decode(`{"picture":null,"display_name":null}`, &params, chat.CodeBadParams); err != nil || params.Picture != nil {
		t.Errorf("null: %v", err)
	}
}
