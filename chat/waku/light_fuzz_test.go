package waku

import (
	"bytes"
	"errors"
	"testing"

	"github.com/libp2p/go-msgio/pbio"
	filterpb "github.com/waku-org/go-waku/waku/v2/protocol/filter/pb"
	pushpb "github.com/waku-org/go-waku/waku/v2/protocol/lightpush/pb"
	"google.golang.org/protobuf/proto"

	"libstatus1to1/chat/wire"
	"libstatus1to1/internal/servicenode"
)

// delimited writes messages as they are on a stream.
func delimited(t testing.TB, messages ...proto.Message) []byte {
	t.Helper()
	var b bytes.Buffer
	for _, m := range messages {
		if err := pbio.NewDelimitedWriter(&b).WriteMsg(m); err != nil {
			t.Fatal(err)
		}
	}
	return b.Bytes()
}

// huge announces two gigabytes, of which nothing comes.
var huge = []byte{0xff, 0xff, 0xff, 0xff, 0x07, 1, 2, 3}

func FuzzFilterPush(f *testing.F) {
	f.Add(huge)
	f.Add(delimited(f, pushOf(on(topic, "one")), pushOf(on(topic, "two"))))
	f.Add(delimited(f, &filterpb.MessagePush{WakuMessage: servicenode.MessageOf(on(topic, "no shard"))}))
	f.Fuzz(func(t *testing.T, b []byte) {
		for from := newPushReader(bytes.NewReader(b)); ; {
			push, err := from.next()
			if err != nil {
				return
			}
			if push.PubsubTopic == nil || push.WakuMessage.Validate() != nil || proto.Size(push) > maxPush {
				t.Fatalf("accepted %v", push)
			}
			push.WakuMessage.Hash(push.GetPubsubTopic())
		}
	})
}

func FuzzFilterAnswer(f *testing.F) {
	f.Add(huge)
	f.Add(delimited(f, &filterpb.FilterSubscribeResponse{RequestId: "id", StatusCode: statusOK}))
	f.Add(delimited(f, &filterpb.FilterSubscribeResponse{RequestId: "N/A", StatusCode: statusTooManyRequests}))
	f.Add(delimited(f, &filterpb.FilterSubscribeResponse{RequestId: "other", StatusCode: statusOK}))
	f.Fuzz(func(t *testing.T, b []byte) {
		if err := readFilterAnswer(bytes.NewReader(b), "id"); err == nil {
			answer := new(filterpb.FilterSubscribeResponse)
			if pbio.NewDelimitedReader(bytes.NewReader(b), maxFilterAnswer).ReadMsg(answer) != nil || answer.RequestId != "id" || answer.StatusCode != statusOK {
				t.Fatalf("accepted %v", answer)
			}
		} else if len(err.Error()) > 1000 {
			t.Fatalf("an error of %d bytes", len(err.Error()))
		}
	})
}

func FuzzLightpushAnswer(f *testing.F) {
	f.Add(huge)
	f.Add(delimited(f, &wire.LightpushResponse{RequestId: "id", StatusCode: pushOK, RelayPeerCount: proto.Uint32(1 << 31)}))
	f.Add(delimited(f, &wire.LightpushResponse{RequestId: "id", StatusCode: pushTooLarge}))
	f.Add(delimited(f, &wire.LightpushResponse{RequestId: "N/A", StatusCode: pushOK}))
	f.Fuzz(func(t *testing.T, b []byte) {
		peers, err := readPushAnswer3(bytes.NewReader(b), "id")
		if err != nil {
			return
		}
		answer := new(wire.LightpushResponse)
		if pbio.NewDelimitedReader(bytes.NewReader(b), maxPushAnswer).ReadMsg(answer) != nil || answer.RequestId != "id" || answer.StatusCode != pushOK || peers < 0 || peers > maxRelayCount {
			t.Fatalf("%d peers by %v", peers, answer)
		}
	})
}

func FuzzLightpushAnswerV2(f *testing.F) {
	f.Add(huge)
	f.Add(delimited(f, &pushpb.PushRpc{RequestId: "id", Response: &pushpb.PushResponse{IsSuccess: true}}))
	f.Add(delimited(f, &pushpb.PushRpc{RequestId: "N/A", Response: &pushpb.PushResponse{}}))
	f.Add(delimited(f, &pushpb.PushRpc{RequestId: "id"}))
	f.Fuzz(func(t *testing.T, b []byte) {
		err := readPushAnswer2(bytes.NewReader(b), "id")
		answer := new(pushpb.PushRpc)
		if err == nil && (pbio.NewDelimitedReader(bytes.NewReader(b), maxPushAnswer).ReadMsg(answer) != nil || answer.RequestId != "id" || !answer.Response.GetIsSuccess()) {
			t.Fatalf("success by %v", answer)
		}
	})
}

// Only an answer that says success to this request is success, in either version.
func TestLightPushAnswers(t *testing.T) {
	three := func(id string, status uint32, peers *uint32) error {
		_, err := readPushAnswer3(bytes.NewReader(delimited(t, &wire.LightpushResponse{RequestId: id, StatusCode: status, RelayPeerCount: peers})), "id")
		return err
	}
	two := func(m *pushpb.PushRpc) error { return readPushAnswer2(bytes.NewReader(delimited(t, m)), "id") }
	yes, no := &pushpb.PushResponse{IsSuccess: true}, &pushpb.PushResponse{}
	refused := new(refusedError)
	for name, c := range map[string]struct {
		err    error
		status uint32 // of the refusal, 0 for none
		ok     bool
	}{
		"success":                   {three("id", pushOK, proto.Uint32(3)), 0, true},
		"success of nobody":         {three("id", pushOK, nil), 0, true},
		"no status":                 {three("id", 0, nil), 0, false},
		"other request":             {three("other", pushOK, nil), 0, false},
		"success of the limited":    {three("N/A", pushOK, nil), 0, false},
		"limited":                   {three("N/A", pushTooManyRequests, nil), pushTooManyRequests, false},
		"too large":                 {three("id", pushTooLarge, nil), pushTooLarge, false},
		"v2 success":                {two(&pushpb.PushRpc{RequestId: "id", Response: yes}), 0, true},
		"v2 refusal":                {two(&pushpb.PushRpc{RequestId: "id", Response: no}), pushRefused, false},
		"v2 other request":          {two(&pushpb.PushRpc{RequestId: "other", Response: yes}), 0, false},
		"v2 limited":                {two(&pushpb.PushRpc{RequestId: "N/A", Response: no}), pushTooManyRequests, false},
		"v2 success of the limited": {two(&pushpb.PushRpc{RequestId: "N/A", Response: yes}), 0, false},
		"v2 no response":            {two(&pushpb.PushRpc{RequestId: "id"}), 0, false},
	} {
		if (c.err == nil) != c.ok || c.status != 0 && (!errors.As(c.err, &refused) || refused.status != c.status) {
			t.Errorf("%s: %v", name, c.err)
		}
	}
}
