package pairing_test

import (
	"bufio"
	"bytes"
	"encoding/hex"
	"errors"
	"math/rand/v2"
	"os"
	"strings"
	"testing"
	"time"

	"libstatus1to1/chat/protocol/noise"
	"libstatus1to1/chat/protocol/noise/pairing"
)

// With nonces the scanner has no authcode before the displayer has opened its nonce, nobody's
// static key moves before its user has confirmed, and both are paired in the end, either
// side confirming first, restarted after every step.
func TestPairWithNonces(t *testing.T) {
	r := seeded(t)
	for _, pattern := range patterns {
		for _, askerFirst := range []bool{true, false} {
			displayer, scanner := newDevice(t, r, true), newDevice(t, r, true)
			displayer.restart, scanner.restart = true, true
			displayer.config.Nonces, scanner.config.Nonces = true, true
			first := scanner.scan(displayer.show(pattern))
			if _, err := scanner.p.Authcode(); !errors.Is(err, pairing.ErrPhase) || scanner.p.Phase() != pairing.PhaseAnswer {
				t.Fatal("digits before the displayer has answered")
			}
			opening := displayer.receive(nil, first...)
			if sent := scanner.receive(nil, opening...); len(sent) != 0 {
				t.Fatal("the opening is answered")
			}
			if displayer.authcode() != scanner.authcode() {
				t.Fatal("the authcodes differ")
			}
			b, a := asker(pattern, displayer, scanner)
			var third [][]byte
			if askerFirst {
				a.receive(nil, b.confirm(true)...)
				third = a.confirm(true)
			} else {
				a.confirm(true)
				third = a.receive(nil, b.confirm(true)...)
			}
			b.receive(nil, third...)
			samePeers(t, a, b)
		}
	}
}

// The authcode hangs on both nonces: with the same handshake another nonce of either side
// gives other digits.
func TestAuthcodeHangsOnBothNonces(t *testing.T) {
	r := seeded(t)
	d, m := newDevice(t, r, true), newDevice(t, r, true)
	d.config.Nonces = true
	d.show(noise.WakuPairing)
	i, _, _ := d.p.Invitation()
	codes := map[string]bool{}
	for n := range byte(4) {
		p, _, err := pairing.ScanWith(m.config, i, m.config.Static, [32]byte{1}, [32]byte{1 + n/2}, start)
		if err != nil {
			t.Fatal(err)
		}
		codes[p.GuessAuthcode([32]byte{n % 2})] = true
	}
	if len(codes) != 4 {
		t.Errorf("%d authcodes of 4 pairs of nonces", len(codes))
	}
}

// searchSpace is the number of authcodes that the search below tells apart: the last two
// digits, so that it is over in a moment. 43's has 10^8 and takes a minute on two cores.
const searchSpace = 100

// betweenThem stands between A, whom she has shown an invitation of her own, and B, whose
// invitation she has. When she knows A's digits, she looks for a message 1 to B that gives
// the same ones, and reports whether B shows them.
func betweenThem(t *testing.T, r *rand.ChaCha8, nonces bool) bool {
	t.Helper()
	a, b, m := newDevice(t, r, true), newDevice(t, r, true), newDevice(t, r, true)
	for _, d := range []*device{a, b, m} {
		d.config.Nonces = nonces
	}
	a.receive(nil, m.receive(nil, a.scan(m.show(noise.WakuPairing))...)...)
	want := a.authcode()[6:]

	b.show(noise.WakuPairing)
	invitation, _, _ := b.p.Invitation()
	ephemeral, err := noise.GenerateKey(r)
	if err != nil {
		t.Fatal(err)
	}
	var out pairing.Output
	for n := range 20 * searchSpace {
		mine := [32]byte{1, byte(n), byte(n >> 8)}
		var p pairing.Pairing
		if p, out, err = pairing.ScanWith(m.config, invitation, ephemeral, mine, mine, start); err != nil {
			t.Fatal(err)
		}
		if p.GuessAuthcode([32]byte{})[6:] == want {
			break
		}
	}
	b.receive(nil, out.Send...)
	return b.authcode()[6:] == want
}

