package store

import (
	"path/filepath"
	"testing"

	"golang.org/x/text/unicode/norm"

	"libstatus1to1/chat/port"
)

// The same passphrase, as keyboards and systems compose it.
var forms = []string{
	norm.NFC.String("Größe ﬁn Å 한글"), norm.NFD.String("Größe ﬁn Å 한글"),
	norm.NFKC.String("Größe ﬁn Å 한글"), norm.NFKD.String("Größe ﬁn Å 한글"),
}

// It does not matter in which form a passphrase comes.
func TestPassphraseForms(t *testing.T) {
	for i, made := range forms {
		o := Options{Path: filepath.Join(t.TempDir(), "a.db"), Passphrase: made, KDF: quick, NoSync: true}
		s, err := Open(o)
		if err != nil {
			t.Fatal(err)
		}
		for _, other := range forms {
			if err := s.Authenticate(other, nil); err != nil {
				t.Errorf("made with %+q, %+q: %v", made, other, err)
			}
		}
		other := forms[(i+1)%len(forms)]
		if err := s.ChangePassphrase(other, "new "+made); err != nil {
			t.Fatal(err)
		}
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
		o.Passphrase = "new " + other
		if s, err = Open(o); err != nil {
			t.Fatalf("changed to the form %+q, %+q: %v", made, other, err)
		}
		_ = s.Close()
		o.Passphrase = "new " + made + "x"
		_, err = Open(o)
		wantCode(t, err, port.CodeWrongPassphrase)
	}
}

// A store of a version that took the bytes as they came opens with those bytes, and
// with every form once the passphrase was changed.
func TestPassphraseOfOlderVersions(t *testing.T) {
	raw := forms[1]
	if normalPassphrase(raw) == raw {
		t.Fatal("the passphrase is in normal form already")
	}
	o := Options{Path: filepath.Join(t.TempDir(), "a.db"), Passphrase: "x", KDF: quick, NoSync: true}
	st, err := Open(o)
	if err != nil {
		t.Fatal(err)
	}
	s := st.(*fileStore)
	h, err := s.file.readHeader(schemaVersion)
	if err != nil {
		t.Fatal(err)
	}
	if h, err = h.wrap(h.argon.derive(raw, h.salt[:]), s.data, s.rand); err != nil {
		t.Fatal(err)
	}
	if err := s.submit(func(b *batch) error {
		return b.do(step{act: actPut, id: headerBucket, key: []byte(headerBucket), value: h.encode()})
	}); err != nil {
		t.Fatal(err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	o.Passphrase = normalPassphrase(raw)
	_, err = Open(o)
	wantCode(t, err, port.CodeWrongPassphrase)
	o.Passphrase = raw
	if st, err = Open(o); err != nil {
		t.Fatal(err)
	}
	defer func() { _ = st.Close() }()
	if err := st.Authenticate(raw, nil); err != nil {
		t.Error(err)
	}
	if err := st.ChangePassphrase(raw, raw); err != nil {
		t.Fatal(err)
	}
	for _, form := range forms {
		if err := st.Authenticate(form, nil); err != nil {
			t.Errorf("%+q: %v", form, err)
		}
	}
}

// A change of passphrase never makes it cheaper to try passphrases.
func TestChangePassphraseKeepsCost(t *testing.T) {
	for _, c := range []struct{ made, option, want Argon2Params }{
		{Argon2Params{4, 256, 1}, quick, Argon2Params{4, 256, 1}},
		{Argon2Params{1, 256, 2}, Argon2Params{3, 64, 1}, Argon2Params{3, 256, 2}},
		{quick, Argon2Params{2, 128, 4}, Argon2Params{2, 128, 4}},
		{Argon2Params{4, 64, 1}, Argon2Params{}, Argon2Params{4, DefaultArgon2.MemoryKiB, DefaultArgon2.Threads}},
	} {
		if got := c.made.atLeast(c.option.orDefault()); got != c.want || !got.valid() {
			t.Errorf("%v and %v: %v, want %v", c.made, c.option, got, c.want)
		}
		if c.option == (Argon2Params{}) {
			continue
		}
		o := Options{Path: filepath.Join(t.TempDir(), "a.db"), Passphrase: "a", KDF: c.made, NoSync: true}
		s, err := Open(o)
		if err != nil {
			t.Fatal(err)
		}
		_ = s.Close()
		o.KDF = c.option
		if s, err = Open(o); err != nil {
			t.Fatal(err)
		}
		if err := s.ChangePassphrase("a", "b"); err != nil {
			t.Fatal(err)
		}
		if h := formerOf(t, s, "b").header; h.argon != c.want {
			t.Errorf("made with %v, changed with %v: %v", c.made, c.option, h.argon)
		}
		_ = s.Close()
	}
}
