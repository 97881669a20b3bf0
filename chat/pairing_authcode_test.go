package chat_test

import (
	"strings"
	"testing"
	"time"

	"libstatus1to1/chat"
	"libstatus1to1/chat/event"
	"libstatus1to1/chat/memnet"
	"libstatus1to1/chat/protocol/noise"
	"libstatus1to1/chat/protocol/noise/pairing"
)

// TestPairingInvitationIsPasted: what copying and sending leaves around and inside an
// invitation is passed over; one that is cut or has another character is refused at once,
// by its field and with the cause, and the pairing that shows it goes on.
func TestPairingInvitationIsPasted(t *testing.T) {
	s := newPairingSim(t, 21, memnet.Options{})
	invitation := s.show(true)
	half := len(invitation) / 2
	for bad, cause := range map[string]string{
		invitation[:len(invitation)-1]: "altered", invitation[1:]: "altered", invitation[:half] + invitation[half+1:]: "altered",
		invitation[:half] + "x" + invitation[half:]: "altered", strings.Replace(invitation, "check=", "check=0", 1): "altered",
		invitation + invitation: "altered", "": "other_text", "hello": "other_text", strings.Repeat("a", 1<<20): "other_text",
	} {
		_, err := s.scanner.ScanPairing(bad)
		wantCode(t, "a bad invitation", err, chat.CodeBadInvitation, "invitation")
		if e := err.(*chat.Error); e.Details["cause"] != cause {
			t.Errorf("%.20q: %v", bad, e.Details)
		}
	}
	_, err := s.shower.ScanPairing(" " + invitation + "\n")
	wantCode(t, "our own", err, chat.CodeBadInvitation, "invitation")
	if e := err.(*chat.Error); e.Details["cause"] != "own" {
		t.Errorf("our own: %v", e.Details)
	}
	if list, err := s.scanner.Pairings(); err != nil || len(list) != 0 || s.shower.state() != "shown" {
		t.Fatalf("%d pairings, %v", len(list), err)
	}
	s.scan("\ufeff\r\n " + invitation[:60] + "\r\n\t" + invitation[60:half] + "\u200b \u2028" + invitation[half:] + "\u00a0\n")
	s.until("the authcodes", func() bool { return s.shower.state() == "compare" && s.scanner.state() == "compare" })
}

// TestPairingOldAuthcode: this engine takes no invitation whose authcode can be searched
// for, and nobody lowers the form of its own.
func TestPairingOldAuthcode(t *testing.T) {
	s := newPairingSim(t, 22, memnet.Options{})
	f := newForeign(s)
	static, err := noise.GenerateKey(f.rand)
	if err != nil {
		t.Fatal(err)
	}
	config := pairing.Config{Scope: noise.DefaultScope, Static: static}
	old, err := pairing.Start(config, noise.WakuPairing, s.clock.Now(), f.rand)
	if err != nil {
		t.Fatal(err)
	}
	invitation, _, err := old.Invitation()
	if err != nil {
		t.Fatal(err)
	}
	_, err = s.scanner.ScanPairing(invitation.String())
	wantCode(t, "43's own form", err, chat.CodeBadInvitation, "invitation")

	lowered, err := pairing.ParseInvitation(s.show(true))
	if err != nil {
		t.Fatal(err)
	}
	lowered.QR.Nonce = [32]byte{}
	_, out, err := pairing.Scan(config, lowered.String(), s.clock.Now(), f.rand)
	if err != nil {
		t.Fatal(err)
	}
	f.publish(out.Send...)
	for range 20 {
		s.step()
	}
	if s.shower.state() != "shown" {
		t.Fatalf("the shower is at %s", s.shower.state())
	}
}

// TestPairingShowerIsGone: the device that scans has no digits before the other one has
// answered, also after a restart, and learns within the life of an invitation that it
// does not.
func TestPairingShowerIsGone(t *testing.T) {
	s := newPairingSim(t, 23, memnet.Options{})
	invitation := s.show(true)
	s.stop(s.shower.simDevice)
	s.scan(invitation)
	began := s.clock.Now()
	s.restart(s.scanner.simDevice)
	if p := s.scanner.pairing(); p.State != "scanned" || p.Authcode != "" {
		t.Fatalf("%+v", p)
	}
	_, err := s.scanner.ConfirmPairing(s.scanner.id, true)
	wantCode(t, "confirming nothing", err, chat.CodePairingState, "pairing_id")
	s.failed(s.scanner, chat.CodePairingTimeout, "local")
	if waited := time.UnixMilli(s.scanner.pairing().EndedAt).Sub(began); waited > pairing.AnswerTime+time.Second {
		t.Errorf("it took %v", waited)
	}
	if codes := told[event.PairingAuthcode](s.scanner); len(codes) != 0 {
		t.Errorf("digits were shown: %+v", codes)
	}
}

// TestPairingEndsWithTheCertificate: a paired device goes out of use when its certificate
// runs out, however often it is heard, also where the engine was off at that time. Both
// devices are told, with the cause, and nothing it sends after that arrives.
func TestPairingEndsWithTheCertificate(t *testing.T) {
	for _, off := range []bool{false, true} {
		s := newPairingSim(t, 24, memnet.Options{})
		s.pair(true)
		end := time.UnixMilli(s.shower.pairing().Session.ExpiresAt)
		if life := end.Sub(s.clock.Now()); life < 150*24*time.Hour || life > 181*24*time.Hour {
			t.Fatalf("it ends after %v", life)
		}
		for s.clock.Now().Add(30 * 24 * time.Hour).Before(end) {
			s.clock.advance(20 * 24 * time.Hour)
			for _, d := range s.sides() {
				data := s.content(100)
				from := s.send(d, "data", data)
				s.until("it to arrive", func() bool {
					for _, e := range told[event.TransferDone](d) {
						if e.Transfer.ID == from.ID {
							return true
						}
					}
					return false
				})
			}
		}
		if s.shower.state() != "paired" || !s.shower.pairing().Session.Due && s.clock.Now().Add(14*24*time.Hour).After(end) {
			t.Fatalf("%+v", s.shower.pairing())
		}
		s.clock.advance(end.Sub(s.clock.Now()))
		for _, d := range s.sides() {
			if off {
				s.restart(d.simDevice)
			}
			s.until("the end", func() bool { return d.state() == "ended" })
			ended := told[event.PairingEnded](d)
			if len(ended) != 1 || ended[0].Cause != d.pairing().Cause {
				t.Fatalf("%+v", ended)
			}
		}
		if p := s.shower.pairing(); p.Cause != chat.CodePairingOutdated || p.By != "local" {
			t.Fatalf("%+v", p)
		}
		_, err := s.scanner.SendToPaired(s.scanner.id, "late", nil)
		wantCode(t, "sending after the end", err, chat.CodePairingState, "pairing_id")
		s.checked()
	}
}
