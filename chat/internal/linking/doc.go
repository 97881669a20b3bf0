// Package linking connects this installation with other devices: pairing
// (43/WAKU2-DEVICE-PAIRING), the Noise sessions that pairings make
// (37/WAKU2-NOISE-SESSIONS) and the transfer of bytes through them. The protocols are in
// the packages pairing, noisesession and noise; this one adds records in the store, events,
// envelopes and timers.
//
// # A step
//
// Everything that changes something is one step (step.go): a call of the API, a batch of
// envelopes, or what has become due. A step computes on copies, is written in one
// transaction, and is taken into memory and published only after the commit. So a nonce
// is used up durably before anybody sees its ciphertext, and a step that could not be
// stored has not happened.
//
//	call      pairing.go, transfer.go        Start, Scan, Confirm, Send, ...
//	envelope  work.go Accept                 pairingwork.go onPairingTopic
//	                                         session.go onSessionTopic -> transferwork.go onFrame
//	clock     work.go Work                   pairingwork.go tick, resend; transferwork.go
//	                                         retransmit, sendChunks
//
// # What is stored
//
//	pairings        PairingRecord            state.go pairingEntry, records.go
//	noise_sessions  noisesession.Session     in memory: Linking.sessions
//	noise_repeats   the payload sealed last  in memory: pairingEntry.ownLatest
//	transfers       TransferRecord           state.go transferEntry, records.go
//	transfer_bytes  pieces of the bytes      chunks.go, never in memory as a whole
//
// All records but the bytes are in memory too (Linking), read by Load. A step changes both
// or neither. Only timers are in memory alone: after a restart everything is due at once.
//
// # Loss
//
// Nothing on a topic is acknowledged by the network, so all that is not answered is sent
// again: messages of a pairing by resend, messages of a session by repeating the latest
// payload byte for byte (session.go repeat) or, where the peer has answered and lacks
// something, by new messages. Nothing is sealed twice under one nonce.
package linking
