package identity_test

import (
	"encoding/hex"
	"errors"
	"strings"
	"testing"

	"libstatus1to1/chat/identity"
)

// Every form in which people hand on a key or a link names the same person, with whatever
// copying leaves around it.
func TestPersonForms(t *testing.T) {
	p := somebody(t)
	short, long, squeezed := identity.FormatChatKey(p), p.Hex(), hex.EncodeToString(p.Compressed())
	full, err := identity.Link{Key: p, DisplayName: "Alice"}.Format()
	if err != nil {
		t.Fatal(err)
	}
	link := identity.FormatLink(p)
	bare := strings.TrimPrefix(link, "https://")
	forms := []string{
		short, long, squeezed, "0x" + squeezed, "0X" + squeezed, strings.ToUpper(long), "0X" + strings.ToUpper(long[2:]), long[2:],
		"fe701" + squeezed, "0xe701" + squeezed, "did:key:" + short, "DID:key:" + short, "did:key:" + short + "#" + short,
		link, full, bare, "http://" + bare, "HTTPS://" + bare, "https://www." + bare, "www." + bare, "HTTPS://STATUS.APP/u#" + short,
		"Https://Status.App/U#" + short, "https://status.app/u/#" + short, link + "/", link + "?fbclid=IwAR0abc", link + "&utm_source=x",
		"https://status.app/u?fbclid=IwAR0#" + short, "https://status.app/u/?x=1#" + short, strings.Replace(full, "#", "?utm=1#", 1),
		"https://join.status.im/u/" + long, "https://join.status.im/u/" + short, "join.status.im/u/" + short + "/", "http://join.status.im/user/" + long,
		"https://get.status.im/user/" + long + "?x=y", "status-im://u/" + long, "status-im://user/" + long, "status-app://u#" + short,
		"status-app://u/" + short, "STATUS-APP://u#" + short, "https://status.app/u/" + short, "https://status.app/u#" + long,
		strings.Replace(full, "https://status.app", "status-app:/", 1), strings.ReplaceAll(full, "=", "%3D"), "https://status.app/u#%7A" + short[1:],
	}
	for _, form := range forms {
		for _, dressed := range []string{
			form, form + "\n", " \t" + form + " ", "\u200b" + form + "\u200b", "\ufeff" + form, "\u202a" + form + "\u202c", "\u2066" + form + "\u2069",
			form[:9] + "\u200b" + form[9:], form[:len(form)/2] + "\r\n   " + form[len(form)/2:], "<" + form + ">", "\"" + form + "\"", form + ".", form + ",",
			"(" + form + ")", "“" + form + "”", form + "\u00a0", form + "!", "\u200e" + form + "\u200f\x00",
		} {
			got, err := identity.ParsePerson(dressed)
			if err != nil || got.Key != p {
				t.Errorf("%q: %v", dressed, err)
			}
		}
	}
	if got, err := identity.ParsePerson(" " + full); err != nil || got.DisplayName != "Alice" {
		t.Errorf("the name in a link is lost: %+v, %v", got, err)
	}
}

// What people take for a key and is none is told apart.
func TestNobodysKey(t *testing.T) {
	p := somebody(t)
	k := identity.FormatChatKey(p)
	const account = "0x52908400098527886E0F7030069857D2E4169EE7"
	for given, want := range map[string]error{
		"alice.eth": identity.ErrENS, "alice.stateofus.eth": identity.ErrENS, "@alice": identity.ErrENS, " Alice.ETH\n": identity.ErrENS,
		"@alice.stateofus.eth": identity.ErrENS, "sub.alice.eth": identity.ErrENS, "ünï.eth": identity.ErrENS, "<alice.eth>": identity.ErrENS,
		"https://status.app/u#alice.stateofus.eth": identity.ErrENS, "https://join.status.im/u/alice.stateofus.eth": identity.ErrENS,
		"status-im://u/alice.eth": identity.ErrENS, "https://join.status.im/u/@alice": identity.ErrENS,
		account: identity.ErrAddress, strings.ToLower(account): identity.ErrAddress, account[2:]: identity.ErrAddress,
		"ethereum:" + account: identity.ErrAddress, "ethereum:" + account + "@1": identity.ErrAddress, " " + account + "\n": identity.ErrAddress,
		"https://join.status.im/u/" + account: identity.ErrAddress, "0X" + account[2:]: identity.ErrAddress,
		"0x" + strings.Repeat("1f", 32): identity.ErrSecretKey, strings.Repeat("1F", 32): identity.ErrSecretKey,
		"https://status.app/c#" + k: identity.ErrLink, "https://example.org/u#" + k: identity.ErrLink, "https://status.app/u#": identity.ErrLink,
		"https://status.app/u": identity.ErrLink, "https://status.app/u#zQ3shabc": identity.ErrLink, "https://status.app/u/AAAA#" + k: identity.ErrLink,
		"": identity.ErrChatKey, " \n\u200b": identity.ErrChatKey, "alice": identity.ErrChatKey, "alice@example.org": identity.ErrChatKey,
		k[:len(k)-1]: identity.ErrChatKey, "did:key:": identity.ErrChatKey, "did:web:example.org": identity.ErrChatKey,
		hex.EncodeToString(p.Uncompressed()[1:]): identity.ErrChatKey, strings.Repeat("z", 1<<20): identity.ErrChatKey,
		strings.Repeat("a", 300) + ".eth": identity.ErrChatKey,
	} {
		got, err := identity.ParsePerson(given)
		if !errors.Is(err, want) || got != (identity.Link{}) {
			t.Errorf("%.60q: %v", given, err)
		}
		if s := strings.TrimSpace(given); err != nil && len(s) > 8 && strings.Contains(err.Error(), s) {
			t.Errorf("the error repeats %.60q", given)
		}
	}
}

// FuzzPerson: what is taken names a person in the usual forms too, and nothing is both.
func FuzzPerson(f *testing.F) {
	p := somebody(f)
	for _, s := range []string{
		p.Hex(), identity.FormatChatKey(p), identity.FormatLink(p) + "?fbclid=1", "join.status.im/u/" + p.Hex(), "did:key:" + identity.FormatChatKey(p),
		"alice.eth", "@alice", "0x52908400098527886E0F7030069857D2E4169EE7", "status-app://u/%zz", "https://status.app/u/AAAA#x",
	} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		l, err := identity.ParsePerson(s)
		if err != nil {
			if l != (identity.Link{}) {
				t.Fatalf("%q: %+v with %v", s, l, err)
			}
			return
		}
		for _, form := range []string{l.Key.Hex(), identity.FormatChatKey(l.Key), identity.FormatLink(l.Key)} {
			if back, err := identity.ParsePerson(form); err != nil || back.Key != l.Key {
				t.Fatalf("%q: %v", form, err)
			}
		}
	})
}
