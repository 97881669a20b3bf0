package noise

// Names of the patterns, as Lookup takes them.
const (
	K1K1         = "K1K1"         // both know the other's static key
	XK1          = "XK1"          // the initiator knows the responder's
	XX           = "XX"           // neither knows the other's
	XXpsk0       = "XXpsk0"       // as XX, with a secret shared before
	WakuPairing  = "WakuPairing"  // 43: the responder shows the QR code
	WakuPairing2 = "WakuPairing2" // 43: the initiator shows the QR code
)

// ProtocolID names the kind of a payload.
// Spec: 35/WAKU2-NOISE, "Specification". 14 is deployed but missing from 35; 15 is
// ours: WakuPairing2 has no id in the specs and runs nowhere else.
type ProtocolID byte

// The protocol ids.
const (
	ProtocolTransport    ProtocolID = 0
	ProtocolK1K1         ProtocolID = 10
	ProtocolXK1          ProtocolID = 11
	ProtocolXX           ProtocolID = 12
	ProtocolXXpsk0       ProtocolID = 13
	ProtocolWakuPairing  ProtocolID = 14
	ProtocolWakuPairing2 ProtocolID = 15
	ProtocolChaChaPoly   ProtocolID = 30
)

// token is one step of a handshake message.
// Spec: The Noise Protocol Framework, "Message patterns".
type token byte

const (
	tokenE token = iota
	tokenS
	tokenEE
	tokenES
	tokenSE
	tokenSS
	tokenPSK
)

// message is one message of a pattern.
type message struct {
	fromInitiator bool
	tokens        []token
}

// Pattern is a handshake pattern, from Lookup. The zero value is none.
type Pattern struct{ table *table }

// table is a pattern as data. A pre-message here is one key at most.
type table struct {
	name         string
	id           ProtocolID
	preInitiator []token
	preResponder []token
	messages     []message
	psk          bool
}

// tables are all patterns.
// Spec: 35/WAKU2-NOISE, "Appendix: Supported Handshakes Description"; 43/WAKU2-DEVICE-PAIRING.
var tables = []table{
	{
		name: K1K1, id: ProtocolK1K1,
		preInitiator: []token{tokenS},
		preResponder: []token{tokenS},
		messages: []message{
			{true, []token{tokenE}},
			{false, []token{tokenE, tokenEE, tokenES}},
			{true, []token{tokenSE}},
		},
	},
	{
		name: XK1, id: ProtocolXK1,
		preResponder: []token{tokenS},
		messages: []message{
			{true, []token{tokenE}},
			{false, []token{tokenE, tokenEE, tokenES}},
			{true, []token{tokenS, tokenSE}},
		},
	},
	{
		name: XX, id: ProtocolXX,
		messages: []message{
			{true, []token{tokenE}},
			{false, []token{tokenE, tokenEE, tokenS, tokenES}},
			{true, []token{tokenS, tokenSE}},
		},
	},
	{
		name: XXpsk0, id: ProtocolXXpsk0, psk: true,
		messages: []message{
			{true, []token{tokenPSK, tokenE}},
			{false, []token{tokenE, tokenEE, tokenS, tokenES}},
			{true, []token{tokenS, tokenSE}},
		},
	},
	{
		name: WakuPairing, id: ProtocolWakuPairing,
		preResponder: []token{tokenE},
		messages: []message{
			{true, []token{tokenE, tokenEE}},
			{false, []token{tokenS, tokenES}},
			{true, []token{tokenS, tokenSE, tokenSS}},
		},
	},
	{
		name: WakuPairing2, id: ProtocolWakuPairing2,
		preInitiator: []token{tokenE},
		messages: []message{
			{false, []token{tokenE, tokenEE}},
			{false, []token{tokenS, tokenES}},
			{true, []token{tokenS, tokenSE, tokenSS}},
		},
	},
}

// Lookup finds a pattern by name. Error: ErrPattern.
func Lookup(name string) (Pattern, error) {
	for i := range tables {
		if tables[i].name == name {
			return Pattern{&tables[i]}, nil
		}
	}
	return Pattern{}, ErrPattern
}

// Name is the pattern's name, "" for the zero value.
func (p Pattern) Name() string {
	if p.table == nil {
		return ""
	}
	return p.table.name
}

// ProtocolID is the id the pattern's payloads carry.
func (p Pattern) ProtocolID() ProtocolID {
	if p.table == nil {
		return ProtocolTransport
	}
	return p.table.id
}

// ProtocolName is the Noise name, which is hashed into the handshake.
func (p Pattern) ProtocolName() string { return "Noise_" + p.Name() + "_" + string(suite.Name()) }

// Messages returns the number of messages of the handshake.
func (p Pattern) Messages() int {
	if p.table == nil {
		return 0
	}
	return len(p.table.messages)
}

// has reports whether a pre-message carries the key t.
func has(pre []token, t token) bool { return len(pre) == 1 && pre[0] == t }
