package linking

import (
	"testing"

	"libstatus1to1/chat/protocol/noise/pairing"
)

// TestEarlyChunksAreBounded: what one paired device sends before its turn, under however
// many transfers, leaves room for the others.
func TestEarlyChunksAreBounded(t *testing.T) {
	var early earlyChunks
	add := func(device, transfer byte, offset uint64) {
		early.add(transferName{pairing: PairingID{device}, id: pairing.TransferID{transfer}}, offset*pairing.ChunkSize, pairing.Frame{})
	}
	for device := range byte(8) {
		before := early.size
		for transfer := range byte(4) {
			for offset := range uint64(100) {
				add(device, transfer, offset)
			}
		}
		if got := early.size - before; got > maxEarlyOfDevice || device < 4 && got != maxEarlyOfDevice {
			t.Errorf("device %d has %d bytes held", device, got)
		}
	}
	if early.size > maxEarlyBytes {
		t.Errorf("%d bytes are held", early.size)
	}
	early.forget(nil)
	if early.size != 0 || len(early.kept) != 0 {
		t.Errorf("%d bytes of no transfer are held", early.size)
	}
}

// TestQueueIsBounded: what waits while the network is away is bounded in number and in
// bytes, the latest first.
func TestQueueIsBounded(t *testing.T) {
	var queue []outgoing
	for n := range 1000 {
		queue = latest(append(queue, outgoing{payload: make([]byte, pairing.ChunkSize+n)}))
	}
	size := 0
	for _, o := range queue {
		size += len(o.payload)
	}
	if last := len(queue[len(queue)-1].payload); size > maxQueuedBytes || size < maxQueuedBytes/2 || last != pairing.ChunkSize+999 {
		t.Errorf("%d bytes in %d, the last of %d", size, len(queue), last)
	}
	for range 1000 {
		queue = latest(append(queue, outgoing{payload: []byte{1}}))
	}
	if len(queue) != maxQueued {
		t.Errorf("%d small ones wait", len(queue))
	}
}
