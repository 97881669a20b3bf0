package noisepeer

import (
	"time"

	"libstatus1to1/chat/protocol/noise/noisesession"
	"libstatus1to1/chat/protocol/session"
)

const (
	// MaxDevices bounds the devices of one identity, as for X3DH.
	MaxDevices = session.MaxKnownInstallations

	// MaxSecretID is the length of the longest id of a secret.
	MaxSecretID = 32

	// MaxPlaintext is the longest plaintext that Seal takes.
	MaxPlaintext = noisesession.MaxText - sealedOverhead

	// MaxFrame is the length of the longest frame: two installation ids, an id of a secret,
	// and a handshake message with two keys and a certificate.
	MaxFrame = 1024

	// HandshakeLife is the time after which a handshake that nobody has answered is given up:
	// as long as store nodes keep its messages.
	HandshakeLife = 30 * 24 * time.Hour

	// MaxAnswers bounds the handshakes of an identity that are answered within AnswersWindow:
	// three devices with one each, several times begun anew. It bounds the answers to copies,
	// and refusals, as well.
	MaxAnswers    = 40
	AnswersWindow = time.Hour

	// resendFirst and resendMost are the least and the most time between a handshake message
	// and the same one again; it doubles each time.
	resendFirst = time.Minute
	resendMost  = 12 * time.Hour

	// patience is the time for which we leave it to the other side to go on with a handshake
	// that it has begun, before we begin our own.
	patience = 10 * time.Minute

	// renewalPatience is the time by which the side with the higher identity key renews a
	// session later than the other one, so that they do not both do it each time;
	// renewalMessages is the same in messages.
	renewalPatience = 24 * time.Hour
	renewalMessages = noisesession.MaxMessages / 10

	// lostMessages and lostTime are how many messages of ours must have stayed without one
	// of the device, and for how long, until we take it that it may have lost the session. All
	// that follows is one handshake, which a device that was only away answers as well.
	lostMessages = 8
	lostTime     = time.Hour

	// confirmAgain is the least time between two confirmations in one session.
	confirmAgain = time.Minute

	// restartsAtOnce is the number of failures in a row after each of which the next handshake
	// begins at once: each way of beginning may be refused once, and one may come too late.
	// After more of them there is a delay, which doubles from backoffFirst to backoffMost.
	restartsAtOnce = 6
	backoffFirst   = time.Minute
	backoffMost    = 24 * time.Hour
)