// 43's authcode can be searched for by who stands between the devices; one of nonces
// leaves her the one chance that two numbers are the same.
func TestAuthcodeIsNotFoundBySearching(t *testing.T) {
	r := seeded(t)
	const rounds = 30
	found := map[bool]int{}
	for range rounds {
		for _, nonces := range []bool{false, true} {
			if betweenThem(t, r, nonces) {
				found[nonces]++
			}
		}
	}
	if found[false] != rounds {
		t.Errorf("43's was found %d times in %d: the search does not do its work", found[false], rounds)
	}
	if found[true] > 5 { // by chance once in 10^6 runs
		t.Errorf("with nonces it was found %d times in %d", found[true], rounds)
	}
}

// She may also wait for the nonce of A before she opens hers, or of B before she has
// committed: the first is found out, the second does not come.
func TestNonceThatWasNotCommittedTo(t *testing.T) {
	r := seeded(t)
	for _, pattern := range patterns {
		displayer, scanner := newDevice(t, r, true), newDevice(t, r, true)
		displayer.config.Nonces, scanner.config.Nonces = true, true
		first := scanner.scan(displayer.show(pattern))
		if displayer.p.Resend().Send != nil {
			t.Error("the displayer opens its nonce before there is a scanner")
		}
		displayer.p = displayer.p.WithNonce([32]byte{1})
		abort := scanner.receive(pairing.ErrCommitment, displayer.receive(nil, first...)...)
		scanner.failed(pairing.ErrCommitment, false)
		displayer.receive(pairing.ErrCommitment, abort...)
		displayer.failed(pairing.ErrCommitment, true)
	}
}

// The opening altered, withheld, doubled, out of order or of another pairing.
func TestOpeningGoesWrong(t *testing.T) {
	r := seeded(t)
	for _, pattern := range patterns {
		displayer, scanner := newDevice(t, r, true), newDevice(t, r, true)
		displayer.restart, scanner.restart = true, true
		displayer.config.Nonces, scanner.config.Nonces = true, true
		first := scanner.scan(displayer.show(pattern))
		opening := displayer.receive(nil, first...)[0]
		before := scanner.p.Marshal()

		_, _, ofOthers := scannedWith(t, r, pattern, true)
		for i := range opening {
			bad := bytes.Clone(opening)
			bad[i] ^= 1
			scanner.receive(pairing.ErrIgnored, bad)
		}
		scanner.receive(pairing.ErrIgnored, opening[:len(opening)-1])
		scanner.receive(pairing.ErrIgnored, ofOthers...)
		displayer.receive(pairing.ErrIgnored, ofOthers...)
		if !bytes.Equal(scanner.p.Marshal(), before) {
			t.Fatal("a forged opening changes the state")
		}
		if _, _, err := scanner.p.Confirm(true, start, r); !errors.Is(err, pairing.ErrPhase) {
			t.Fatalf("confirming before there are digits: %v", err)
		}

		// It was lost: the scanner asks again, and the displayer opens the same nonce.
		if again := displayer.receive(nil, scanner.p.Resend().Send...); len(again) != 1 || !bytes.Equal(again[0], opening) {
			t.Fatal("message 1 once more is not answered with the same opening")
		}
		if sent := displayer.receive(nil, opening); len(sent) != 0 {
			t.Fatal("the displayer answers its own opening")
		}
		b, a := asker(pattern, displayer, scanner)
		if b == displayer { // the opening of the commitment overtakes that of the nonce
			second := b.confirm(true)
			if sent := a.receive(nil, second...); len(sent) != 0 || a.p.Phase() != pairing.PhaseAnswer {
				t.Fatal("message 2 takes the place of the nonce")
			}
			if again := b.receive(nil, first...); len(again) != 2 || !bytes.Equal(again[0], opening) {
				t.Fatal("a lost opening is not repeated once the displayer's user has confirmed")
			}
		}
		scanner.receive(nil, opening)
		scanner.receive(nil, opening)
		a.receive(nil, b.resent()...)
		b.receive(nil, a.confirmed()...)
		samePeers(t, a, b)

		// It never comes: both learn it.
		displayer, scanner = newDevice(t, r, true), newDevice(t, r, true)
		displayer.config.Nonces, scanner.config.Nonces = true, true
		displayer.receive(nil, scanner.scan(displayer.show(pattern))...)
		scanner.now = scanner.p.Wake()
		if waited := scanner.now.Sub(start); waited != pairing.AnswerTime {
			t.Errorf("the scanner waits for %v", waited)
		}
		out := scanner.tick(pairing.ErrTimeout)
		displayer.receive(pairing.ErrTimeout, out.Send...)
	}
}

