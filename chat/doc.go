// Package chat is the engine: it owns an identity, its sessions with others, what is said
// to whom, and the order in which all of it becomes durable. It does no input or output of
// its own: [Store], [Transport] and [Clock] are ports, and adapters for them are packages
// store, chat/waku and chat/memnet.
//
// [Client] is the face: each exported method is one thing a program can want. Behind it are
// two pipelines, sending and receiving; the parts that they use (packages outbox, history
// and linking under internal), on one ledger; and one goroutine, the loop, that does what is
// due. docs/architecture.md says why it is so, docs/specs.md which section of a spec is where.
//
// # Sending
//
// The first half runs in the goroutine of the caller and ends with a durable message, the
// second one in the loop:
//
//	check the text, who it is for      send.go: begin, validateSend
//	draw its clock                     internal/history/add.go: NextClock
//	sign it, compute its ids           send.go: compose, encode
//	one transaction, shared with
//	calls of the same moment           send.go: accept
//	    the message and its place      internal/history/add.go: AddEncoded
//	    its row, and those for our
//	    other devices                  internal/outbox/rows.go: Add
//	    its event                      internal/ledger/queue.go: EmitEncoded
//	return to the caller
//
//	take what is due, by person        internal/outbox/attempt.go: send
//	encrypt for each device            seal.go: Seal
//	one transaction: sessions and
//	ciphertext                         internal/outbox/attempt.go: storeAttempt
//	hand it to the network             internal/outbox/publish.go: publishAll
//	record that it is out              internal/outbox/publish.go: recordPublished
//
// # Receiving
//
// All of it runs in the loop, a batch of envelopes at a time:
//
//	wait for the loop                  loop.go: received, drain
//	of pairings: to linking            internal/linking/work.go: Accept
//	open the payload                   receive.go: unseal
//	drop exact copies                  receive.go: seenBefore
//	who may write to us?               receive.go: admit
//	bundle, session, decrypt           receive.go: open
//	take the MVDS payload apart        receive_application.go: sync
//	recover who signed, validate       receive_application.go: openApplications
//	one transaction                    receive.go: write
//	    sessions                       sessions.go: savePeer
//	    the message and its place      internal/history/add.go: AddReceived
//	    marks of what was seen         seen.go: remember
//	    acknowledgements               internal/outbox/acks.go: Acknowledge
//	    its event                      internal/ledger/queue.go: Emit
//	wake whoever waits for events      internal/ledger/ledger.go: finish
//
// What runs on all cores changes nothing: unseal, openApplications and readChatMessage on one
// side, compose and Seal on the other.
//
// # The lock
//
// A function that takes a [ledger.Turn] holds the engine's lock, because only the loop (one a
// round) and Client.exclusive (one a call) make one. That lock guards the memory of sessions,
// of the parts and of all that is due by a clock. Calls that only read, or only add, need none.
// Other mutexes (the rows of the outbox, clocks, contact list, topics, events) are held for one
// look or change and never around another lock or the store.
//
// # Memory and store
//
// The store is right. Memory that mirrors it changes after the commit (After of [ledger.Tx]), and
// before anybody can read an event of it:
//
//	in memory                          table            how it lags
//	contactlist.go: contactList        contacts         not at all: all people, since Open
//	topics.go: routes                  topics           not at all; awaited contact codes are in
//	                                                    memory only
//	sessions.go: sessions              peers, skipped   not at all; the 256 used last
//	seen.go: markBook                  seen, #marks     read at the first mark of a run
//	internal/outbox/row.go: row        #outbox,         a message reads sent before its record
//	                                   #attempts        says so: see "Where a state lives"
//	internal/outbox/acks.go: pendingAcks   acks         not at all
//	internal/outbox/failed.go: failedMessages   failed  not at all
//	internal/history/history.go: History   chats        clocks only: read when first used, ahead
//	                                                    by those that were drawn and not used
//	internal/ledger/queue.go: eventIndex   queue events   follows in the transaction
//	internal/linking/linking.go: Linking   pairings, noise_sessions, transfers   not at all
//
// Only in memory, so gone after a restart: when somebody was heard last, how often they were
// answered, suspicions of a lost session, holds of a chain, and limits of rates. A restart
// makes the engine do such things once more, and no more.
//
// # Where a state lives
//
//	a message        internal/history/state.go: State. "sent" is stored once for all messages of
//	                 an attempt, in what is left of its record; the message's own record says
//	                 "queued" until there is more to say, and is corrected when it is read:
//	                 internal/history/delivery.go: overlay
//	an outbox row    internal/outbox/row.go: stage
//	a pairing        internal/linking/state.go: State
//	a verification   verification.go: changeVerification
//	a topic          topics.go: topicKind
//
// # One text
//
// From a call of the C library to the ciphertext in the store. Above the engine:
//
//	library/shim.c: status1to1_call
//	library/main.go: s1_go_call
//	chat/api/registry.go: Call
//	chat/api/method.go: dispatch
//	chat/api/bind.go: decodeUpTo
//	chat/api/messages.go: sendMessage
//
// In the engine, 12 files:
//
//	 1  send.go: Send, begin, compose, accept
//	 2  contactlist.go: get
//	 3  internal/history/add.go: NextClock, AddEncoded
//	 4  internal/ledger/ledger.go: Update
//	 5  internal/outbox/rows.go: Add
//	 6  internal/ledger/queue.go: EmitEncoded
//	 7  loop.go: kick, run, round
//	 8  internal/outbox/attempt.go: send, batchFor, seal, storeAttempt
//	 9  internal/outbox/acks.go: next, dropAcks
//	10  seal.go: Seal, sealPayload
//	11  sessions.go: peer, savePeer
//	12  topics.go: negotiatedRoute
//
// with session.Peer.Encrypt, ratchet.State.Encrypt and payload.SealSymmetric below them.
//
// And back, from the envelope to the event, 12 files:
//
//	 1  loop.go: received, drain, round
//	 2  receive.go: receive, unseal, handle, admit, open, write
//	 3  topics.go: on, open
//	 4  seen.go: lookForCopies, known, remember
//	 5  contactlist.go: get
//	 6  sessions.go: peer, savePeer
//	 7  receive_application.go: sync, openApplications, dispatch
//	 8  receive_text.go: readChatMessage, storeText
//	 9  internal/history/add.go: AddReceived
//	10  internal/outbox/acks.go: Acknowledge
//	11  internal/ledger/ledger.go: Update
//	12  internal/ledger/queue.go: Emit
//
// NextEvent then reads it (internal/ledger/stream.go: Next). Counted are the files whose code runs
// for a text to or from a contact whose session is there. Packages that compute only
// (protocol/..., message, parallel, ratelimit) and the ports are not counted.
//
// # Words
//
//	acknowledge    say by 2/MVDS that a message arrived; programs acknowledge events
//	answer         a message without content, to somebody whose message we could not read
//	application    what a person said, signed: an ApplicationMetadataMessage (62)
//	attempt        one envelope with one ciphertext, stored before it is published
//	batch          calls accepted together, or envelopes handled together
//	bundle         the signed pre-keys of an identity's installations (53), nothing else
//	contact code   the bundle as it is published on a topic that anybody can compute
//	conversation   what messages belong to; today there is one a person
//	device         an installation of an identity, with sessions of its own
//	envelope       a WakuMessage (14)
//	held           of a sending chain: nothing goes out, because nobody answers it
//	mark           the stored trace of an envelope or MVDS id that was seen
//	payload        what is sealed for a person (26), or carried in an MVDS message
//	published      handed to the network
//	row            one message to one identity, until its devices have acknowledged it
//	stranger       whoever is neither in the address book, nor asked, nor written to
//	turn           the engine's lock, held
package chat
