package port

import "libstatus1to1/chat/enum"

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
	CodeBadAttachment   Code = "bad_attachment"
	CodeBadCard         Code = "bad_card"
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

	CodeOnOtherDevice Code = "on_other_device"
	CodeBadArchive    Code = "bad_archive"
	CodeFileIO        Code = "file_io"

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
	CodeForeignDevice     Code = "foreign_device"
	CodeSyncState         Code = "sync_state"
	CodeSyncCancelled     Code = "sync_cancelled"
	CodeSyncStalled       Code = "sync_stalled"
	CodeSyncDamaged       Code = "sync_damaged"
)

// CodeInfo explains a code: what it means, and what a program or a person can do about
// it.
type CodeInfo struct {
	Code Code `json:"code"`
	// Number is the code of the error in JSON-RPC. It stays what it is, and is given to no
	// other code, also when this one is gone.
	Number   int                `json:"number"`
	Category enum.ErrorCategory `json:"category"` // "request", "identity", "contact", "message", "pairing", "store", "network", "internal"
	// Retryable is true if the same call may succeed later without a change.
	Retryable bool   `json:"retryable"`
	Meaning   string `json:"meaning"`
	Remedy    string `json:"remedy"`
}

// CodeTable lists every code.
var CodeTable = []CodeInfo{
	{CodeBadParams, -32602, "request", false, "a parameter is missing or of the wrong kind", "correct the named field"},
	{CodeBadConfig, 1001, "request", false, "the configuration given to open is not usable", "correct the named field"},
	{CodeUnknownField, 1002, "request", false, "a field is unknown to this method, or appears twice", "remove it, or check its spelling: names match exactly"},
	{CodeUnknownMethod, -32601, "request", false, "there is no such method; details.nearest names a method with a similar name, if there is one", "see the list of methods in the schema"},
	{CodeBadJSON, -32700, "request", false, "the text is not one valid JSON value in UTF-8", "correct the JSON"},
	{CodeBadClient, 1003, "request", false, "the handle does not belong to an open client", "use the handle that status1to1_open returned"},
	{CodeClosed, 1004, "request", false, "the client was closed while the call ran", "open it again"},
	{CodeForked, 1005, "request", false, "the process was forked after the library was loaded", "load the library after the fork, or spawn a new program"},
	{CodeInternal, -32603, "internal", false, "a defect in the library; the client was closed", "open the client again, and report the defect with details.report_id"},
	{CodeTimeout, 1601, "network", true, "the deadline passed before the call could finish", "try again, or with a later deadline"},
	{CodeNoIdentity, 1101, "identity", false, "this store has no identity yet", "call identity.create, identity.restore or identity.import first"},
	{CodeIdentityExists, 1102, "identity", false, "this store already has an identity", "use another store for another identity"},
	{CodeBadPhrase, 1103, "identity", false, "the seed phrase is not valid; details.cause is \"length\" (details.words is the number of words given), \"word\" (details.word is the position of the wrong word, and details.fault is \"unknown\", \"ambiguous\" or \"other_language\"), \"checksum\" or \"two_languages\"", "check the words, their order and their number"},
	{CodeBadKey, 1104, "identity", false, "the key is not a valid secp256k1 key in an accepted form; details.cause tells what was given instead: \"ens_name\", \"ethereum_address\", \"private_key\", \"link\" (a link to something else, or a truncated one) or \"other_text\"", "give 0x04..., 0x02/0x03..., zQ3sh... or a Status link"},
	{CodeBadCursor, 1006, "request", false, "the cursor was not returned by this list", "start again without a cursor"},
	{CodeNotFound, 1007, "request", false, "what was asked for does not exist", "check the id or the key"},
	{CodeSelf, 1301, "message", false, "the key is our own", "give another person's key"},
	{CodeEmpty, 1302, "message", false, "the text or name is empty or invisible: it has only spaces, control characters and other characters that do not show", "give a text with visible characters"},
	{CodeTooLong, 1303, "message", false, "the text is longer than allowed", "shorten it to the limit in details.max"},
	{CodeTooLarge, 1304, "message", false, "the message is larger than one may be, or than the network carries", "make it smaller; details.max is the limit of a message, in bytes"},
	{CodeTooMany, 1008, "request", true, "a limit has been reached", "wait until earlier work is done, or remove something"},
	{CodeClientRefReused, 1305, "message", false, "the client_ref was already used for a different message", "use a new client_ref for a new message"},
	{CodeBlocked, 1201, "contact", false, "this person is blocked", "unblock them first"},
	{CodeWrongState, 1202, "contact", false, "the state of the contact or the message, or the kind of the network, does not allow this; details.request, details.state or details.kind is that state or kind", "do only what this state allows"},
	{CodeNotVerified, 1203, "contact", false, "the safety number does not match", "compare again; if it still differs, the key is not theirs"},
	{CodeBadPicture, 1105, "identity", false, "the picture is too large or of an unknown type; where a QR code was to be read in it, details.cause is \"format\" (no PNG or JPEG, or damaged), \"too_large\", \"no_code\" (none that can be read) or \"content\" (a code that holds no text)", "give a JPEG, PNG, GIF or WebP within the limits in details; for a QR code a sharp PNG or JPEG in which it is large"},
	{CodeBadAttachment, 1306, "message", false, "a picture or recording cannot be sent or shown; details.index is its place in attachments, and details.cause is \"format\" (it is not JPEG, PNG, GIF, WebP, AAC in ADTS frames or AMR, whatever its name says), \"damaged\" (truncated, or its parts contradict each other), \"too_large\" (too many bytes, pixels or frames) or \"album\" (several were given, and not all are pictures)", "give a whole file of one of these formats, of at most details.max bytes as it is sent"},
	{CodeBadCard, 1204, "contact", false, "the contact card cannot be used; details.cause is \"other_text\" (not a card), \"no_card\" (a key or a link without a card), \"truncated\", \"version\" (of a newer version of the library), \"altered\" (changed, or signed by somebody else), \"invalid\" (signed, but with a value that no card may have), \"somebody_else\" (not that of the person its link names), \"future\" (issued later than now: a clock is wrong), \"expired\", \"own\", \"replayed\" (added here before) or \"outdated\" (a newer card of that device was added before)", "ask the person for a new card; for no_card use contacts.add"},
	{CodeStoreLocked, 1501, "store", true, "another client or process has the store open", "close it there first"},
	{CodeStoreCorrupt, 1502, "store", false, "the store file is damaged", "restore a backup; see details"},
	{CodeStoreIO, 1503, "store", true, "reading or writing the store file failed", "follow the message; details.errno is the name of the system's error, such as ENOSPC, if there is one"},
	{CodeStoreSuspended, 1504, "store", true, "the store is suspended", "call store.resume"},
	{CodeStoreNewer, 1505, "store", false, "the store was written by a newer version of the library", "update the library"},
	{CodeWrongPassphrase, 1506, "store", false, "the passphrase does not open this store", "give the right passphrase"},
	{CodePortInUse, 1602, "network", true, "the listen address is in use", "choose another port, or 0 for any free one"},
	{CodeBadAddress, 1603, "network", false, "the address is not a usable multiaddress", "give /ip4/<address>/tcp/<port>, followed by /p2p/<peer id> for a peer"},
	{CodeNoPeers, 1604, "network", true, "there is no peer to publish to", "connect to a peer"},
	{CodeUndeliverable, 1605, "network", false, "no acknowledgement came in 20 days of attempts", "the message is sent again when the recipient is back; or call messages.retry"},
	{CodeCancelled, 1307, "message", false, "the message, or a call of a program that uses the library over JSON-RPC, was cancelled", "call messages.retry to send a message after all"},
	{CodeNetworkDown, 1606, "network", true, "the network is not running", "create or restore an identity: that starts the network"},
	{CodeOnOtherDevice, 1308, "message", false, "the message came with an archive, and was still waiting on the device that wrote it", "that device sends it if it is still in use; otherwise write it again"},
	{CodeBadArchive, 1507, "store", false, "the file is not a whole backup; details.cause is \"format\" (another kind of file), \"version\" (made by a newer version of the library), \"truncated\" or \"damaged\", and details.offset is the byte at which that shows", "use another copy of the backup; what is here from an import that stopped stays, and importing a whole copy completes it"},
	{CodeFileIO, 1009, "request", true, "a file that is not the store cannot be read or written, or exists already and is not replaced", "follow the message; details.errno is the name of the system's error, such as ENOENT, if there is one"},
	{CodeBadInvitation, 1401, "pairing", false, "the text is not an invitation that this device can answer; details.cause is \"altered\" (truncated, or with a changed character), \"application\" (made by another application, or by a version with an unsafe authcode), \"own\" or \"other_text\"", "give the whole text from the pairing_invitation event of the other device"},
	{CodePairingState, 1402, "pairing", false, "the state of the pairing or the transfer does not allow this; details.state is that state", "do only what this state allows"},
	{CodePairingRejected, 1403, "pairing", false, "a user said that the authcodes differ", "start again; if they differ again, somebody sits between the devices"},
	{CodePairingCancelled, 1404, "pairing", false, "a user cancelled the pairing", "start again"},
	{CodePairingExpired, 1405, "pairing", false, "the invitation was scanned too late", "scan the current invitation: a new one is shown every 30 seconds"},
	{CodePairingUsed, 1406, "pairing", false, "the invitation was already used", "start again, unless you scanned it before yourself"},
	{CodePairingScanned, 1407, "pairing", false, "a second device scanned the invitation", "continue if the authcodes are the same; otherwise call pairing.confirm with same = false and start again"},
	{CodePairingCommitment, 1408, "pairing", false, "the other device revealed a key other than the one it had committed to", "start again; if it happens again, somebody sits between the devices"},
	{CodePairingUncertain, 1409, "pairing", false, "the certificate of a device's key is missing, invalid or out of date", "check the clocks of both devices; the other device must use this library too"},
	{CodePairingTimeout, 1410, "pairing", true, "the other device did not answer in time", "start again with both devices online"},
	{CodePairingEnded, 1411, "pairing", false, "the pairing is over: one device discarded it, or the other was silent for too long", "pair again"},
	{CodePairingOutdated, 1412, "pairing", false, "the pairing is over: the certificate of the other device has expired", "pair again"},
	{CodeTransferTooLarge, 1413, "pairing", false, "the data is larger than a transfer may be, or than the other device accepts", "send less; details.max is this device's limit"},
	{CodeTransferCancelled, 1414, "pairing", false, "a user cancelled the transfer", "send it again"},
	{CodeTransferDamaged, 1415, "pairing", false, "the data that arrived does not match its hash", "send it again"},
	{CodeTransferStalled, 1416, "pairing", false, "the transfer made no progress for a week", "send it again when the other device is online"},
	{CodeForeignDevice, 1417, "pairing", false, "the paired device has another identity than this one, so nothing of ours is for it", "pair the right device; to use this identity there, its own identity has to be deleted first"},
	{CodeSyncState, 1418, "pairing", false, "the state of the sync does not allow this; details.state is that state", "do only what this state allows"},
	{CodeSyncCancelled, 1419, "pairing", false, "a user cancelled the sync; what had been merged stays", "start it again with devices.sync"},
	{CodeSyncStalled, 1420, "pairing", false, "the sync made no progress for a week", "start it again when both devices are online"},
	{CodeSyncDamaged, 1421, "pairing", false, "the other device sent something that cannot be part of a sync, or this device could not read its own data", "check the store with store.check, update both devices, and start the sync again"},
}
