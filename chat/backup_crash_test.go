package chat_test

import (
	"bytes"
	"context"
	"sync/atomic"
	"testing"

	"libstatus1to1/chat"
	"libstatus1to1/chat/memnet"
	"libstatus1to1/store"
)

// brittle is a store that survives its client, and fails from some transaction on.
type brittle struct {
	kept
	left atomic.Int64 // transactions that still succeed
}

func (b *brittle) Update(fn func(chat.Tx) error) error {
	if b.left.Add(-1) < 0 {
		return chat.Errorf(chat.CodeStoreIO, "", "the disk is gone")
	}
	return b.kept.Update(fn)
}

// TestBackupInterrupted: an import that ends after any of its transactions, with the process,
// leaves a store without contradictions, and the same import completes it.
func TestBackupInterrupted(t *testing.T) {
	backup, alice := aLongChat(t)
	want := leftBehind(alice.knows())
	const plenty = 1 << 30
	for n := range plenty {
		s := &brittle{kept: kept{store.Memory()}}
		s.left.Store(plenty)
		p := openPerson(t, "laptop", s, memnet.New(memnet.Options{}).Join(), fast)
		s.left.Store(int64(n))
		_, err := p.ImportBackup(context.Background(), bytes.NewReader(backup), backupPassphrase, false)
		if err != nil && chat.CodeOf(err) != chat.CodeStoreIO {
			t.Fatalf("after %d transactions: %v", n, err)
		}
		if err := p.Close(); err != nil {
			t.Fatal(err)
		}
		s.left.Store(plenty)
		p = openPerson(t, "laptop", s, memnet.New(memnet.Options{}).Join(), fast)
		p.sound()
		got := p.restore(backup)
		if got.New.Messages+got.Known.Messages != 80 || n > 2 && got.NewIdentity {
			t.Errorf("after %d transactions the second import brings %+v", n, got)
		}
		same(t, p.knows(), want)
		p.sound()
		if err == nil {
			if n < 5 {
				t.Errorf("the import took only %d transactions", n)
			}
			return
		}
	}
}
