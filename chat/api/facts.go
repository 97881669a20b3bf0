package api

// What a caller may rely on beyond what a method does: when it is there since, and what a
// call that is repeated does.

// firstVersion is the version of the library that has all methods but those in newer.
const firstVersion = "0.1.0"

// newer names the methods that came later, with their version.
var newer = map[string]string{}

// outdated names methods that are to go, with what to use instead.
var outdated = map[string]string{}

// repeats says what happens when a call is made once more with the same parameters, because
// its answer was lost or it failed.
type repeats int

// The zero value means that what it does is done twice: another message, another card.
const (
	// refuses: nothing happens twice, but the second answer may be an error which says that
	// it was done already.
	refuses repeats = iota + 1
	// again: the state afterwards is that of one call, and the answer tells it again.
	again
	// byRef: it is done twice unless client_ref is given.
	byRef
)

// repeated tells how each method behaves when a call is repeated. One that is not listed does its work
// twice.
var repeated = map[string]repeats{
	"identity.create": refuses, "identity.restore": refuses, "identity.import": refuses, "identity.get": again,
	"identity.set_display_name": again, "identity.phrase": refuses, "identity.delete": refuses,
	"profile.get": again, "profile.set": again, "presence.get": again, "presence.set": again,

	"contacts.add": again, "contacts.get": again, "contacts.list": again, "contacts.set_key_exchange": again,
	"contacts.remove": refuses, "contacts.add_card": refuses, "contacts.accept": refuses, "contacts.decline": refuses,
	"contacts.retract": refuses, "contacts.block": again, "contacts.unblock": again, "contacts.safety_number": again,
	"contacts.verify": again, "contacts.unverify": again, "contacts.answer": refuses, "contacts.refuse_question": refuses,
	"contacts.cancel_question": refuses, "contacts.confirm_answer": refuses, "contacts.verifications": again, "contacts.picture": again,

	"chats.list": again, "chats.get": again, "chats.mark_read": again, "chats.mark_unread": again, "chats.mute": again,
	"chats.archive": again, "chats.draft": again, "chats.clear": again, "chats.delete": again, "chats.timer": again,

	"messages.send": byRef, "messages.send_batch": byRef, "messages.get": again, "messages.album": again,
	"messages.retry": refuses, "messages.cancel": refuses, "messages.list": again, "messages.edit": again, "messages.delete": again,
	"messages.react": again, "messages.pin": again, "messages.search": again,
	"attachments.read": again, "attachments.save": refuses, "attachments.preview": again,

	"sessions.list": again, "sessions.hand_over": refuses,
	"devices.list": again, "devices.enable": again, "devices.disable": again, "devices.rename": again,
	"devices.sync": refuses, "devices.sync_accept": refuses, "devices.sync_pause": again, "devices.sync_resume": again,
	"devices.sync_cancel": refuses, "devices.syncs": again,
	"pairing.confirm": refuses, "pairing.cancel": refuses, "pairing.list": again, "pairing.get": again, "pairing.discard": refuses,
	"transfers.list": again, "transfers.read": again, "transfers.cancel": refuses, "transfers.discard": refuses,
	"pictures.qr": again, "pictures.read_qr": again, "pictures.identicon": again,

	"network.status": again, "network.connect": again, "network.disconnect": refuses, "network.catch_up": again, "network.wait": again,
	"network.doctor": again, "network.deliver": again, "network.published": again, "network.online": again, "network.topics": again,
	"events.ack": again, "store.info": again, "store.check": again, "store.suspend": again, "store.resume": again,
	"store.change_passphrase": refuses, "store.export": refuses, "store.import": again, "diagnostics.get": again,
}

// clientRef is the parameter that lets a send be repeated.
const clientRef = "client_ref"

// deadline is the parameter of a method that waits.
const deadline = "deadline_ms"

// withFacts returns the table entry with what is said of it here.
func withFacts(m Method) Method {
	m.Since = firstVersion
	if v, later := newer[m.Name]; later {
		m.Since = v
	}
	m.Deprecated = outdated[m.Name]
	switch repeated[m.Name] {
	case again:
		m.Idempotent, m.Retryable = true, true
	case refuses:
		m.Retryable = true
	case byRef:
		m.RetryableWith = clientRef
	}
	for _, f := range Fields(m.Params) {
		m.Waits = m.Waits || f.Name == deadline
	}
	return m
}
