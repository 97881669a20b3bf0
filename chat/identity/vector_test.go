package identity_test

import (
	"bytes"
	"encoding/hex"
	"strings"
	"testing"

	"libstatus1to1/chat/identity"
	"libstatus1to1/chat/protocol/key"
	"libstatus1to1/internal/vectors"
)

// address is the Ethereum address of a key, without the checksum in its letter case.
func address(p key.Public) string {
	return "0x" + hex.EncodeToString(key.Keccak256(p.Uncompressed()[1:])[12:])
}

// keyForms holds the forms of one key in keys.json.
type keyForms struct {
	Private      string `json:"private"`
	Uncompressed string `json:"public_uncompressed"`
	Compressed   string `json:"public_compressed"`
	ChatKey      string `json:"chat_key"`
	Address      string `json:"address"`
}

func (want keyForms) check(t *testing.T, k key.Private) {
	t.Helper()
	p := k.Public()
	if got := hex.EncodeToString(k.Bytes()); got != want.Private {
		t.Error("another private key")
	}
	if got := hex.EncodeToString(p.Uncompressed()); got != want.Uncompressed {
		t.Errorf("uncompressed %s, want %s", got, want.Uncompressed)
	}
	if got := hex.EncodeToString(p.Compressed()); want.Compressed != "" && got != want.Compressed {
		t.Errorf("compressed %s, want %s", got, want.Compressed)
	}
	if got := identity.FormatChatKey(p); got != want.ChatKey {
		t.Errorf("chat key %s, want %s", got, want.ChatKey)
	}
	if got := address(p); got != strings.ToLower(want.Address) {
		t.Errorf("address %s, want %s", got, want.Address)
	}
	forms := []string{want.ChatKey, want.Uncompressed, "0x" + want.Uncompressed, hex.EncodeToString(p.Compressed()), "0x" + hex.EncodeToString(p.Compressed())}
	for _, form := range forms {
		if got, err := identity.ParseChatKey(form); err != nil || got != p {
			t.Errorf("%s: %v", form, err)
		}
	}
}

// TestVectorKeys checks every form of every key of keys.json.
func TestVectorKeys(t *testing.T) {
	var file struct {
		Keys []keyForms `json:"keys"`
	}
	vectors.Read(t, "keys.json", &file)
	if len(file.Keys) == 0 {
		t.Fatal("no keys")
	}
	for _, want := range file.Keys {
		b, err := hex.DecodeString(want.Private)
		if err != nil {
			t.Fatal(err)
		}
		k, err := key.ParsePrivate(b)
		if err != nil {
			t.Fatal(err)
		}
		want.check(t, k)
	}
}

// TestVectorMnemonics derives everything keys.json records of every phrase.
func TestVectorMnemonics(t *testing.T) {
	var file struct {
		Mnemonics []struct {
			Mnemonic     string              `json:"mnemonic"`
			Passphrase   string              `json:"passphrase"`
			Seed         string              `json:"seed"`
			MasterPublic string              `json:"master_public"`
			KeyUID       string              `json:"key_uid"`
			ChatPath     string              `json:"chat_path"`
			Derived      map[string]keyForms `json:"derived"`
		} `json:"mnemonics"`
	}
	vectors.Read(t, "keys.json", &file)
	if len(file.Mnemonics) == 0 {
		t.Fatal("no mnemonics")
	}
	for _, v := range file.Mnemonics {
		p, err := identity.ParsePhrase(v.Mnemonic)
		if err != nil {
			t.Fatal(err)
		}
		seed := identity.Seed(p, v.Passphrase)
		if p.Words() != v.Mnemonic || hex.EncodeToString(seed) != v.Seed {
			t.Error("another phrase or seed")
		}
		m, err := identity.NewMaster(p, v.Passphrase)
		if err != nil {
			t.Fatal(err)
		}
		if got := hex.EncodeToString(m.Public().Uncompressed()); got != v.MasterPublic || m.KeyUID() != v.KeyUID {
			t.Errorf("master %s, uid %s, want %s, %s", got, m.KeyUID(), v.MasterPublic, v.KeyUID)
		}
		if v.ChatPath != identity.ChatPath || len(v.Derived) == 0 {
			t.Errorf("chat path %s, %d derived keys", v.ChatPath, len(v.Derived))
		}
		for path, want := range v.Derived {
			k, err := m.Derive(path)
			if err != nil {
				t.Fatalf("%s: %v", path, err)
			}
			want.check(t, k)
		}
		chat, err := identity.ChatKey(p, v.Passphrase)
		if at, known := v.Derived[v.ChatPath]; err != nil || !known || !bytes.Equal(chat.Bytes(), mustHex(t, at.Private)) {
			t.Errorf("another chat key (%v)", err)
		}
	}
}

func mustHex(t testing.TB, s string) []byte {
	t.Helper()
	b, err := hex.DecodeString(s)
	if err != nil {
		t.Fatal(err)
	}
	return b
}
