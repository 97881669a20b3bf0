package noisepeer

import (
	"math"
	"slices"
	"time"

	"libstatus1to1/chat/protocol/key"
	"libstatus1to1/chat/protocol/noise"
	"libstatus1to1/chat/protocol/noise/noisesession"
	"libstatus1to1/chat/wire"
)

// Record is p in the form the store keeps. It is secret.
func (p Peer) Record() *wire.NoisePeerRecord {
	r := &wire.NoisePeerRecord{Answers: p.answers, Repeats: p.repeats, AnswersSince: milli(p.answersSince)}
	for _, d := range p.devices {
		dr := &wire.NoiseDeviceRecord{
			InstallationId: d.id, Begun: d.begun.record(), Answered: d.answered.record(),
			AnsweredTime: d.answeredTime, BegunTime: d.begunTime, Wanted: d.wanted, Refused: uint32(d.refused),
			Failures: d.failures, NotBefore: milli(d.notBefore), SeenAt: milli(d.seen),
		}
		if !d.certificate.Identity.IsZero() {
			dr.Certificate = d.certificate.Bytes()
		}
		for _, s := range d.secrets {
			dr.Secrets = append(dr.Secrets, &wire.NoiseSecretRecord{
				Kind: uint32(s.id.Kind), Id: []byte(s.id.ID), Secret: slices.Clone(s.key[:]), Expires: milli(s.expires),
			})
		}
		for _, l := range d.links {
			dr.Sessions = append(dr.Sessions, l.record())
		}
		r.Devices = append(r.Devices, dr)
	}
	return r
}

func (h *handshake) record() *wire.NoiseHandshakeRecord {
	if h == nil {
		return nil
	}
	r := &wire.NoiseHandshakeRecord{
		Handshake: h.noise.Marshal(), Id: slices.Clone(h.id[:]), Time: h.time, Way: uint32(h.way), Since: milli(h.since), Last: h.last.record(),
	}
	if !h.previous.IsZero() {
		r.Previous = slices.Clone(h.previous[:])
	}
	return r
}

func (r resending) record() *wire.NoiseFrameRecord {
	if r.frame == nil {
		return nil
	}
	return &wire.NoiseFrameRecord{Frame: r.frame, Sent: r.sent, DueAt: milli(r.due)}
}

func (l link) record() *wire.NoiseChatSessionRecord {
	r := &wire.NoiseChatSessionRecord{
		Session: l.session.Marshal(), Time: l.time, Pattern: l.pattern, Initiator: l.initiator, Confirmed: l.confirmed,
		OwnExpires: milli(l.ownExpires), UsedAt: milli(l.used), Unanswered: l.unanswered,
		UnansweredSince: milli(l.unansweredSince), Handshake: slices.Clone(l.handshake[:]), ConfirmedAt: milli(l.confirmedAt),
		Last: l.last.record(),
	}
	if !l.ownStatic.IsZero() {
		r.OwnStatic = slices.Clone(l.ownStatic[:])
	}
	return r
}

// FromRecord reads what Record wrote. Error: ErrRecord.
func FromRecord(identity key.Public, r *wire.NoisePeerRecord) (Peer, error) {
	p := Peer{Identity: identity, answers: r.GetAnswers(), repeats: r.GetRepeats(), answersSince: instant(r.GetAnswersSince())}
	if len(r.GetDevices()) > MaxDevices {
		return Peer{}, ErrRecord
	}
	for _, dr := range r.GetDevices() {
		d, err := deviceFromRecord(identity, dr)
		if err != nil {
			return Peer{}, ErrRecord
		}
		if n := len(p.devices); n > 0 && p.devices[n-1].id >= d.id {
			return Peer{}, ErrRecord
		}
		p.devices = append(p.devices, d)
	}
	return p, nil
}

