// Package pairing is 43/WAKU2-DEVICE-PAIRING: two devices of one user meet over a QR
// code, compare an authcode, and then have an encrypted transport; and the secure
// transfer of arbitrary bytes over it.
//
// # Pairing
//
// Device B asks to be paired with device A. In WakuPairing B shows the QR code and A
// scans it; in WakuPairing2 A shows it and B scans. Either way the scanner writes
// message 1, B opens its commitment in message 2 and A in message 3:
//
//	QR       shower   ephemeral key, commitment H(static || 32 random bytes)
//	1        scanner  its own commitment; both show the authcode
//	         user     confirms on both devices that the codes are the same
//	2        B        static key; payload: random bytes | certificate
//	3        A        static key; payload: random bytes | certificate
//
// No static key leaves a device before its user confirmed. The certificate is optional;
// go-waku takes the whole payload as the random bytes, so send it only to peers of ours.
//
// # Authcode
//
// 43's authcode is a hash of public bytes that message 1 fixes. Who shows the scanner a QR
// code of her own, or holds message 1 back, sees the digits of one side and searches for a
// message 1 that gives them on the other: 10^8 hashes, a minute on two cores. It protects
// against who cannot compute that in the life of a QR code, and against nobody else.
//
// With Config.Nonces each side has a nonce of 32 random bytes, fixed before it can know
// the other's:
//
//	QR       shower   one field more: SHA256("status1to1-pairing-nonce-commitment/1" || nonce)
//	1        scanner  its nonce behind its commitment; it has the shower's commitment
//	opening  shower   its nonce: protocol 30, key and nametag exported from the handshake
//	                  after message 1 ("status1to1-pairing-nonce/1", "...-nonce-tag/1")
//
// The digits are u64_BE(HKDF(salt h after message 1, nonce of the Noise initiator || nonce
// of the responder, info "status1to1-pairing-authcode/1")[:8]) mod 10^8. The shower knows
// them after message 1, the scanner after the opening. Who is between the two has had to
// choose her nonces without knowing one of theirs on either side, so the digits are the
// same by chance only, once in 10^8. The QR code is the prologue, so nobody changes the
// form of the authcode on its way. go-waku and js-noise refuse a QR code of six fields.
//
// An invitation of this form also has a check, 4 bytes of SHA256 over its other parts, so
// that one that is cut or mistyped is refused where it is scanned.
//
// A Pairing is a value. Start or Scan make one; Receive, Confirm, Cancel and Tick give
// the next one and what to publish on Topic. What cannot be read is ErrIgnored and
// changes nothing: nobody aborts a pairing by writing to its topic.
//
// # What goes wrong
//
// A side that gives up after message 1 says so to the other with an abort: a protocol-30
// payload of three bytes, version 1, sender (1 shower, 2 scanner) and Reason, under a key
// exported from the handshake after message 1 (label "status1to1-pairing-abort/1"), with
// a nametag from label "status1to1-pairing-abort-tag/1". Only the two sides can make it.
//
//   - the user says the codes differ: ErrRejected on both sides;
//   - an expired QR is scanned: ErrExpired on both sides, while the shower still has the
//     key of the old QR (RefusalTime); after that the scanner has ErrTimeout;
//   - a QR that led to a pairing is scanned again: ErrUsed on both sides, under the same
//     condition;
//   - a second scanner: ErrSecondScanner at the shower, ErrUsed at the second scanner; the
//     first pairing goes on, and the authcode tells the user whether it is the right one;
//   - a commitment, also to a nonce, or a certificate is wrong: ErrCommitment,
//     ErrCertificate on both sides;
//   - the shower does not open its nonce within AnswerTime: ErrTimeout on both sides;
//   - nobody answers: ErrTimeout at each side's own deadline, with an abort if a key exists.
//
// An abort may be lost. The side that gave up answers the other's repeated message with it
// again where it showed the QR code; its caller repeats it otherwise.
//
// # Secure transfer
//
// Frames are plaintexts of the finished transport, or of the session made of the same
// handshake (37) - one of the two, since both would use the same nonces. All begin with
// version 1, a kind and the transfer's id of 8 bytes; numbers are big-endian:
//
//	1 offer   total u64 | SHA256 of all bytes [32] | length u8 | name
//	2 have    offset u64: the receiver has all bytes below it; accepts an offer, resumes
//	          one and acknowledges chunks
//	3 chunk   offset u64 | bytes
//	4 cancel  cause u8
//
// The sender is at most MaxInFlight bytes ahead of the last have. The receiver takes
// chunks in order only, and answers one out of order with its have; the sender then goes
// back to it. A have of the total means that the hash was right.
//
// Inside a session a frame stands behind how many messages of the other side have come,
// u64: a Letter. A side seals at most MaxAhead messages more than the other says to have,
// since 50 that are lost in a row would put the next ones outside the window. Past that,
// and whenever nothing new has come, it repeats its latest payload byte for byte. Who gets
// that a second time answers with a Letter without a frame if something new has come since
// it sealed last, and repeats its own latest payload otherwise.
package pairing
