package chat

// The tables of the store, their keys and the records in them (records.proto).
const (
	tableMeta       Table = "meta"        // names below -> see each
	tablePeers      Table = "peers"       // compressed key -> PeerRecord
	tableSkipped    Table = "skipped"     // session.SkippedKey -> skipped keys of a session
	tableContacts   Table = "contacts"    // compressed key -> ContactRecord
	tableChats      Table = "chats"       // compressed key -> ChatRecord
	tableMessages   Table = "messages"    // message id -> MessageRecord
	tableOutbox     Table = "#outbox"     // number of the row -> OutboxRecord
	tableFailed     Table = "failed"      // message id -> OutboxRecord, of what was given up
	tableAttempts   Table = "#attempts"   // attempt id -> AttemptRecord
	tableAcks       Table = "acks"        // compressed key -> AcksRecord
	tableSeen       Table = "seen"        // seenDigest or seenMVDS + id -> SeenRecord
	tableMarks      Table = "#marks"      // number -> MarksRecord
	tableTopics     Table = "topics"      // kind + compressed key -> TopicRecord
	tableClientRefs Table = "client_refs" // client_ref -> ClientRefRecord

	tablePictures      Table = "pictures"      // compressed key -> PictureRecord, of contacts
	tableVerifications Table = "verifications" // compressed key + askedUs or askedThem -> VerificationRecord
	tableIntroduced    Table = "introduced"    // compressed key -> IntroducedRecord

	tablePairings      Table = "pairings"       // pairing id -> PairingRecord
	tableRepeats       Table = "noise_repeats"  // pairing id -> the payload we sealed last in its session
	tableNoiseSessions Table = "noise_sessions" // session-id -> noisesession.Session
	tableTransfers     Table = "transfers"      // transferName -> TransferRecord
	tableTransferBytes Table = "transfer_bytes" // transferName, chunk number of 4 bytes -> bytes
)

// The queues of the store.
const (
	queueSeen Queue = "seen" // 8 bytes ms, then keys of tableSeen: of stores that were not yet in tableMarks
)

// Keys of tableMeta.
var (
	metaIdentity = []byte("identity")  // IdentityRecord
	metaPreKeys  = []byte("pre_keys")  // x3dh.PreKeys
	metaNodeKey  = []byte("node_key")  // 32-byte scalar of the network node
	metaNoiseKey = []byte("noise_key") // NoiseKeyRecord
	metaPeers    = []byte("peers")     // addresses that worked, in the transport's own form
)

// Prefixes of keys of tableSeen.
const (
	seenDigest = 'd' // sha256 of a ProtocolMessage that was opened
	seenMVDS   = 'm' // 2/MVDS message id
	// seenElsewhere is the MVDS id under which another own device sends a message to
	// its recipient, or under which we did until we gave up; the record holds the
	// message id.
	seenElsewhere = 'e'
)
