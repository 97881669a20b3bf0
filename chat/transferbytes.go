package chat

import (
	"libstatus1to1/chat/protocol/noise/pairing"
)

// The bytes of transfers, in pieces of pairing.ChunkSize; the last may be shorter.

// storeBytes stores data that begins at offset, a multiple of the piece.
func (p *noisePass) storeBytes(name transferName, offset uint64, data []byte) {
	p.do(func(t *txn) error {
		for number := int(offset / pairing.ChunkSize); len(data) > 0; number++ {
			n := min(len(data), pairing.ChunkSize)
			if err := t.Put(tableTransferBytes, name.chunkKey(number), data[:n]); err != nil {
				return err
			}
			data = data[n:]
		}
		return nil
	})
}

// pieces is how many pieces so many bytes are in.
func pieces(total uint64) int { return int((total + pairing.ChunkSize - 1) / pairing.ChunkSize) }

// dropBytes deletes what is stored of a transfer.
func (p *noisePass) dropBytes(x *transferEntry) {
	name, n := x.name, pieces(x.offer().Total)
	p.do(func(t *txn) error {
		for number := range n {
			if err := t.Delete(tableTransferBytes, name.chunkKey(number)); err != nil {
				return err
			}
		}
		return nil
	})
}

// readBytes reads n stored bytes from offset on.
func (c *Client) readBytes(name transferName, offset uint64, n int) ([]byte, error) {
	data := make([]byte, 0, n)
	err := c.store.View(func(tx Tx) error {
		for len(data) < n {
			at := offset + uint64(len(data))
			piece, err := tx.Get(tableTransferBytes, name.chunkKey(int(at/pairing.ChunkSize)))
			if err != nil {
				return err
			}
			from := int(at % pairing.ChunkSize)
			if from >= len(piece) {
				return Errorf(CodeStoreCorrupt, "", "bytes of a transfer are missing")
			}
			data = append(data, piece[from:min(len(piece), from+n-len(data))]...)
		}
		return nil
	})
	return data, err
}
