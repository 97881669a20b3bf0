package pairing_test

import (
	"errors"
	"strings"
	"testing"

	"libstatus1to1/chat/protocol/noise"
	"libstatus1to1/chat/protocol/noise/pairing"
)

func someQR() pairing.QR {
	return pairing.QR{Scope: noise.DefaultScope, Ephemeral: noise.PublicKey{1, 2, 3}, Commitment: [32]byte{255, 254}}
}

func TestQR(t *testing.T) {
	q := someQR()
	back, err := pairing.ParseQR(q.String())
	if err != nil || back != q {
		t.Fatalf("%+v, %v", back, err)
	}
	ours := q
	ours.Nonce = [32]byte{253}
	if back, err := pairing.ParseQR(ours.String()); err != nil || back != ours {
		t.Fatalf("%+v, %v", back, err)
	}
	longest := ours
	part := strings.Repeat("x", noise.MaxScopePart)
	longest.Scope = noise.Scope{Application: part, Version: part, Shard: part}
	if text := longest.String(); len(text) != pairing.MaxQR {
		t.Errorf("the longest has %d bytes", len(text))
	} else if _, err := pairing.ParseQR(text); err != nil {
		t.Error(err)
	}
	for _, bad := range []string{ours.String() + ":", ours.String() + ":AAAA", q.String() + ":AAAA", q.String() + ":" + strings.Repeat("A", 43) + "="} {
		if _, err := pairing.ParseQR(bad); !errors.Is(err, pairing.ErrQR) {
			t.Errorf("%q: %v", bad, err)
		}
	}
	text := q.String()
	fields := strings.Split(text, ":")
	with := func(i int, s string) string {
		f := append([]string(nil), fields...)
		f[i] = s
		return strings.Join(f, ":")
	}
	for _, bad := range []string{
		"", ":::::", "::::", text + ":", ":" + text, text[1:], text[:len(text)-1], text + "A", text + "\n",
		with(0, ""), with(1, "MC4x\n"), with(1, "MC4"), with(2, "MTA"), with(2, "MTB="), with(2, "L2E="), with(3, ""),
		with(3, "AAAA"), with(3, strings.Repeat("A", 43)+"="), with(4, "AAAA"), with(4, strings.Replace(fields[4], "_", "/", 1)),
		strings.Repeat("A", 10_000),
	} {
		if _, err := pairing.ParseQR(bad); !errors.Is(err, pairing.ErrQR) {
			t.Errorf("%q: %v", bad, err)
		}
	}
}

func TestInvitation(t *testing.T) {
	for _, pattern := range patterns {
		i := pairing.Invitation{QR: someQR(), Nametag: noise.Nametag{7}, Pattern: pattern}
		back, err := pairing.ParseInvitation(i.String())
		if err != nil || back != i {
			t.Fatalf("%+v, %v", back, err)
		}
	}
	good := pairing.Invitation{QR: someQR(), Pattern: noise.WakuPairing}.String()
	parts := strings.Split(good, "&")
	if _, err := pairing.ParseInvitation(parts[1] + "&" + parts[0]); err != nil {
		t.Errorf("the other order: %v", err)
	}
	for _, bad := range []string{
		"", parts[0], parts[1], good + "&x=1", good + "&pattern=XX", good + "&" + parts[0], good + "%zz",
		"messageNameTag=00&" + parts[1], parts[0] + "&qrCode=x", strings.Repeat("a", 5000), good + ";a=b",
	} {
		if _, err := pairing.ParseInvitation(bad); !errors.Is(err, pairing.ErrQR) {
			t.Errorf("%q: %v", bad, err)
		}
	}
}

// Whatever one character of our invitation becomes, and wherever it is cut, the scanner
// refuses it. 43's form has no check and is written as ever.
func TestAlteredInvitation(t *testing.T) {
	const typed = "AZaz09-_=%&+:;?./ \n\x00é"
	for _, pattern := range patterns {
		i := pairing.Invitation{QR: someQR(), Nametag: noise.Nametag{7, 255}, Pattern: pattern}
		if text := i.String(); strings.Contains(text, "check") {
			t.Errorf("43's form: %s", text)
		}
		i.QR.Nonce = [32]byte{253}
		text := i.String()
		if back, err := pairing.ParseInvitation(text); err != nil || back != i {
			t.Fatalf("%+v, %v", back, err)
		}
		refused := func(bad string) {
			t.Helper()
			if back, err := pairing.ParseInvitation(bad); !errors.Is(err, pairing.ErrQR) {
				t.Fatalf("%q is taken as %+v: %v", bad, back, err)
			}
		}
		for at := range len(text) {
			refused(text[:at])
			refused(text[at+1:])
			refused(text[:at] + text[at+1:])
			for _, c := range typed {
				refused(text[:at] + string(c) + text[at:])
				if string(c) != text[at:at+1] {
					refused(text[:at] + string(c) + text[at+1:])
				}
			}
			if at > 0 && text[at] != text[at-1] {
				refused(text[:at-1] + text[at:at+1] + text[at-1:at] + text[at+1:])
			}
		}
		for _, c := range typed {
			refused(text + string(c))
		}
		refused(text + text)
		if _, err := pairing.ParseInvitation(text[:len(text)-1]); !errors.Is(err, pairing.ErrAltered) {
			t.Errorf("one that is cut: %v", err)
		}
		if _, err := pairing.ParseInvitation("hello"); errors.Is(err, pairing.ErrAltered) {
			t.Errorf("what never was one: %v", err)
		}
	}
}