func deviceFromRecord(identity key.Public, r *wire.NoiseDeviceRecord) (device, error) {
	d := device{
		id: r.GetInstallationId(), answeredTime: r.GetAnsweredTime(), begunTime: r.GetBegunTime(), wanted: r.GetWanted(),
		refused: way(r.GetRefused()), failures: r.GetFailures(), notBefore: instant(r.GetNotBefore()), seen: instant(r.GetSeenAt()),
	}
	if !validInstallation(d.id) || len(r.GetSecrets()) > 2 || len(r.GetSessions()) > noisesession.MaxPerDevice {
		return d, ErrRecord
	}
	var err error
	if len(r.GetCertificate()) > 0 {
		if d.certificate, err = noise.ParseCertificate(r.GetCertificate()); err != nil {
			return d, err
		}
		if d.certificate.Identity != identity || d.certificate.InstallationID != d.id {
			return d, ErrRecord
		}
	}
	for _, sr := range r.GetSecrets() {
		s, err := secretFromRecord(sr)
		if err != nil {
			return d, err
		}
		d.secrets = append(d.secrets, s)
	}
	for _, lr := range r.GetSessions() {
		l, err := linkFromRecord(lr)
		if err != nil {
			return d, err
		}
		if p := l.session.Peer(); p.Identity != identity || p.InstallationID != d.id {
			return d, ErrRecord
		}
		if n := len(d.links); n > 0 && d.links[n-1].compare(l) > 0 {
			return d, ErrRecord
		}
		d.links = append(d.links, l)
	}
	if d.begun, err = handshakeFromRecord(r.GetBegun()); err != nil {
		return d, err
	}
	d.answered, err = handshakeFromRecord(r.GetAnswered())
	return d, err
}

func secretFromRecord(r *wire.NoiseSecretRecord) (secret, error) {
	s := secret{expires: instant(r.GetExpires()), id: SecretID{SecretKind(r.GetKind()), string(r.GetId())}}
	if r.GetKind() > math.MaxUint8 || !s.id.valid() || len(r.GetSecret()) != len(s.key) {
		return s, ErrRecord
	}
	copy(s.key[:], r.GetSecret())
	return s, nil
}

func handshakeFromRecord(r *wire.NoiseHandshakeRecord) (*handshake, error) {
	if r == nil {
		return nil, nil
	}
	h := &handshake{
		time: r.GetTime(), way: way(r.GetWay()), since: instant(r.GetSince()), last: resendingFromRecord(r.GetLast()),
	}
	if len(r.GetId()) != len(h.id) || len(r.GetPrevious()) != 0 && len(r.GetPrevious()) != len(h.previous) || h.last.frame == nil {
		return nil, ErrRecord
	}
	copy(h.id[:], r.GetId())
	copy(h.previous[:], r.GetPrevious())
	var err error
	if h.noise, err = noise.UnmarshalHandshake(r.GetHandshake()); err != nil {
		return nil, err
	}
	return h, nil
}

func resendingFromRecord(r *wire.NoiseFrameRecord) resending {
	if len(r.GetFrame()) == 0 {
		return resending{}
	}
	return resending{slices.Clone(r.GetFrame()), r.GetSent(), instant(r.GetDueAt())}
}

func linkFromRecord(r *wire.NoiseChatSessionRecord) (link, error) {
	l := link{
		time: r.GetTime(), pattern: r.GetPattern(), initiator: r.GetInitiator(), confirmed: r.GetConfirmed(),
		ownExpires: instant(r.GetOwnExpires()), used: instant(r.GetUsedAt()), unanswered: r.GetUnanswered(),
		unansweredSince: instant(r.GetUnansweredSince()), confirmedAt: instant(r.GetConfirmedAt()), last: resendingFromRecord(r.GetLast()),
	}
	if len(r.GetHandshake()) != len(l.handshake) || len(r.GetOwnStatic()) != 0 && len(r.GetOwnStatic()) != len(l.ownStatic) {
		return l, ErrRecord
	}
	copy(l.handshake[:], r.GetHandshake())
	copy(l.ownStatic[:], r.GetOwnStatic())
	var err error
	if l.session, err = noisesession.Unmarshal(r.GetSession()); err != nil {
		return l, err
	}
	return l.ready()
}

func milli(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.UnixMilli()
}

func instant(ms int64) time.Time {
	if ms == 0 {
		return time.Time{}
	}
	return time.UnixMilli(ms).UTC()
}