// resent returns what a device sends again, after its user has confirmed if that is to be
// done.
func (d *device) resent() [][]byte {
	if d.p.Phase() == pairing.PhaseConfirm {
		d.confirm(true)
	}
	return d.p.Resend().Send
}

// confirmed returns what a device sends once its user has confirmed.
func (d *device) confirmed() [][]byte {
	if d.p.Phase() == pairing.PhaseConfirm {
		return d.confirm(true)
	}
	return d.p.Resend().Send
}

// A device that demands nonces takes no QR code without; one that does not takes either;
// and an altered QR code gives no handshake.
func TestFormOfAuthcodeIsNotLowered(t *testing.T) {
	r := seeded(t)
	plain, ours, other := newDevice(t, r, true), newDevice(t, r, true), newDevice(t, r, true)
	ours.config.Nonces, other.config.Nonces = true, true
	if _, _, err := pairing.Scan(ours.config, plain.show(noise.WakuPairing), start, r); !errors.Is(err, pairing.ErrAuthcode) {
		t.Errorf("a QR code without a nonce: %v", err)
	}
	text := ours.show(noise.WakuPairing)
	plain.receive(nil, ours.receive(nil, plain.scan(text)...)...)
	if plain.authcode() != ours.authcode() {
		t.Error("a device that knows both forms shows other digits")
	}

	text = ours.show(noise.WakuPairing)
	lowered, err := pairing.ParseInvitation(text)
	if err != nil {
		t.Fatal(err)
	}
	lowered.QR.Nonce = [32]byte{}
	plain = newDevice(t, r, true)
	ours.receive(pairing.ErrIgnored, plain.scan(lowered.String())...)
	raised, err := pairing.ParseInvitation(newDevice(t, r, true).show(noise.WakuPairing))
	if err != nil {
		t.Fatal(err)
	}
	raised.QR.Nonce = [32]byte{1}
	plain.receive(pairing.ErrIgnored, other.scan(raised.String())...)
}

// Pairings that were stored before there were nonces read back, and are of 43's form.
func TestStoredBeforeNonces(t *testing.T) {
	f, err := os.Open("testdata/stored/v1.txt")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	phases := map[string]pairing.Phase{
		"shown": pairing.PhaseShown, "confirm": pairing.PhaseConfirm, "scanner": pairing.PhaseConfirm, "wait": pairing.PhaseWait,
	}
	for lines := bufio.NewScanner(f); lines.Scan(); {
		name, text, _ := strings.Cut(lines.Text(), " ")
		b, err := hex.DecodeString(text)
		if err != nil {
			t.Fatal(err)
		}
		p, err := pairing.Unmarshal(b)
		if err != nil || p.Phase() != phases[name] || p.Nonces() {
			t.Errorf("%s: phase %d, %v", name, p.Phase(), err)
			continue
		}
		delete(phases, name)
		d := &device{t: t, r: chacha(1), now: start, restart: true}
		d.keep(p)
		d.now = p.Wake().Add(-time.Second)
		d.tick(nil)
	}
	if len(phases) > 0 {
		t.Errorf("%v were not read", phases)
	}
}
