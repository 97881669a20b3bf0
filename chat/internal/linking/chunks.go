package linking

import (
	"libstatus1to1/chat/internal/ledger"
	"libstatus1to1/chat/port"
	"libstatus1to1/chat/protocol/noise/pairing"
)

// The bytes of transfers are stored in pieces of pairing.ChunkSize; the last may be
// shorter. Chunks that come before their turn are kept in memory.

// storeBytes stores data that begins at offset, a multiple of pairing.ChunkSize.
func (st *step) storeBytes(name transferName, offset uint64, data []byte) {
	st.write(func(tx *ledger.Tx) error {
		for number := int(offset / pairing.ChunkSize); len(data) > 0; number++ {
			n := min(len(data), pairing.ChunkSize)
			if err := tx.Put(tableTransferBytes, name.chunkKey(number), data[:n]); err != nil {
				return err
			}
			data = data[n:]
		}
		return nil
	})
}

// pieces returns the number of pieces that total bytes are stored in.
func pieces(total uint64) int { return int((total + pairing.ChunkSize - 1) / pairing.ChunkSize) }

// dropBytes deletes the stored bytes of a transfer.
func (st *step) dropBytes(x *transferEntry) {
	name, n := x.name, pieces(x.offer().Total)
	st.write(func(tx *ledger.Tx) error {
		for number := range n {
			if err := tx.Delete(tableTransferBytes, name.chunkKey(number)); err != nil {
				return err
			}
		}
		return nil
	})
}

// readBytes reads n stored bytes from offset on. Error: CodeStoreCorrupt if some are
// missing.
func (l *Linking) readBytes(name transferName, offset uint64, n int) ([]byte, error) {
	data := make([]byte, 0, n)
	err := l.host.Ledger.View(func(tx port.Tx) error {
		for len(data) < n {
			at := offset + uint64(len(data))
			piece, err := tx.Get(tableTransferBytes, name.chunkKey(int(at/pairing.ChunkSize)))
			if err != nil {
				return err
			}
			from := int(at % pairing.ChunkSize)
			if from >= len(piece) {
				return port.Errorf(port.CodeStoreCorrupt, "", "bytes of a transfer are missing")
			}
			data = append(data, piece[from:min(len(piece), from+n-len(data))]...)
		}
		return nil
	})
	return data, err
}

// earlyChunks are chunks that came before their turn, in memory only: a network may change
// the order, and what is lost of them their sender repeats. The zero value is empty.
type earlyChunks struct {
	kept map[transferName]map[uint64]pairing.Frame // by offset
	size int                                       // bytes of all
}

// add keeps a chunk if there is room, and returns how many of its transfer are kept. For
// one that is known or finds no room that is at least gapChunks: the sender is to hear what
// is missing.
func (c *earlyChunks) add(name transferName, offset uint64, f pairing.Frame) int {
	of := c.kept[name]
	_, known := of[offset]
	full := c.ofDevice(name.pairing)+pairing.ChunkSize > maxEarlyOfDevice || c.size+pairing.ChunkSize > maxEarlyBytes
	if known || full {
		return max(len(of), gapChunks)
	}
	if c.kept == nil {
		c.kept = map[transferName]map[uint64]pairing.Frame{}
	}
	if of == nil {
		of = map[uint64]pairing.Frame{}
		c.kept[name] = of
	}
	of[offset] = f
	c.size += pairing.ChunkSize
	return len(of)
}

// ofDevice counts the bytes that are kept of one device.
func (c *earlyChunks) ofDevice(id PairingID) (size int) {
	for name, of := range c.kept {
		if name.pairing == id {
			size += len(of) * pairing.ChunkSize
		}
	}
	return size
}

// remove hands out the chunk at an offset, if it is kept.
func (c *earlyChunks) remove(name transferName, offset uint64) (f pairing.Frame, found bool) {
	if f, found = c.kept[name][offset]; found {
		delete(c.kept[name], offset)
		c.size -= pairing.ChunkSize
	}
	return f, found
}

// forget drops the chunks of transfers that are over.
func (c *earlyChunks) forget(transfers map[transferName]transferEntry) {
	for name, of := range c.kept {
		if x, found := transfers[name]; !found || x.state != Running || len(of) == 0 {
			c.size -= len(of) * pairing.ChunkSize
			delete(c.kept, name)
		}
	}
}
