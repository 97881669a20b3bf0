package chat

import "libstatus1to1/chat/protocol/noise/pairing"

// earlyChunks are chunks that came before their turn, in memory only: a network may change
// the order. Whatever is lost of them the sender repeats. The zero value is empty.
type earlyChunks struct {
	held map[transferName]map[uint64]pairing.Frame // by offset
	size int
}

// hold keeps a chunk if there is room, and tells how many of its transfer are kept.
func (c *earlyChunks) hold(name transferName, offset uint64, f pairing.Frame) int {
	of := c.held[name]
	_, held := of[offset]
	full := c.ofDevice(name.pairing)+pairing.ChunkSize > maxEarlyOfDevice || c.size+pairing.ChunkSize > maxEarlyBytes
	if held || full {
		return max(len(of), toldOfGap)
	}
	if c.held == nil {
		c.held = map[transferName]map[uint64]pairing.Frame{}
	}
	if of == nil {
		of = map[uint64]pairing.Frame{}
		c.held[name] = of
	}
	of[offset] = f
	c.size += pairing.ChunkSize
	return len(of)
}

// ofDevice is how many bytes are kept of one device.
func (c *earlyChunks) ofDevice(id PairingID) (size int) {
	for name, of := range c.held {
		if name.pairing == id {
			size += len(of) * pairing.ChunkSize
		}
	}
	return size
}

// take gives a chunk whose turn it is now.
func (c *earlyChunks) take(name transferName, offset uint64) (f pairing.Frame, found bool) {
	if f, found = c.held[name][offset]; found {
		delete(c.held[name], offset)
		c.size -= pairing.ChunkSize
	}
	return f, found
}

// forget drops what belongs to transfers that are over.
func (c *earlyChunks) forget(transfers map[transferName]transferEntry) {
	for name, of := range c.held {
		if t, found := transfers[name]; !found || !t.running() || len(of) == 0 {
			c.size -= len(of) * pairing.ChunkSize
			delete(c.held, name)
		}
	}
}
