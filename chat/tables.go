package chat

import "libstatus1to1/chat/internal/history"

// The tables of the store, their keys and the records in them (records.proto).
const (
	tableMeta     Table = "meta"                // names below -> see each
	tablePeers    Table = "peers"               // compressed key -> PeerRecord
	tableSkipped  Table = "skipped"             // session.SkippedKey -> skipped keys of a session
	tableContacts Table = "contacts"            // compressed key -> ContactRecord
	tableMessages       = history.TableMessages // of the history
	tableSeen     Table = "seen"                // one of seenKinds + id -> SeenRecord
	tableMarks    Table = "#marks"              // number -> MarksRecord
	tableTopics   Table = "topics"              // kind + compressed key -> TopicRecord

	tablePictures      Table = "pictures"      // compressed key -> PictureRecord, of contacts
	tableVerifications Table = "verifications" // compressed key + askedUs or askedThem -> VerificationRecord
	tableIntroduced    Table = "introduced"    // compressed key -> IntroducedRecord
)

// The queues of the store.
const (
	queueSeen Queue = "seen" // 8 bytes ms, then keys of tableSeen: of stores that were not yet in tableMarks
)

// Keys of tableMeta.
var (
	metaIdentity = []byte("identity") // IdentityRecord
	metaPreKeys  = []byte("pre_keys") // x3dh.PreKeys
	metaNodeKey  = []byte("node_key") // 32-byte scalar of the network node
	metaPeers    = []byte("peers")    // addresses that worked, in the transport's own form
	metaPresence = []byte("presence") // PresenceRecord: how we are to be seen

	metaProvisional = []byte("provisional") // ProvisionalRecord, until there is an identity
)

// Prefixes of keys of tableSeen.
const (
	seenDigest = 'd' // sha256 of a ProtocolMessage that was opened
	seenMVDS   = 'm' // 2/MVDS message id
	// seenElsewhere is the MVDS id under which another own device sends a message to
	// its recipient, or under which we did until we gave up; the record holds the
	// message id.
	seenElsewhere = 'e'
	// seenExpired is the id of a message that was erased when its time was over.
	seenExpired = 'x'
	// seenIgnored is the id of a message of somebody blocked.
	seenIgnored = 'i'
)

// seenKinds are all of them.
var seenKinds = []byte{seenDigest, seenMVDS, seenElsewhere, seenExpired, seenIgnored}
