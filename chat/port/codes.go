package port

// The codes. CodeTable describes each.
const (
	CodeBadParams       Code = "bad_params"
	CodeBadConfig       Code = "bad_config"
	CodeUnknownField    Code = "unknown_field"
	CodeUnknownMethod   Code = "unknown_method"
	CodeBadJSON         Code = "bad_json"
	CodeBadClient       Code = "bad_client"
	CodeClosed          Code = "closed"
	CodeForked          Code = "forked"
	CodeInternal        Code = "internal"
	CodeTimeout         Code = "timeout"
	CodeNoIdentity      Code = "no_identity"
	CodeIdentityExists  Code = "identity_exists"
	CodeBadPhrase       Code = "bad_phrase"
	CodeBadKey          Code = "bad_key"
	CodeBadCursor       Code = "bad_cursor"
	CodeNotFound        Code = "not_found"
	CodeSelf            Code = "self"
	CodeEmpty           Code = "empty"
	CodeTooLong         Code = "too_long"
	CodeTooLarge        Code = "too_large"
	CodeTooMany         Code = "too_many"
	CodeClientRefReused Code = "client_ref_reused"
	CodeBlocked         Code = "blocked"
	CodeWrongState      Code = "wrong_state"
	CodeNotVerified     Code = "not_verified"
	CodeBadPicture      Code = "bad_picture"
	CodeStoreLocked     Code = "store_locked"
	CodeStoreCorrupt    Code = "store_corrupt"
	CodeStoreIO         Code = "store_io"
	CodeStoreSuspended  Code = "store_suspended"
	CodeStoreNewer      Code = "store_newer"
	CodeWrongPassphrase Code = "wrong_passphrase"
	CodePortInUse       Code = "port_in_use"
	CodeBadAddress      Code = "bad_address"
	CodeNoPeers         Code = "no_peers"
	CodeUndeliverable   Code = "undeliverable"
	CodeCancelled       Code = "cancelled"
	CodeNetworkDown     Code = "network_down"

	CodeBadInvitation     Code = "bad_invitation"
	CodePairingState      Code = "pairing_state"
	CodePairingRejected   Code = "pairing_rejected"
	CodePairingCancelled  Code = "pairing_cancelled"
	CodePairingExpired    Code = "pairing_expired"
	CodePairingUsed       Code = "pairing_used"
	CodePairingScanned    Code = "pairing_scanned_twice"
	CodePairingCommitment Code = "pairing_commitment"
	CodePairingUncertain  Code = "pairing_certificate"
	CodePairingTimeout    Code = "pairing_timeout"
	CodePairingEnded      Code = "pairing_ended"
	CodePairingOutdated   Code = "pairing_outdated"
	CodeTransferTooLarge  Code = "transfer_too_large"
	CodeTransferCancelled Code = "transfer_cancelled"
	CodeTransferDamaged   Code = "transfer_damaged"
	CodeTransferStalled   Code = "transfer_stalled"
)

// CodeInfo says of a code what a program and a person can do about it.
type CodeInfo struct {
	Code     Code   `json:"code"`
	Category string `json:"category"` // "request", "identity", "contact", "message", "pairing", "store", "network", "internal"
	// Retryable: the same call may succeed later without a change.
	Retryable bool   `json:"retryable"`
	Meaning   string `json:"meaning"`
	Remedy    string `json:"remedy"`
}

