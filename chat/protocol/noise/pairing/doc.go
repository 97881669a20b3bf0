// Package pairing is 43/WAKU2-DEVICE-PAIRING: two devices of one user meet over a QR
// code, compare an authcode, and then have an encrypted transport; and the secure
// transfer of arbitrary bytes over it.
//
// # Pairing
//
// Device B asks to be paired with device A. In WakuPairing B displays the QR code and A
// scans it; in WakuPairing2 A displays it and B scans. Either way the scanner writes
// message 1, B opens its commitment in message 2 and A in message 3:
//
//	QR       displayer  ephemeral key, commitment H(static || 32 random bytes)
//	1        scanner    its own commitment; both devices show the authcode
//	         user       confirms on both devices that the codes are the same
//	2        B          static key; payload: random bytes | certificate
//	3        A          static key; payload: random bytes | certificate
//
// No static key leaves a device before its user confirmed. The certificate is optional;
// go-waku reads the whole payload as the random bytes, so send a certificate only to
// devices that run this library.
//
// # Authcode
//
// 43's authcode is a hash of public bytes that message 1 fixes. An attacker between the
// devices, who shows the scanner another QR code or delays message 1, sees the digits of
// one side and searches for a message 1 that gives the same digits on the other side. That
// takes 10^8 hashes, a minute on two cores, so this authcode does not protect against
// anybody who can spend that within the life of a QR code.
//
// With Config.Nonces each side has a nonce of 32 random bytes, which it has to fix before
// it knows the other's:
//
//	QR       displayer  one field more: SHA256("status1to1-pairing-nonce-commitment/1" || nonce)
//	1        scanner    its nonce behind its commitment; it has the displayer's commitment
//	opening  displayer  its nonce: protocol 30, key and nametag exported from the handshake
//	                    after message 1 ("status1to1-pairing-nonce/1", "...-nonce-tag/1")
//
// The digits are u64_BE(HKDF(salt h after message 1, nonce of the Noise initiator || nonce
// of the responder, info "status1to1-pairing-authcode/1")[:8]) mod 10^8. The displayer knows
// them after message 1, the scanner after the opening. An attacker between the two had to
// choose a nonce towards each side before knowing that side's, so both sides show the same
// digits only by chance, once in 10^8. The QR code is the prologue of the handshake, so
// nobody can change the form of the authcode on its way. go-waku and js-noise refuse a QR
// code of six fields.
//
// An invitation of this form also has a checksum, 4 bytes of SHA256 over its other parts,
// so that one that is cut or mistyped is refused where it is scanned.
//
// A Pairing is a value. Start or Scan make one; Receive, Confirm, Cancel and Tick give
// the next value and the payloads to publish on Topic. A payload that cannot be read is
// ErrIgnored and changes nothing: nobody can abort a pairing by writing to its topic.
//
// # What goes wrong
//
// A side that gives up after message 1 says so to the other with an abort: a protocol-30
// payload of three bytes, version 1, sender (1 displayer, 2 scanner) and Reason, under a key
// exported from the handshake after message 1 (label "status1to1-pairing-abort/1"), with
// a nametag from label "status1to1-pairing-abort-tag/1". Only the two sides can make it.
//
//   - the user says the codes differ: ErrRejected on both sides;
//   - an expired QR is scanned: ErrExpired on both sides, while the displayer still has the
//     key of the old QR (RefusalTime); after that the scanner has ErrTimeout;
//   - a QR that led to a pairing is scanned again: ErrUsed on both sides, under the same
//     condition;
//   - a second scanner: ErrSecondScanner at the displayer, ErrUsed at the second scanner; the
//     first pairing goes on, and the authcode tells the user whether it is the right one;
//   - a commitment, also to a nonce, or a certificate is wrong: ErrCommitment,
//     ErrCertificate on both sides;
//   - the displayer does not open its nonce within AnswerTime: ErrTimeout on both sides;
//   - nobody answers: ErrTimeout at each side's own deadline, with an abort if a key exists.
//
// An abort may be lost. A displayer that gave up answers each repeated message of the
// scanner with it; the caller of a scanner that gave up has to publish it again.
//
// # Secure transfer
//
// Frames are plaintexts of the finished transport, or of the session made of the same
// handshake (37). Use only one of the two: both have the same keys and nonces. All frames
// begin with version 1, a kind and the transfer's id of 8 bytes; numbers are big-endian:
//
//	1 offer   total u64 | SHA256 of all bytes [32] | length u8 | name
//	2 have    offset u64: the receiver has all bytes below it; accepts an offer, resumes
//	          one and acknowledges chunks
//	3 chunk   offset u64 | bytes
//	4 cancel  cause u8
//	5 parcel  as an offer; the bytes are of the engine, and no program is told
//
// The sender is at most MaxInFlight bytes ahead of the last have. The receiver takes
// chunks in order only, and answers one out of order with its have; the sender then goes
// on from there. A have of the total means that the hash was right.
//
// Inside a session a frame is part of a Message: a u64, how many messages of the other side
// have been received, and the frame. A side seals at most MaxAhead messages more than the
// other has acknowledged so, since 50 that are lost in a row would put the next ones
// outside the window. At that limit, and while nothing new has been received, it repeats
// its latest payload byte for byte. A side that receives that payload a second time
// answers with a Message without a frame if it has received something new since it sealed
// last, and repeats its own latest payload otherwise.
package pairing
