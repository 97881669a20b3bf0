package noise

// Version is the version of a WakuMessage with a Noise payload.
// Spec: 35/WAKU2-NOISE, "Specification".
const Version = 2

// Bounds on what a peer, or somebody forging messages, can make us do and keep.
const (
	// Window bounds the distance of a received message from the next expected one: the 50
	// nametags that 43/WAKU2-DEVICE-PAIRING suggests to keep.
	Window = 50

	// MaxSkipped bounds the nonces of missing messages that a transport remembers; the
	// oldest are dropped first. Four windows hold a batch from a store node in any order,
	// and a foreign payload costs some hundred hashes at most.
	MaxSkipped = 4 * Window

	// MaxPayload is the longest payload read or written: the largest Waku message of
	// the Status fleet, 1 MiB.
	MaxPayload = 1 << 20

	// MaxPlaintext is the longest plaintext whose padded ciphertext fits MaxPayload.
	MaxPlaintext = (MaxPayload-headSize-nonceSize-tagSize)/PadBlock*PadBlock - 1

	// MaxMessage is the Noise framework's limit on a handshake message: its keys and
	// its payload together.
	MaxMessage = 65535

	// MaxHandshakePlaintext is the longest plaintext that fits a handshake message of
	// any pattern (two encrypted keys at most).
	MaxHandshakePlaintext = (MaxMessage-2*(KeySize+tagSize)-tagSize)/PadBlock*PadBlock - 1

	// MaxPrologue bounds a prologue. A QR text is the longest in use.
	MaxPrologue = 4096
)
