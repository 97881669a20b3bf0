package archive

import (
	"testing"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"

	"libstatus1to1/chat/wire"
)

// TestEachFieldIsDecided: of each field of a record in an archive it is said whether it is
// carried, and if not, why.
func TestEachFieldIsDecided(t *testing.T) {
	seen := map[protoreflect.FullName]bool{}
	var look func(protoreflect.MessageDescriptor)
	look = func(d protoreflect.MessageDescriptor) {
		if seen[d.FullName()] {
			return
		}
		seen[d.FullName()] = true
		names := carried[d.FullName()]
		for i := range d.Fields().Len() {
			f := d.Fields().Get(i)
			if why, named := names[f.Name()]; d.FullName().Parent() == "status1to1.record" && !named {
				t.Errorf("%s: say in fields.go whether archives carry it", f.FullName())
			} else if f.Message() != nil && why == yes {
				look(f.Message())
			}
		}
		for name := range names {
			if d.Fields().ByName(name) == nil {
				t.Errorf("%s has no field %s", d.FullName(), name)
			}
		}
	}
	look((&wire.ArchiveItem{}).ProtoReflect().Descriptor())
	for name := range carried {
		if !seen[name] {
			t.Errorf("no item of an archive has a %s", name)
		}
	}
}

// TestNothingElseIsCarried: a record with all its fields comes out with those that are
// carried, and without what this version does not know.
func TestNothingElseIsCarried(t *testing.T) {
	full := func(m protoreflect.Message) {
		for i := range m.Descriptor().Fields().Len() {
			f := m.Descriptor().Fields().Get(i)
			switch {
			case f.IsList() || f.Message() != nil:
			case f.Kind() == protoreflect.StringKind:
				m.Set(f, protoreflect.ValueOfString("x"))
			case f.Kind() == protoreflect.BytesKind:
				m.Set(f, protoreflect.ValueOfBytes([]byte{1}))
			case f.Kind() == protoreflect.BoolKind:
				m.Set(f, protoreflect.ValueOfBool(true))
			case f.Kind() == protoreflect.Uint32Kind:
				m.Set(f, protoreflect.ValueOfUint32(1))
			case f.Kind() == protoreflect.Uint64Kind:
				m.Set(f, protoreflect.ValueOfUint64(1))
			case f.Kind() == protoreflect.Int32Kind:
				m.Set(f, protoreflect.ValueOfInt32(1))
			default:
				m.Set(f, protoreflect.ValueOfInt64(1))
			}
		}
		m.SetUnknown([]byte{0xf8, 0x7f, 1}) // field 2047
	}
	for _, m := range []proto.Message{
		&wire.IdentityRecord{}, &wire.ContactRecord{}, &wire.VerificationRecord{}, &wire.ChatRecord{}, &wire.MessageRecord{},
	} {
		full(m.ProtoReflect())
		names := carried[m.ProtoReflect().Descriptor().FullName()]
		carry(m.ProtoReflect())
		if len(m.ProtoReflect().GetUnknown()) > 0 {
			t.Errorf("%T carries what is not known", m)
		}
		m.ProtoReflect().Range(func(f protoreflect.FieldDescriptor, _ protoreflect.Value) bool {
			if why, named := names[f.Name()]; !named || why != yes {
				t.Errorf("%s is carried", f.FullName())
			}
			return true
		})
		if m.ProtoReflect().IsValid() && proto.Size(m) == 0 {
			t.Errorf("%T carries nothing", m)
		}
	}
}
