package chat_test

import (
	"bytes"
	"context"
	"strings"
	"testing"

	"google.golang.org/protobuf/proto"

	"libstatus1to1/chat"
	"libstatus1to1/chat/memnet"
	"libstatus1to1/chat/wire"
)

// anyRecord gives one record of a table.
func anyRecord(t *testing.T, tx chat.Tx, table chat.Table) (name, value []byte) {
	t.Helper()
	if err := tx.Each(table, func(n, v []byte) error {
		if name == nil || bytes.Compare(n, name) < 0 {
			name, value = bytes.Clone(n), bytes.Clone(v)
		}
		return nil
	}); err != nil || name == nil {
		t.Fatalf("no record in %s: %v", table, err)
	}
	return name, value
}

// TestCheckFindsDamagedPairings: every kind of contradiction in what pairings leave.
func TestCheckFindsDamagedPairings(t *testing.T) {
	deleted := func(table chat.Table) func(*testing.T, chat.Tx) error {
		return func(t *testing.T, tx chat.Tx) error {
			name, _ := anyRecord(t, tx, table)
			return tx.Delete(table, name)
		}
	}
	changed := func(table chat.Table, change func([]byte) []byte) func(*testing.T, chat.Tx) error {
		return func(t *testing.T, tx chat.Tx) error {
			name, value := anyRecord(t, tx, table)
			return tx.Put(table, name, change(value))
		}
	}
	cut := func(b []byte) []byte { return b[:len(b)-1] }
	pairing := func(change func(*wire.PairingRecord)) func([]byte) []byte {
		return func(b []byte) []byte {
			var rec wire.PairingRecord
			if err := proto.Unmarshal(b, &rec); err != nil {
				t.Fatal(err)
			}
			change(&rec)
			b, err := proto.Marshal(&rec)
			if err != nil {
				t.Fatal(err)
			}
			return b
		}
	}
	unfinished := func(b []byte) []byte {
		var rec wire.TransferRecord
		if err := proto.Unmarshal(b, &rec); err != nil {
			t.Fatal(err)
		}
		rec.EndedAt = 0
		b, err := proto.Marshal(&rec)
		if err != nil {
			t.Fatal(err)
		}
		return b
	}
	for what, c := range map[string]struct {
		damage func(*testing.T, chat.Tx) error
		found  string
	}{
		"no session":         {deleted("noise_sessions"), "a paired device has no session"},
		"session cut":        {changed("noise_sessions", cut), "a session does not read back"},
		"no pairing":         {deleted("pairings"), "a session belongs to no pairing"},
		"no pairing, repeat": {deleted("pairings"), "a payload belongs to no pairing"},
		"no pairing, sent":   {deleted("pairings"), "a transfer belongs to no pairing"},
		"state":              {changed("pairings", pairing(func(r *wire.PairingRecord) { r.State = "odd" })), "a pairing does not read back"},
		"protocol state":     {changed("pairings", pairing(func(r *wire.PairingRecord) { r.Pairing = []byte{1} })), "a pairing does not read back"},
		"too far":            {changed("pairings", pairing(func(r *wire.PairingRecord) { r.Confirmed = 999 })), "further than its session"},
		"state ahead":        {changed("pairings", pairing(func(r *wire.PairingRecord) { r.State = "confirmed" })), "a pairing is not where its protocol is"},
		"transfer state":     {changed("transfers", unfinished), "a transfer is not where its protocol is"},
		"no transfer":        {deleted("transfers"), "bytes belong to no transfer"},
		"transfer cut":       {changed("transfers", cut), "transfer"},
		"a piece is missing": {deleted("transfer_bytes"), "a piece of a transfer is missing"},
		"a piece is cut":     {changed("transfer_bytes", cut), "a piece of a transfer is missing"},
		"a piece is changed": {changed("transfer_bytes", func(b []byte) []byte { b[0] ^= 1; return b }), "not those it names"},
		"key": {func(t *testing.T, tx chat.Tx) error {
			return tx.Put("meta", []byte("noise_key"), []byte{10, 1, 1})
		}, "the Noise key does not read back"},
		"certificate": {func(t *testing.T, tx chat.Tx) error {
			b, err := tx.Get("meta", []byte("noise_key"))
			if err != nil {
				return err
			}
			b[len(b)-5] ^= 1
			return tx.Put("meta", []byte("noise_key"), b)
		}, "the certificate of the Noise key is not right"},
	} {
		t.Run(what, func(t *testing.T) {
			s := newPairingSim(t, 12, memnet.Options{})
			s.pair(true)
			s.send(s.scanner, "got", s.content(200_000))
			s.arrivedAt(s.shower, "got", s.content(200_000))
			s.stop(s.scanner.simDevice)
			s.checked1(s.shower, "")
			if err := s.shower.store.Update(func(tx chat.Tx) error { return c.damage(t, tx) }); err != nil {
				t.Fatal(err)
			}
			s.checked1(s.shower, c.found)
		})
	}
}

// checked1 looks into one store, which must have this problem, or none.
func (s *pairingSim) checked1(d *pairingSide, problem string) {
	s.t.Helper()
	check, err := d.CheckStore(context.Background())
	if err != nil {
		s.fatalf("%v", err)
	}
	all := strings.Join(check.Problems, "\n")
	if problem == "" && all != "" || !strings.Contains(all, problem) {
		s.fatalf("found %q, not %q", all, problem)
	}
}
