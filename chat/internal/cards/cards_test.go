package cards

import (
	"bytes"
	"context"
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"libstatus1to1/chat/identity/card"
	"libstatus1to1/chat/internal/ledger"
	"libstatus1to1/chat/port"
	"libstatus1to1/chat/protocol/key"
	"libstatus1to1/chat/protocol/x3dh"
	"libstatus1to1/chat/wire"
	"libstatus1to1/store"
)

var now = time.Date(2026, 5, 4, 12, 0, 0, 0, time.UTC)

type silence struct{}

func (silence) Log(string, string, ...any) {}

func newCards(t *testing.T) *Cards {
	t.Helper()
	l := ledger.New(ledger.Options{
		Store: store.Memory(), Now: func() time.Time { return now }, MaxEvents: 10, MaxEventBytes: 1000,
		Stranger: func(key.Compact) bool { return false }, Blocked: func(key.Compact) bool { return false },
		Withheld: func() {}, Panicked: func(v any, _ []byte) string { return fmt.Sprint(v) },
	})
	if err := l.Load(); err != nil {
		t.Fatal(err)
	}
	return &Cards{Ledger: l, Log: silence{}}
}

func (c *Cards) mustUpdate(t *testing.T, f func(*ledger.Tx) error) {
	t.Helper()
	if err := c.Ledger.Update(f); err != nil {
		t.Fatal(err)
	}
}

func (c *Cards) len(t *testing.T, table port.Table) (n int) {
	t.Helper()
	if err := c.Ledger.View(func(tx port.Tx) error { return tx.Each(table, func(_, _ []byte) error { n++; return nil }) }); err != nil {
		t.Fatal(err)
	}
	return n
}

func secret(i int) (s card.Secret) {
	s[0], s[1], s[15] = byte(i), byte(i>>8), 1
	return s
}

// Whoever issues cards without end keeps MaxSecrets of them, the latest.
func TestCardSecretsAreBounded(t *testing.T) {
	c := newCards(t)
	const more = 3
	c.mustUpdate(t, func(tx *ledger.Tx) error {
		for i := range MaxSecrets {
			id := secret(i).ID()
			s := secret(i)
			rec := &wire.CardSecretRecord{Secret: s[:], Until: now.Add(keepSecret).UnixMilli() + int64(i)}
			if err := ledger.Put(tx, tableSecrets, id[:], rec); err != nil {
				return err
			}
		}
		return nil
	})
	for i := range more {
		c.mustUpdate(t, func(tx *ledger.Tx) error { return Issue(tx, secret(MaxSecrets+i), now.Add(time.Hour)) })
	}
	if n := c.len(t, tableSecrets); n != MaxSecrets {
		t.Fatalf("%d secrets are kept", n)
	}
	for i := range MaxSecrets + more {
		var found bool
		err := c.Ledger.View(func(tx port.Tx) (err error) {
			_, found, err = Secret(tx, secret(i).ID(), now)
			return err
		})
		if err != nil || found != (i >= more) {
			t.Fatalf("secret %d: %t %v", i, found, err)
		}
	}
	problems := 0
	if err := c.Ledger.View(func(tx port.Tx) error {
		return c.Check(ledger.NewWalk(context.Background(), tx, func(string) { problems++ }))
	}); err != nil || problems > 0 {
		t.Errorf("%d problems, %v", problems, err)
	}
}

// of is a card of somebody; nothing but what Add looks at is in it.
func of(t *testing.T, seed uint64, device string, issued time.Time, s card.Secret) card.Card {
	t.Helper()
	k, err := key.Generate(rand.NewChaCha8([32]byte{byte(seed), byte(seed >> 8), 1}))
	if err != nil {
		t.Fatal(err)
	}
	return card.Card{Identity: k.Public(), Device: x3dh.SignedPreKey{InstallationID: device}, Secret: s, Issued: issued}
}

// Cards of other devices and people do not stand in the way of each other. What was added
// is forgotten when no older card can be valid any more, and not before.
func TestCardAddedOncePerDevice(t *testing.T) {
	c := newCards(t)
	for i, its := range []card.Card{of(t, 1, "a", now, secret(1)), of(t, 1, "b", now.Add(-time.Hour), secret(2)), of(t, 2, "a", now.Add(-time.Hour), secret(3))} {
		if err := c.Ledger.Update(func(tx *ledger.Tx) error { return Add(tx, its, now) }); err != nil {
			t.Errorf("card %d: %v", i, err)
		}
	}
	same := of(t, 1, "a", now, secret(4)) // issued in the same second
	c.mustUpdate(t, func(tx *ledger.Tx) error { return Add(tx, same, now) })
	if err := c.forget(now.Add(keepAdded - time.Minute)); err != nil || c.len(t, tableAdded) != 3 {
		t.Errorf("forgotten early: %v", err)
	}
	if err := c.forget(now.Add(keepAdded + time.Minute)); err != nil || c.len(t, tableAdded) != 0 {
		t.Errorf("kept: %v", err)
	}
}

// The cards of others have a bound too; the error says so, and those that are known go on.
func TestCardsAddedAreBounded(t *testing.T) {
	c := newCards(t)
	first := of(t, 1, "a", now, secret(1))
	c.mustUpdate(t, func(tx *ledger.Tx) error {
		if err := Add(tx, first, now); err != nil {
			return err
		}
		for i := 1; i < MaxAdded; i++ {
			id := fmt.Sprint("device ", i)
			rec := &wire.AddedCardRecord{
				Identity: first.Identity.Compressed(), InstallationId: id, Issued: now.Unix(), SecretId: bytes.Repeat([]byte{1}, 16), Until: now.Add(keepAdded).UnixMilli(),
			}
			if err := ledger.Put(tx, tableAdded, deviceName(first.Identity.Compressed(), id), rec); err != nil {
				return err
			}
		}
		return nil
	})
	err := c.Ledger.Update(func(tx *ledger.Tx) error { return Add(tx, of(t, 2, "a", now, secret(2)), now) })
	if port.CodeOf(err) != port.CodeTooMany {
		t.Errorf("one more: %v", err)
	}
	newer := of(t, 1, "a", now.Add(time.Hour), secret(3))
	c.mustUpdate(t, func(tx *ledger.Tx) error { return Add(tx, newer, now) })
}

// Records that are not what their names say are reported.
func TestCardsCheck(t *testing.T) {
	c := newCards(t)
	c.mustUpdate(t, func(tx *ledger.Tx) error {
		s := secret(1)
		if err := ledger.Put(tx, tableSecrets, []byte("another name"), &wire.CardSecretRecord{Secret: s[:], Until: 1}); err != nil {
			return err
		}
		return ledger.Put(tx, tableAdded, []byte("another name"), &wire.AddedCardRecord{InstallationId: "a"})
	})
	var problems []string
	if err := c.Ledger.View(func(tx port.Tx) error {
		return c.Check(ledger.NewWalk(context.Background(), tx, func(p string) { problems = append(problems, p) }))
	}); err != nil || len(problems) != 2 {
		t.Errorf("%q %v", problems, err)
	}
}
