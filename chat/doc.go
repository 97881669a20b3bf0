// Package chat is the engine: it owns an identity, its sessions with others, what is said
// to whom, and the order in which all of it becomes durable. It does no input or output of
// its own: [Store], [Transport] and [Clock] are ports, and adapters for them are packages
// store, chat/waku, chat/memnet and chat/external.
//
// [Client] is the face: each exported method is one thing a program can want. Behind it are
// two pipelines, sending and receiving; the parts that they use (packages outbox, history,
// linking, catchup, segments, cards and noisechat under internal), on one ledger; and one
// goroutine, the loop, that does what is due. docs/architecture.md says why it is so, docs/specs.md which section of a spec is
// where.
//
// # Sending
//
// The first half runs in the goroutine of the caller and ends with a durable message, the
// second one in the loop:
//
//	check the text, who it is for      send.go: begin, validateSend
//	what it says beside its text       compose.go: contents
//	was its client_ref used?           internal/history/message.go: ByRef
//	draw its clock                     internal/history/message.go: NextClock
//	sign it, compute its ids, encode   send.go: compose, sign, encode
//	one transaction, shared with
//	calls of the same moment           send.go: accept, acceptBatch
//	    its client_ref                 internal/history/message.go: ClaimRef
//	    its row                        internal/outbox/rows.go: Add
//	    the message and its place      internal/history/message.go: AddEncoded
//	    its event                      internal/ledger/queue.go: EmitEncoded
//	    a row for our other devices    send.go: toOwnDevices
//	return to the caller
//
//	gather what is due, by person      internal/outbox/attempt.go: seal, batchFor
//	encrypt for each device            seal.go: Seal, sealPayload, encrypt
//	in segments, if it is large        segments.go: inEnvelopes
//	one transaction: sessions and
//	ciphertext                         internal/outbox/attempt.go: commit, storeAttempt
//	hand it to the network             internal/outbox/publish.go: publishAll
//	record that it is out              internal/outbox/publish.go: recordPublished
//
// # Receiving
//
// All of it runs in the loop, or in its place with the lock, a batch of envelopes at a time:
//
//	wait for the loop                  loop.go: received, drain
//	what store nodes had               internal/catchup/fetch.go: deliver
//	    joins here, with the lock      catchup.go: receiveArchived
//	of pairings: to linking            internal/linking/work.go: Listens, Accept
//	open the payload                   receive.go: unseal
//	drop exact copies                  receive.go: seenBefore
//	who may write to us?               receive.go: admit
//	put segments together              segments.go: segment
//	learn the bundle, decrypt          receive.go: open
//	take the MVDS payload apart        receive_application.go: plaintext, sync
//	recover who signed, validate       receive_application.go: openApplications
//	decide what is stored, by type     receive_application.go: dispatch, apply
//	    a text                         receive_text.go: chatMessage, judgeText
//	    about a contact                receive_contact.go: aboutContact
//	    a question                     verification.go: aboutVerification
//	    a profile                      profile.go: profile
//	    the name of an own device      devices.go: deviceNamed
//	    how somebody is to be seen     presence.go: presence
//	    what nobody can read           receive_unsupported.go: unsupported
//	one transaction                    receive.go: write
//	    sessions                       sessions.go: savePeer
//	    the message and its place      internal/history/message.go: AddReceived
//	    marks of what was seen         seen.go: remember
//	    acknowledgements               internal/outbox/acks.go: Acknowledge
//	    its event                      internal/ledger/arrivals.go: EmitReceived
//	change memory, wake who waits      internal/ledger/ledger.go: Update, finish
//
// Only what changes nothing runs on all cores: compose and sealPayload there, unseal,
// unwrap and readChatMessage here.
//
// # The lock
//
// One lock guards the memory of sessions and parts, and all that is due by a clock. Who has a
// [ledger.Turn] holds it, since loop.go: beginTurn is the only place that makes one: for
// each round of the loop, and for each call that must keep the loop out. What they ask of a
// part takes a Turn. The steps of the pipelines and of their transactions run within one and
// do not hand it on; where that is not plain, a comment says that the caller holds the lock.
//
// Calls that only read, or only add (Send does), need no turn. What they touch has a mutex
// of its own: contact list, topics, rows of the outbox, clocks of conversations, index of
// events. Each is held for one look or change, those of clocks and events also while the
// store is read, and nobody waits for the engine's lock with one of them.
//
// # Memory and store
//
// The store is right. Memory that mirrors it changes after the commit (After of [ledger.Tx]),
// and before anybody can read an event of that transaction:
//
//	in memory                            tables              what is there, and how it lags
//	account.go: account                  meta                all
//	contactlist.go: contactList          contacts            how all people stand to us
//	topics.go: routes                    topics              all; awaited contact codes are in
//	                                                         memory only
//	sessions.go: sessions                peers, skipped      the peers used last
//	seal.go: introductions               introduced          the people used last
//	seen.go: markBook                    #marks              all, read at the first mark of a run
//	internal/outbox/rows.go: rows        #outbox, #attempts, all, but few bodies; ahead of the store
//	                                     #envelopes          with what is sent (below) and with
//	                                                         what is to go sooner or later
//	internal/outbox/acks.go: pendingAcks       acks          all
//	internal/outbox/failed.go: failedMessages  failed        all, without bodies
//	internal/ledger/arrivals.go: arrivals  messages          those that have come and are not told
//	internal/history/message.go: clocks  chats               read when first used; ahead by clocks
//	                                                         that were drawn and not used
//	internal/confirm: Asker              #attempts           the latest, by attempt
//	internal/ledger/queue.go: eventIndex queue events        all; it follows within transactions
//	internal/catchup/cursors.go: cursors catch_up            all; ahead of the store with topics
//	                                                         of which nothing has come
//	internal/linking/linking.go: Linking pairings, noise_sessions, transfers   all
//	internal/devicesync/work.go: DeviceSync device_syncs         all
//	internal/segments/segments.go: Segments segment_sets, segments             all, without payloads
//	internal/kept/kept.go: Kept             kept, kept_people                  what is to be read again
//	presence.go: presences               contacts, meta      the latest words; ahead of the store
//	internal/cards/cards.go: Cards          card_secrets, added_cards          nothing: read when used
//	internal/actions/actions.go: Actions    waiting             how many there are and their bytes, by chat
//
// In memory only, and gone after a restart: when somebody was heard last, how fast they
// acknowledge, how often they were answered, suspicions of a lost session, holds of a chain,
// contact updates that are to be sent, limits of rates, the faults of store nodes, frames of
// handshakes that are to be sent (noisepeer repeats them), the clock and the arrivals that the doctor compares (internal/doctor). After a restart the engine may
// do such a thing once more than it should; no message is lost by it.
//
// # Where a state lives
//
// Each has one table of what may follow what:
//
//	a message        internal/history/state.go: states. "sent" and "stored" are stored once for
//	                 all messages of an attempt, in what is left of its record; the record of
//	                 the message says "queued" until there is more to say, and is corrected
//	                 when it is read:
//	                 internal/history/delivery.go: overlay
//	an outbox row    internal/outbox/rows.go: follows
//	a pairing        internal/linking/state.go: states
//	a sync           internal/devicesync/sync.go: states
//	a verification   verification.go: verificationSteps
//	a topic          topics.go: topicRules; a topic does not change its kind, and the rules
//	                 say what may come on it
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
// In the engine:
//
//	 1  send.go: Send, begin, compose, accept, enqueue
//	 2  contactlist.go: get, propagatedTo, wroteTo
//	 3  internal/history/message.go: ByRef, NextClock, AddEncoded
//	 4  internal/ledger/ledger.go: Update
//	 5  internal/outbox/rows.go: Add, due
//	 6  internal/ledger/queue.go: EmitEncoded
//	 7  loop.go: kick, run, round
//	 8  internal/outbox/attempt.go: Work, seal, batchFor, plaintext, commit
//	 9  internal/outbox/acks.go: next, dropComplete, heldUntil, dropAcks
//	10  seal.go: Seal, sealPayload, encrypt, saveSealed
//	11  sessions.go: peer, savePeer
//	12  topics.go: negotiatedRoute
//
// with session.Peer.Encrypt, ratchet.State.Encrypt and payload.SealSymmetric below them. Then
// internal/outbox/publish.go: publishAll gives it to the network, by network.go: publish.
//
// And back, from the envelope to the event:
//
//	 1  loop.go: received, drain, round
//	 2  receive.go: receive, unseal, handle, admit, open, write
//	 3  topics.go: on, open; topickeys.go: hold, released
//	 4  receive_seen.go: lookForCopies, lookUpMessages, setMark; seen.go: remember
//	 5  contactlist.go: get, hears
//	 6  sessions.go: peer, savePeer
//	 7  receive_application.go: plaintext, sync, openApplications, dispatch, apply
//	 8  receive_text.go: readChatMessage, judgeText, storeText
//	 9  internal/history/message.go: AddReceived
//	10  internal/outbox/acks.go: Acknowledge
//	11  internal/ledger/ledger.go: Update
//	12  internal/ledger/arrivals.go: EmitReceived
//
// A program reads the event by internal/ledger/stream.go: Next.
//
// These are the files that a text to or from a known person with a session comes to: they
// get it, its record, row or envelope, or decide about it. They were counted by coverage, on
// a client without pairings and other devices of its own. Not counted are packages that
// compute only (protocol/..., message, text, parallel), ports, what a request says beside its
// text (compose.go), and files of which it only
// takes a helper: whether the client is open and who we are (lifecycle.go, account.go), the
// time and the transaction with the client in it (client.go), how a part asks this package
// for something (outbox.go), whether our profile is due (profile.go), and that their device
// is there (internal/outbox/returns.go: Heard).
//
// # Words
//
//	acknowledge    say by 2/MVDS that a message arrived; programs acknowledge events
//	answer         a message without content, to somebody whose message we could not read
//	application    what a person said, signed: an ApplicationMetadataMessage (62)
//	attempt        one ciphertext, in one envelope or as segments, stored before it is published
//	batch          calls accepted together, or envelopes handled together
//	bundle         the signed pre-keys of an identity's installations (53), nothing else
//	catch up       fetch from store nodes what was published while nobody listened
//	contact code   the bundle as it is published on a topic that anybody can compute
//	conversation   what messages belong to; today there is one a person
//	cursor         the time up to which a content topic was fetched
//	device         an installation of an identity, with sessions of its own
//	envelope       a WakuMessage (14)
//	gap            a time in which envelopes of our topics may have been missed
//	held           of a sending chain: nothing goes out, because nobody answers it
//	judge          decide, by the state in the transaction, whether something is stored
//	light mode     taking part in the network as a client of service nodes only
//	mark           the stored trace of an envelope or MVDS id that was seen
//	missed         of an envelope: published, and perhaps never arrived here
//	parcel         bytes that the engine itself sends to a paired device
//	part           a package under internal with tables and memory of its own, run by the loop
//	payload        what is sealed for a person (26), or carried in an MVDS message
//	probe          a message or envelope sent only to see what comes of it
//	provisional    of a device: paired before it has an identity
//	published      handed to the network
//	round          of the loop: one pass of work; of catching up: one over all content topics
//	route          why we listen to a content topic, and how what comes there is opened
//	row            one message to one identity, until its devices have acknowledged it
//	segment        a piece of a message that is too large for one envelope
//	service node   a peer that serves clients: filter (12), lightpush (19), store (13)
//	store node     a service node that keeps envelopes (13); our own database is the store
//	stranger       whoever is neither in the address book, nor asked, nor written to
//	sync           of devices: one tells the other all it knows
//	turn           the engine's lock, held
package chat
