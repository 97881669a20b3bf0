package vectors

import (
	"testing"

	"google.golang.org/protobuf/reflect/protoreflect"

	"libstatus1to1/chat/wire"
)

// Is compares a recorded value with a decoded one.
func (e Enum) Is(v protoreflect.Enum) bool {
	if e.Name == "" {
		return protoreflect.EnumNumber(e.Number) == v.Number()
	}
	value := v.Descriptor().Values().ByNumber(v.Number())
	return value != nil && string(value.Name()) == e.Name
}

// Is compares a recorded contact state with a decoded one, which must be there.
func (s ContactState) Is(w *wire.ContactRequestPropagatedState) bool {
	return w != nil && s == ContactState{
		LocalClock: w.GetLocalClock(), LocalState: w.GetLocalState(),
		RemoteClock: w.GetRemoteClock(), RemoteState: w.GetRemoteState(),
	}
}

// Check compares every recorded field with those of a decoded message.
func (v *ChatMessage) Check(t testing.TB, cm *wire.ChatMessage) {
	t.Helper()
	if cm.GetClock() != v.Clock || cm.GetTimestamp() != v.Timestamp || cm.GetText() != v.Text || cm.GetChatId() != v.ChatID ||
		cm.GetDisplayName() != v.DisplayName || cm.GetEnsName() != v.ENSName || cm.GetResponseTo() != v.ResponseTo ||
		cm.GetCustomizationColor() != v.CustomizationColor || !v.ContentType.Is(cm.GetContentType()) || !v.MessageType.Is(cm.GetMessageType()) {
		t.Errorf("decoded to %v\nwant %+v", cm, v)
	}
	if !v.State.Is(cm.GetContactRequestPropagatedState()) {
		t.Errorf("contact state %v, want %+v", cm.GetContactRequestPropagatedState(), v.State)
	}
}
