package chat

import (
	"crypto/sha256"
	"encoding/binary"
	"fmt"

	"google.golang.org/protobuf/proto"

	"libstatus1to1/chat/internal/history"
	"libstatus1to1/chat/internal/ledger"
	"libstatus1to1/chat/message"
	"libstatus1to1/chat/protocol/key"
	"libstatus1to1/chat/wire"
)

// FillHistory stores n messages that somebody sent long ago, as if they had arrived.
func (c *Client) FillHistory(from key.Public, n int) error {
	const atOnce = 1000
	began := c.now().UnixMilli() - int64(n)*1000
	for first := 0; first < n; first += atOnce {
		if err := c.update(func(t *txn) error {
			for i := first; i < min(first+atOnce, n); i++ {
				if err := c.history.Add(t.Tx, filled(from, i, began)); err != nil {
					return err
				}
			}
			return nil
		}); err != nil {
			return err
		}
	}
	return nil
}

func filled(from key.Public, i int, began int64) *wire.MessageRecord {
	id := sha256.Sum256(binary.BigEndian.AppendUint64([]byte("filled"), uint64(i)))
	at := began + int64(i)*1000
	return &wire.MessageRecord{
		Id: id[:], Chat: message.ConversationWith(from).Bytes(), From: from.Compressed(), Kind: message.KindText,
		Text: fmt.Sprintf("message %d: %0200d", i, i), Clock: uint64(at), SentAt: at, ReceivedAt: at, State: string(history.Received), Read: i%2 == 0,
	}
}

// SendPart stores a parcel of any content for a paired device, as no device of ours would.
func (c *Client) SendPart(to PairingID, m *wire.DeviceSync) error {
	b, err := proto.Marshal(m)
	if err != nil {
		return err
	}
	return c.exclusive(func(t *ledger.Turn) error {
		return c.linking.SendParcel(t, to, b, func(*ledger.Tx, TransferID) error { return nil })
	})
}

// ArchivePart is the first part of the archive of this store.
func (c *Client) ArchivePart() ([][]byte, error) {
	part, err := c.archivePart(nil, 16, 1<<19)
	return part.Batches, err
}

// Introduction returns what this device sends about itself in a sync.
func (c *Client) Introduction() (certificate, bundle []byte, err error) {
	err = c.exclusive(func(t *ledger.Turn) (err error) {
		certificate, bundle, err = c.introduction(t)
		return err
	})
	return certificate, bundle, err
}
