package api

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"libstatus1to1/chat"
)

// callOf calls a method with parameters of any kind.
func callOf(t *testing.T, r *Registry, h uint64, method string, params map[string]any) answerOf {
	t.Helper()
	text, err := json.Marshal(params)
	if err != nil {
		t.Fatal(err)
	}
	return decodeAnswer(t, r.Call(h, method, string(text)))
}

// resultOf is callOf for a call that must succeed.
func resultOf[R any](t *testing.T, r *Registry, h uint64, method string, params map[string]any) (result R) {
	t.Helper()
	a := callOf(t, r, h, method, params)
	if !a.OK || json.Unmarshal(a.Result, &result) != nil {
		t.Fatalf("%s: %+v", method, a)
	}
	return result
}

// A card goes from one client to another as a picture of its QR code, and what it says is
// known there. A card with a picture that holds something else is refused by that field.
func TestCardByPicture(t *testing.T) {
	r := newTestRegistry()
	alice, bob := openTest(t, r, memoryConfig), openTest(t, r, memoryConfig)
	resultOf[any](t, r, alice, "identity.create", map[string]any{"display_name": "Alice"})
	resultOf[any](t, r, bob, "identity.create", map[string]any{"display_name": "Bobby"})
	identity := resultOf[chat.IdentityInfo](t, r, bob, "identity.get", nil)
	card := resultOf[CardResult](t, r, bob, "identity.card", map[string]any{"life": 3600, "key_exchange": "x3dh"})
	if card.Bytes > 350 || !strings.HasPrefix(string(card.Link), "https://status.app/u/") || card.ShortLink != "https://status.app/u#"+identity.ChatKey {
		t.Errorf("%d bytes, %q", card.Bytes, card.ShortLink)
	}
	for _, text := range []Secret{card.Card, card.Link} {
		drawn := resultOf[Picture](t, r, bob, "pictures.qr", map[string]any{"text": string(text)})
		t.Logf("%d characters make a code of %d modules", len(text), drawn.Modules)
		a := callOf(t, r, alice, "contacts.add_card", map[string]any{"image": base64.StdEncoding.EncodeToString(drawn.Data), "name": "Bob"})
		if text == card.Link { // the same card again
			if a.Error.Code != chat.CodeBadCard || a.Error.Field != "image" || a.Error.Details["cause"] != "replayed" {
				t.Errorf("%+v", a)
			}
			continue
		}
		var added AddCardResult
		if !a.OK || json.Unmarshal(a.Result, &added) != nil {
			t.Fatalf("%+v", a)
		}
		if c := added.Contact; c.PublicKey != identity.PublicKey || c.VerifiedBy != "card" || c.Trust != "verified" || c.Name != "Bob" || c.DisplayName != "Bobby" ||
			len(added.Devices) != 1 || added.Devices[0] != identity.InstallationID || added.KeyExchange != "x3dh" || added.ExpiresAt != card.ExpiresAt {
			t.Errorf("%+v", added)
		}
	}
	other := resultOf[Picture](t, r, bob, "pictures.qr", map[string]any{"text": card.ShortLink})
	for name, test := range map[string]struct {
		params      map[string]any
		code        chat.Code
		field, with string
	}{
		"neither":      {map[string]any{}, chat.CodeBadParams, "card", ""},
		"both":         {map[string]any{"card": "x", "image": "AAAA"}, chat.CodeBadParams, "card", ""},
		"no picture":   {map[string]any{"image": "AAAA"}, chat.CodeBadPicture, "image", "format"},
		"another code": {map[string]any{"image": base64.StdEncoding.EncodeToString(other.Data)}, chat.CodeBadCard, "image", "no_card"},
		"a text":       {map[string]any{"card": "hello"}, chat.CodeBadCard, "card", "other_text"},
		"unknown":      {map[string]any{"card": string(card.Card), "key_exchange": "rot13"}, chat.CodeBadParams, "key_exchange", ""},
	} {
		a := callOf(t, r, alice, "contacts.add_card", test.params)
		if a.Error.Code != test.code || a.Error.Field != test.field || test.with != "" && a.Error.Details["cause"] != test.with {
			t.Errorf("%s: %+v", name, a)
		}
	}
	for _, params := range []map[string]any{{"life": 59}, {"life": 1814401}, {"key_exchange": "rot13"}} {
		if a := callOf(t, r, bob, "identity.card", params); a.Error.Code != chat.CodeBadParams {
			t.Errorf("%v: %+v", params, a)
		}
	}
	if s := fmt.Sprintf("%v %+v", card, AddCardParams{Card: card.Card}); strings.Contains(s, "STATUS-CARD") {
		t.Error("a card prints")
	}
}