// CodeTable lists every code.
var CodeTable = []CodeInfo{
	{CodeBadParams, "request", false, "a parameter is missing or of the wrong kind", "correct the named field"},
	{CodeBadConfig, "request", false, "the configuration given to open is not usable", "correct the named field"},
	{CodeUnknownField, "request", false, "a field is not known to this method, or stands twice", "remove it, or check its spelling: names match exactly"},
	{CodeUnknownMethod, "request", false, "there is no such method; details.nearest is one with almost this name, if there is one", "see the list of methods in the schema"},
	{CodeBadJSON, "request", false, "the text is not one valid JSON value in UTF-8", "correct the JSON"},
	{CodeBadClient, "request", false, "the handle is not of an open client", "open a client, or use the handle that open gave"},
	{CodeClosed, "request", false, "the client was closed while the call ran", "open it again"},
	{CodeForked, "request", false, "the process was forked after the library was loaded", "load the library after the fork, or spawn a new program"},
	{CodeInternal, "internal", false, "a defect of the library; the client was closed", "open it again, and report the report id"},
	{CodeTimeout, "network", true, "the deadline passed first", "try again, or give it longer"},
	{CodeNoIdentity, "identity", false, "this store holds no identity yet", "call identity.create, identity.restore or identity.import first"},
	{CodeIdentityExists, "identity", false, "this store holds an identity already", "use another store for another identity"},
	{CodeBadPhrase, "identity", false, "the seed phrase is not valid; details.cause is \"length\" (details.words are there), \"word\" (details.word is its number, details.fault \"unknown\", \"ambiguous\" or \"other_language\"), \"checksum\" or \"two_languages\"", "check the words, their order and their number"},
	{CodeBadKey, "identity", false, "the key is not a valid secp256k1 key in an accepted form; details.cause tells what it is: \"ens_name\", \"ethereum_address\", \"private_key\", \"link\" (to something else, or cut) or \"other_text\"", "give 0x04..., 0x02/0x03..., zQ3sh... or a Status link"},
	{CodeBadCursor, "request", false, "the cursor is not one this list gave out", "begin again without a cursor"},
	{CodeNotFound, "request", false, "there is no such thing", "check the id"},
	{CodeSelf, "message", false, "the other side is this identity itself", "give another person's key"},
	{CodeEmpty, "message", false, "the text or name is empty, or shows nothing: only space, controls and characters that are not seen", "give one that shows something"},
	{CodeTooLong, "message", false, "the text is longer than the network's peers accept", "shorten it to the limit in details.max"},
	{CodeTooLarge, "message", false, "the message does not fit into one envelope of the network", "make it smaller"},
	{CodeTooMany, "request", true, "a limit is reached", "wait until something is done, or remove something"},
	{CodeClientRefReused, "message", false, "the client_ref was used for another message", "use a new client_ref for a new message"},
	{CodeBlocked, "contact", false, "this person is blocked", "unblock them first"},
	{CodeWrongState, "contact", false, "the state of the contact or the message does not allow it; details.request or details.state tells it", "look at it, and do what its state allows"},
	{CodeNotVerified, "contact", false, "the safety number is not that of this pair of keys", "compare again; if it differs, the key is not theirs"},
	{CodeBadPicture, "identity", false, "the picture is too large, or of no known type", "give a JPEG, PNG, GIF or WebP within the limits in details"},
	{CodeStoreLocked, "store", true, "another client or process has the store open", "close the other one"},
	{CodeStoreCorrupt, "store", false, "the store file is damaged", "restore a backup; see details"},
	{CodeStoreIO, "store", true, "reading or writing the store file failed", "do what the message says; details.errno has the name of the system's error, such as ENOSPC, where there is one"},
	{CodeStoreSuspended, "store", true, "the store is suspended", "call store.resume"},
	{CodeStoreNewer, "store", false, "the store was written by a newer version of the library", "update the library"},
	{CodeWrongPassphrase, "store", false, "the passphrase does not open this store", "give the right one"},
	{CodePortInUse, "network", true, "the listen address is in use", "choose another port, or 0 for any"},
	{CodeBadAddress, "network", false, "the address is not a usable multiaddress", "give /ip4/<address>/tcp/<port>, for peers with /p2p/<peer id>"},
	{CodeNoPeers, "network", true, "there is no peer to publish to", "connect to a peer"},
	{CodeUndeliverable, "network", false, "no acknowledgement came after all attempts, in 20 days", "it is tried again when the other side is back; or call messages.retry"},
	{CodeCancelled, "message", false, "the user cancelled the message", "call messages.retry to send it after all"},
	{CodeNetworkDown, "network", true, "the network is not running", "create or restore an identity; the network starts with it"},
	{CodeBadInvitation, "pairing", false, "the text is not an invitation that this device can answer; details.cause is \"altered\" (cut, or a character changed), \"application\" (of another one, or of a version whose authcode can be searched for), \"own\" or \"other_text\"", "give what pairing_invitation has on the other device, all of it"},
	{CodePairingState, "pairing", false, "the pairing or the transfer is not at this point; details.state tells where it is", "look at it, and do what its state allows"},
	{CodePairingRejected, "pairing", false, "a user said that the authcodes differ", "begin again; if they differ again, somebody is between the devices"},
	{CodePairingCancelled, "pairing", false, "a user cancelled the pairing", "begin again"},
	{CodePairingExpired, "pairing", false, "the invitation was scanned too late", "scan the present one: it is renewed every 30 seconds"},
	{CodePairingUsed, "pairing", false, "the invitation was scanned before", "begin again, if it was not you who scanned it before"},
	{CodePairingScanned, "pairing", false, "a second device scanned the invitation", "go on if the authcodes are the same; otherwise confirm with same=false and begin again"},
	{CodePairingCommitment, "pairing", false, "the other device showed another key than it had committed to", "begin again; if it happens again, somebody is between the devices"},
	{CodePairingUncertain, "pairing", false, "the certificate of a device's key is missing, invalid or out of date", "check the clocks of both devices; the other one must be of this kind"},
	{CodePairingTimeout, "pairing", true, "the other device did not answer in time", "begin again, with both devices online"},
	{CodePairingEnded, "pairing", false, "the pairing is over: one side has discarded it, or the other was silent for too long", "pair again"},
	{CodePairingOutdated, "pairing", false, "the pairing is over: the certificate of the other device has run out", "pair again"},
	{CodeTransferTooLarge, "pairing", false, "there are more bytes than a transfer may have, or than the other device takes", "send less; details.max is the limit here"},
	{CodeTransferCancelled, "pairing", false, "a user cancelled the transfer", "send it again"},
	{CodeTransferDamaged, "pairing", false, "what arrived is not what was offered", "send it again"},
	{CodeTransferStalled, "pairing", false, "the transfer did not come further for a week", "send it again when the other device is online"},
}
