package api

import (
	"crypto/rand"
	"encoding/hex"
	"errors"
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

// What is no key is told apart, by its field, and never repeated.
func TestKeyCauses(t *testing.T) {
	for text, cause := range map[string]string{
		"alice.eth": "ens_name", "@alice": "ens_name", "https://status.app/u#alice.stateofus.eth": "ens_name",
		"0x52908400098527886E0F7030069857D2E4169EE7": "ethereum_address", "https://status.app/c#x": "link", "hello": "other_text", "": "other_text",
		"0x" + strings.Repeat("ab", 32): "private_key",
	} {
		var params KeyParams
		err := decode(`{"key":"`+text+`"}`, &params, chat.CodeBadParams)
		var e *chat.Error
		if !errors.As(err, &e) || e.Code != chat.CodeBadKey || e.Field != "key" || e.Details["cause"] != cause {
			t.Errorf("%q: %v", text, err)
		} else if text != "" && strings.Contains(e.Error(), text) {
			t.Errorf("%q is repeated: %v", text, err)
		}
	}
}

// A private key may be pasted too.
func TestPrivateKeyForms(t *testing.T) {
	k, err := key.Generate(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	digits := hex.EncodeToString(k.Bytes())
	for _, text := range []string{digits, "0x" + digits, "0X" + strings.ToUpper(digits), ` 0x` + digits + `\n`, digits[:20] + `\r\n ` + digits[20:]} {
		var params struct {
			Key PrivateKey `json:"key"`
		}
		if err := decode(`{"key":"`+text+`"}`, &params, chat.CodeBadParams); err != nil || params.Key.Public() != k.Public() {
			t.Errorf("%d characters: %v", len(text), err)
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
