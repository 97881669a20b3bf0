// Package noise is 35/WAKU2-NOISE: Noise handshakes inside version-2 payloads, and
// the encrypted transport that follows them.
//
//   - Pattern: the handshakes as tables of tokens (Lookup).
//   - Handshake: one run of a pattern, a value. Write and Read give the next value;
//     after an error the old value stays valid.
//   - Transport: what a finished handshake gives. Seal and Open, nametags, and a
//     window that takes lost and reordered messages.
//   - Payload: the version-2 payload, read strictly.
//   - Certificate: ties an X25519 static key to a chat identity.
//
// The primitives (X25519, ChaChaPoly, SHA-256) are those of flynn/noise. Its
// HandshakeState is not used, for three things it cannot do: mix the nametag into the
// associated data of a payload only, stay usable after a failed read, and let one side
// write twice in a row, as WakuPairing2 does. The tests run it beside ours, byte for
// byte.
//
// Nothing here reads a clock, draws randomness of its own or starts a goroutine.
//
// What is protected: the nametag is associated data of the payload, but is not mixed
// into the handshake hash h. Protocol id and key flags are not authenticated, so they
// must be what the pattern expects. h hashes public data in every pattern but XXpsk0:
// it identifies a session and proves nothing. The transport keys stay the same until
// the next handshake: forward secret from the ephemerals, but without healing after a
// compromise.
package noise
