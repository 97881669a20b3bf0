package wire_test

import (
	"bytes"
	"testing"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"

	"libstatus1to1/chat/wire"
	"libstatus1to1/internal/vectors"
)

// roundTrip reads raw into m: every field must be one the schema names, and the
// same bytes must come out, map entries in another order at most.
func roundTrip(t *testing.T, raw []byte, m proto.Message) {
	t.Helper()
	if err := proto.Unmarshal(raw, m); err != nil {
		t.Fatal(err)
	}
	noUnknown(t, m.ProtoReflect())
	again, err := proto.MarshalOptions{Deterministic: true}.Marshal(m)
	if err != nil || len(again) != len(raw) {
		t.Fatalf("%d bytes came back as %d: %v", len(raw), len(again), err)
	}
	second := m.ProtoReflect().New().Interface()
	if err := proto.Unmarshal(again, second); err != nil || !proto.Equal(m, second) {
		t.Fatalf("another message came back: %v", err)
	}
}

func noUnknown(t *testing.T, m protoreflect.Message) {
	t.Helper()
	if u := m.GetUnknown(); len(u) > 0 {
		t.Errorf("%s: unknown fields %x", m.Descriptor().Name(), u)
	}
	m.Range(func(f protoreflect.FieldDescriptor, v protoreflect.Value) bool {
		switch {
		case f.IsMap() && f.MapValue().Message() != nil:
			v.Map().Range(func(_ protoreflect.MapKey, v protoreflect.Value) bool { noUnknown(t, v.Message()); return true })
		case f.IsList() && f.Message() != nil:
			for i := range v.List().Len() {
				noUnknown(t, v.List().Get(i).Message())
			}
		case f.Message() != nil && !f.IsMap():
			noUnknown(t, v.Message())
		}
		return true
	})
}

type vectorHeader struct {
	Key, ID vectors.Hex
	N, PN   uint32
}

func TestVectorProtocolMessages(t *testing.T) {
	var file struct {
		Messages []struct {
			ID              string
			ProtocolMessage struct {
				Bytes          vectors.Hex
				InstallationID string `json:"installation_id"`
				Bundles        []vectors.Hex
				PublicMessage  vectors.Hex `json:"public_message"`
				Encrypted      []struct {
					InstallationID string `json:"installation_id"`
					Payload        vectors.Hex
					X3DH           *vectorHeader `json:"x3dh_header"`
					DR             *vectorHeader `json:"dr_header"`
					DH             *vectorHeader `json:"dh_header"`
				}
			} `json:"protocol_message"`
		}
	}
	vectors.Read(t, "wire.json", &file)
	if len(file.Messages) == 0 {
		t.Fatal("no messages in the file")
	}
	for _, v := range file.Messages {
		t.Run(v.ID, func(t *testing.T) {
			want := v.ProtocolMessage
			var m wire.ProtocolMessage
			roundTrip(t, want.Bytes, &m)
			if m.GetInstallationId() != want.InstallationID || !bytes.Equal(m.GetPublicMessage(), want.PublicMessage) ||
				len(m.GetBundles()) != len(want.Bundles) || len(m.GetEncryptedMessage()) != len(want.Encrypted) {
				t.Fatalf("decoded to %v", &m)
			}
			for i, b := range want.Bundles {
				var bundle wire.Bundle
				roundTrip(t, b, &bundle)
				if !proto.Equal(&bundle, m.GetBundles()[i]) {
					t.Errorf("bundle %d differs", i)
				}
			}
			for _, e := range want.Encrypted {
				got := m.GetEncryptedMessage()[e.InstallationID]
				if !bytes.Equal(got.GetPayload(), e.Payload) || (got.GetX3DHHeader() == nil) != (e.X3DH == nil) ||
					(got.GetDRHeader() == nil) != (e.DR == nil) || (got.GetDHHeader() == nil) != (e.DH == nil) {
					t.Fatalf("for %s: %v", e.InstallationID, got)
				}
				if h := got.GetX3DHHeader(); h != nil && (!bytes.Equal(h.GetKey(), e.X3DH.Key) || !bytes.Equal(h.GetId(), e.X3DH.ID)) {
					t.Errorf("X3DH header %v", h)
				}
				if h := got.GetDHHeader(); h != nil && !bytes.Equal(h.GetKey(), e.DH.Key) {
					t.Errorf("DH header %v", h)
				}
				if h := got.GetDRHeader(); h != nil && (!bytes.Equal(h.GetKey(), e.DR.Key) || !bytes.Equal(h.GetId(), e.DR.ID) ||
					h.GetN() != e.DR.N || h.GetPn() != e.DR.PN) {
					t.Errorf("DR header %v", h)
				}
			}
		})
	}
}

func TestVectorBundles(t *testing.T) {
	var file struct {
		Bundles []struct {
			Name      string
			Bundle    vectors.Hex
			Timestamp int64
			Signature vectors.Hex
		}
	}
	vectors.Read(t, "bundles.json", &file)
	if len(file.Bundles) == 0 {
		t.Fatal("no bundles in the file")
	}
	for _, v := range file.Bundles {
		t.Run(v.Name, func(t *testing.T) {
			var b wire.Bundle
			roundTrip(t, v.Bundle, &b)
			if b.GetTimestamp() != v.Timestamp || !bytes.Equal(b.GetSignature(), v.Signature) {
				t.Errorf("decoded to %v", &b)
			}
		})
	}
}

// Two files of one process must not register the same name: go-waku, libp2p and
// others register theirs beside ours.
func TestFilesAreRegisteredUnderOurPath(t *testing.T) {
	for _, f := range []protoreflect.FileDescriptor{
		wire.File_chat_wire_encryption_proto, wire.File_chat_wire_datasync_proto, wire.File_chat_wire_application_proto,
	} {
		if f.Package() != "status1to1.wire" || !bytes.HasPrefix([]byte(f.Path()), []byte("chat/wire/")) {
			t.Errorf("%s in package %s", f.Path(), f.Package())
		}
	}
}
