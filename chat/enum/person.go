package enum

// Of people, and of what protects what is said to them.

// Trust is the level of trust in a person.
type Trust string

// The values of Trust.
const (
	TrustUnknown   Trust = "unknown"   // they wrote to us, or we to them
	TrustRequested Trust = "requested" // one side has asked to be a contact
	TrustMutual    Trust = "mutual"    // both sides have asked or accepted
	TrustVerified  Trust = "verified"  // we made sure that the key is theirs
	TrustBlocked   Trust = "blocked"   // everything they send is ignored
)

// RequestState is the state of the contact requests between a person and us.
type RequestState string

// The values of RequestState.
const (
	RequestNone     RequestState = "none"
	RequestSent     RequestState = "sent"     // we have asked
	RequestReceived RequestState = "received" // they have asked
	RequestDeclined RequestState = "declined" // by us
	RequestMutual   RequestState = "mutual"   // both have asked or accepted
)

// VerifiedBy is the way a key was verified.
type VerifiedBy string

// The values of VerifiedBy.
const (
	BySafetyNumber VerifiedBy = "safety_number" // the safety numbers were compared
	ByQuestion     VerifiedBy = "question"      // they answered a question that only they can answer
	ByCard         VerifiedBy = "card"          // they handed us their contact card
	ByOwnDevice    VerifiedBy = "own_device"    // in the Status app, on another device of ours
)

// VerificationState is the state of a question that verifies a person.
type VerificationState string

// The values of VerificationState.
const (
	VerificationAsked     VerificationState = "asked"
	VerificationAnswered  VerificationState = "answered"
	VerificationDeclined  VerificationState = "declined"
	VerificationCancelled VerificationState = "cancelled"
	VerificationConfirmed VerificationState = "confirmed" // of our questions: the answer was right and the person is verified
	VerificationRejected  VerificationState = "rejected"  // of our questions: the answer was wrong
)

// PresenceStatus names the way somebody wants to be seen.
type PresenceStatus string

// The values of PresenceStatus.
const (
	PresenceAutomatic    PresenceStatus = "automatic" // there while their app runs, which says so every five minutes
	PresenceAlwaysOnline PresenceStatus = "always_online"
	PresenceDoNotDisturb PresenceStatus = "do_not_disturb"
	PresenceInactive     PresenceStatus = "inactive"
)

// PresenceChoice selects the way others see us.
type PresenceChoice string

// The values of PresenceChoice.
const (
	ChoiceAutomatic    PresenceChoice = "automatic" // there while this client is open and online
	ChoiceAlwaysOnline PresenceChoice = "always_online"
	ChoiceDoNotDisturb PresenceChoice = "do_not_disturb"
	ChoiceInactive     PresenceChoice = "inactive"
	ChoiceOff          PresenceChoice = "off" // nothing is published any more
)

// KeyExchange names the protocol that protects the messages to a person.
type KeyExchange string

// The values of KeyExchange.
const (
	KeyExchangeX3DH  KeyExchange = "x3dh"  // 53/WAKU2-X3DH; the default
	KeyExchangeNoise KeyExchange = "noise" // 35/WAKU2-NOISE and 37/WAKU2-NOISE-SESSIONS
)

// WhileWaiting says what becomes of messages to a device with which a Noise handshake is pending.
type WhileWaiting string

// The values of WhileWaiting.
const (
	WhileWaitingWait WhileWaiting = "wait" // they wait for the peer; the default
	WhileWaitingX3DH WhileWaiting = "x3dh" // they go by X3DH
)

// KeyExchangeChange is the reason what protects messages has changed.
type KeyExchangeChange string

// The values of KeyExchangeChange.
const (
	KeyExchangeByChoice    KeyExchangeChange = "chosen"    // by contacts.set_key_exchange
	KeyExchangeByCard      KeyExchangeChange = "card"      // the contact card says so, or it was chosen with it
	KeyExchangeByHandshake KeyExchangeChange = "handshake" // they have finished a Noise handshake with us, and nothing else was chosen
)

// SessionState is the state of a session with a device.
type SessionState string

// The values of SessionState.
const (
	SessionInitiated   SessionState = "initiated" // our messages still carry the X3DH header; of Noise: a handshake is under way, or the other side was not heard in the session yet
	SessionEstablished SessionState = "established"
	SessionHandedOver  SessionState = "handed_over" // to another device of ours: this one only reads in it
	SessionExpired     SessionState = "expired"
)

// SessionFault is the reason a session was lost.
type SessionFault string

// The values of SessionFault.
const (
	FaultNoSession     SessionFault = "no_session"
	FaultNoPreKey      SessionFault = "no_pre_key"
	FaultUndecryptable SessionFault = "undecryptable"
)

// Language is a BIP39 word list.
type Language string

// The values of Language.
const (
	LanguageEnglish            Language = "english" // the default, and the only one the Status app can read
	LanguageChineseSimplified  Language = "chinese_simplified"
	LanguageChineseTraditional Language = "chinese_traditional"
	LanguageCzech              Language = "czech"
	LanguageFrench             Language = "french"
	LanguageItalian            Language = "italian"
	LanguageJapanese           Language = "japanese"
	LanguageKorean             Language = "korean"
	LanguageSpanish            Language = "spanish"
)
