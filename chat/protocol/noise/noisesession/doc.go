// Package noisesession is 37/WAKU2-NOISE-SESSIONS: the sessions that are made of finished
// Noise handshakes. A Session has an id, a content topic and a life; a Set holds all sessions of
// an installation, several with one peer and with each of its devices.
//
// # Life
//
//	active      sends and opens
//	stale       opens late messages, sends nothing; never active again
//	terminated  its keys are erased; the id is kept to bind a new session to it
//
// A session is active only when the peer's certificate is for the static key of the
// handshake and for the identity expected (Establish). It goes stale when either side
// terminates it, when the peer was silent for SilenceLimit, or when the peer's certificate
// runs out: a lost device is out of use with its certificate.
//
// The id is HKDF(h)[:32], and h can be computed from the prologue and the pre-message keys
// in every pattern but XXpsk0. So SHA256(session-id) in the open, which
// 37 allows as a termination, proves nothing and is not accepted: only a termination
// inside the session is.
//
// A session that was interrupted is replaced by a new one, with the old id in the prologue
// of its handshake (Prologue). The same replaces a session whose keys are old, since the
// keys of a transport never change: Due reports that, by age and by count.
//
// # Inside a session
//
// A plaintext is one kind byte and its content:
//
//	1 data        the application's bytes
//	2 terminate   SHA256(session-id)[32]
//	3 hand-over   a Handover, between devices of one identity
//
// Other kinds are returned as Unsupported.
//
// # Several devices
//
// NM: one session for each pair of devices. Set.Seal seals a message for every device of
// an identity, in its newest active session.
//
// N11M: own devices share one session with a peer. It is handed over through a session
// between them as a record of 176 bytes, numbers little-endian as in Noise nonces:
//
//	offset  bytes
//	     0     32  session-id
//	    32     32  CSOutbound k
//	    64      8  CSOutbound n: the next nonce
//	    72     32  CSOutbound h: the secret of its nametags
//	   104     32  CSInbound k
//	   136      8  CSInbound n
//	   144     32  CSInbound h: the secret of its nametags
//
// Outbound is from the devices that share to the peer. The two nametag secrets are the
// halves of HKDF(h)[:64], so the one responder to initiator equals the session-id; a
// record where neither does is refused. A Handover adds the peer of the session to the
// record. Two devices that seal with the same nonce would break the cipher, so a device that
// has handed a session over can open but not seal until it is handed back.
//
// # Simultaneous initiation
//
// When two peers begin a handshake with each other at once, the one with the lower
// identity key goes on (Precedes); the other drops its own and answers.
package noisesession
