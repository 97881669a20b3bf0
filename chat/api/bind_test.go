package api

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"reflect"
	"strings"
	"testing"

	"libstatus1to1/chat"
)

// wantError checks code and field of an error.
func wantError(t *testing.T, err error, code chat.Code, field string) {
	t.Helper()
	var e *chat.Error
	if !errors.As(err, &e) {
		t.Fatalf("got %v, want %s", err, code)
	}
	if e.Code != code || e.Field != field {
		t.Errorf("got %s about %q (%s), want %s about %q", e.Code, e.Field, e.Message, code, field)
	}
}

// sample has a field of every kind that requests use.
type sample struct {
	Text   string     `json:"text"`
	Count  int        `json:"count,omitempty" range:"1..10"`
	Big    int64      `json:"big,omitempty"`
	Share  float64    `json:"share,omitempty" range:"0..1"`
	Flag   bool       `json:"flag,omitempty"`
	List   []string   `json:"list,omitempty"`
	Inner  inner      `json:"inner,omitempty"`
	Maybe  *int       `json:"maybe,omitempty" range:"0..5"`
	Key    *Key       `json:"key,omitempty"`
	ID     *MessageID `json:"id,omitempty"`
	Raw    *StoreKey  `json:"raw,omitempty"`
	Hidden Secret     `json:"hidden,omitempty"`
}

type inner struct {
	Name  string `json:"name"`
	Items []item `json:"items,omitempty"`
}

type item struct {
	N int `json:"n"`
}

const (
	aKey    = "0x0479be667ef9dcbbac55a06295ce870b07029bfcdb2dce28d959f2815b16f81798483ada7726a3c4655da4fbfc0e1108a8fd17b448a68554199c47d08ffb10d4b8"
	aKey33  = "0x0279be667ef9dcbbac55a06295ce870b07029bfcdb2dce28d959f2815b16f81798"
	anID    = "0x00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff"
	someRaw = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8="
)

func TestDecodeFills(t *testing.T) {
	var s sample
	err := decode(`{"text":"tëxt\u0000","count":10,"big":-9007199254740991,"share":0.5,"flag":true,"list":["a","b"],
		"inner":{"name":"n","items":[{"n":1},{"n":2}]},"maybe":0,"key":"`+aKey33+`","id":"`+anID+`","raw":"`+someRaw+`","hidden":"s3cret"}`,
		&s, chat.CodeBadParams)
	if err != nil {
		t.Fatal(err)
	}
	zero := 0
	want := sample{
		Text: "tëxt\x00", Count: 10, Big: -MaxSafeInteger, Share: 0.5, Flag: true, List: []string{"a", "b"},
		Inner: inner{Name: "n", Items: []item{{1}, {2}}}, Maybe: &zero, Key: s.Key, ID: s.ID, Raw: s.Raw, Hidden: "s3cret",
	}
	if !reflect.DeepEqual(s, want) {
		t.Errorf("%+v", s)
	}
	if s.Key.Hex() != aKey || fmt.Sprintf("%x", *s.ID) != anID[2:] || s.Raw.Bytes()[31] != 31 {
		t.Errorf("key %v, id %x, raw %v", s.Key, *s.ID, s.Raw.Bytes())
	}
	printed := fmt.Sprintf("%v %+v %#v %s", s.Hidden, s.Raw, s, s.Hidden)
	for _, secret := range []string{"s3cret", "30 31", "0x1e, 0x1f"} { // the last bytes of raw; an address may have one of them
		if strings.Contains(printed, secret) {
			t.Errorf("secrets print: %s", printed)
		}
	}
}

func TestDecodeNamesTheField(t *testing.T) {
	for _, c := range []struct {
		text, field string
		code        chat.Code
	}{
		{`[]`, "", chat.CodeBadParams},
		{`"x"`, "", chat.CodeBadParams},
		{`1`, "", chat.CodeBadParams},
		{`{}`, "text", chat.CodeBadParams},
		{`{"text":null}`, "text", chat.CodeBadParams},
		{`{"text":1}`, "text", chat.CodeBadParams},
		{`{"Text":"x"}`, "Text", chat.CodeUnknownField},
		{`{"text":"x","TEXT":"x"}`, "TEXT", chat.CodeUnknownField},
		{`{"text":"x","":1}`, "", chat.CodeUnknownField},
		{`{"text":"x","text":"x"}`, "text", chat.CodeUnknownField},
		{`{"text":"x","inner":{"name":"n","nam":1}}`, "inner.nam", chat.CodeUnknownField},
		{`{"text":"x","inner":{}}`, "inner.name", chat.CodeBadParams},
		{`{"text":"x","inner":{"name":"n","items":[{"n":1},{"n":"1"}]}}`, "inner.items[1].n", chat.CodeBadParams},
		{`{"text":"x","inner":{"name":"n","items":{}}}`, "inner.items", chat.CodeBadParams},
		{`{"text":"x","list":["a",1]}`, "list[1]", chat.CodeBadParams},
		{`{"text":"x","list":"a"}`, "list", chat.CodeBadParams},
		{`{"text":"x","list":[` + strings.Repeat(`"",`, maxItems) + `""]}`, "list", chat.CodeBadParams},
		{`{"text":"x","count":0}`, "count", chat.CodeBadParams},
		{`{"text":"x","count":11}`, "count", chat.CodeBadParams},
		{`{"text":"x","count":1.0}`, "count", chat.CodeBadParams},
		{`{"text":"x","count":1e1}`, "count", chat.CodeBadParams},
		{`{"text":"x","count":"1"}`, "count", chat.CodeBadParams},
		{`{"text":"x","count":true}`, "count", chat.CodeBadParams},
		{`{"text":"x","big":9007199254740992}`, "big", chat.CodeBadParams},
		{`{"text":"x","big":-9007199254740992}`, "big", chat.CodeBadParams},
		{`{"text":"x","big":99999999999999999999}`, "big", chat.CodeBadParams},
		{`{"text":"x","share":1.01}`, "share", chat.CodeBadParams},
		{`{"text":"x","share":1e999}`, "share", chat.CodeBadParams},
		{`{"text":"x","share":"0.5"}`, "share", chat.CodeBadParams},
		{`{"text":"x","flag":1}`, "flag", chat.CodeBadParams},
		{`{"text":"x","maybe":6}`, "maybe", chat.CodeBadParams},
		{`{"text":"x","key":1}`, "key", chat.CodeBadParams},
		{`{"text":"x","key":""}`, "key", chat.CodeBadKey},
		{`{"text":"x","key":"zQ3shNope"}`, "key", chat.CodeBadKey},
		{`{"text":"x","key":"` + aKey[:len(aKey)-1] + `9"}`, "key", chat.CodeBadKey}, // off the curve
		{`{"text":"x","id":"` + strings.ToUpper(anID) + `"}`, "id", chat.CodeBadParams},
		{`{"text":"x","id":"0x` + strings.ToUpper(anID[2:]) + `"}`, "id", chat.CodeBadParams},
		{`{"text":"x","id":"` + anID + `00"}`, "id", chat.CodeBadParams},
		{`{"text":"x","id":"` + anID[2:] + `"}`, "id", chat.CodeBadParams},
		{`{"text":"x","raw":"AAEC"}`, "raw", chat.CodeBadParams},
		{`{"text":"x","raw":"` + strings.Replace(someRaw, "B", "_", 1) + `"}`, "raw", chat.CodeBadParams},
		{`{"text":"x","raw":"` + someRaw[:10] + `\n` + someRaw[10:] + `"}`, "raw", chat.CodeBadParams},
	} {
		wantError(t, decode(c.text, new(sample), chat.CodeBadParams), c.code, c.field)
	}
}

// Bounds read as a person writes them: 1000000, not 1e+06.
func TestBoundsArePlainNumbers(t *testing.T) {
	for _, c := range []struct {
		target     any
		text, want string
	}{
		{new(AckParams), `{"up_to":-1}`, "from 0 to 9007199254740991"},
		{new(EngineConfig), `{"max_events":1}`, "from 16 to 1000000"},
		{new(MemoryNetworkConfig), `{"loss":1.5}`, "from 0 to 1"},
	} {
		if err := decode(c.text, c.target, chat.CodeBadParams); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v", c.text, err)
		}
	}
}

func TestDecodeNothing(t *testing.T) {
	for _, text := range []string{"", "{}", " {} ", "null"} {
		if err := decode(text, new(Empty), chat.CodeBadParams); err != nil {
			t.Errorf("%q: %v", text, err)
		}
		wantError(t, decode(text, new(sample), chat.CodeBadParams), chat.CodeBadParams, "text")
	}
	for _, text := range []string{`{"count":null,"text":"x","maybe":null,"key":null,"list":null,"inner":null}`} {
		var s sample
		if err := decode(text, &s, chat.CodeBadParams); err != nil || !reflect.DeepEqual(s, sample{Text: "x"}) {
			t.Errorf("null in optional fields: %v, %+v", err, s)
		}
	}
}

func TestPrivateKey(t *testing.T) {
	var p ImportIdentityParams
	secret := "0x" + strings.Repeat("ab", 32)
	if err := decode(`{"private_key":"`+secret+`"}`, &p, chat.CodeBadParams); err != nil {
		t.Fatal(err)
	}
	if printed := fmt.Sprintf("%v %+v %#v", p, p, p); strings.Contains(printed, "abab") || strings.Contains(printed, "0xab, 0xab") {
		t.Errorf("the private key prints: %s", printed)
	}
	for _, bad := range []string{"", "0x", secret + "00", "0x" + strings.Repeat("00", 32), "0x" + strings.Repeat("ff", 32), "0x" + strings.Repeat("zz", 32)} {
		err := decode(`{"private_key":"`+bad+`"}`, &p, chat.CodeBadParams)
		wantError(t, err, chat.CodeBadKey, "private_key")
		if bad != "" && bad != "0x" && strings.Contains(Failure(err), bad) {
			t.Errorf("the error repeats the key: %s", Failure(err))
		}
	}
}

func TestEnvelope(t *testing.T) {
	if got := Success(map[string]string{"a": "<&>\u2028\x00"}); got != `{"ok":true,"result":{"a":"<&>\u2028\u0000"}}` {
		t.Error(got)
	}
	if got := Success(nil); got != `{"ok":true,"result":null}` {
		t.Error(got)
	}
	err := chat.Errorf(chat.CodeTooLong, "text", "too long").With("max", 4096)
	want := `{"ok":false,"error":{"code":"too_long","category":"message","message":"too long","retryable":false,"field":"text","details":{"max":4096}}}`
	if got := Failure(fmt.Errorf("wrapped: %w", err)); got != want {
		t.Error(got)
	}
	if got := Failure(errors.New("secret detail")); strings.Contains(got, "secret") || !strings.Contains(got, `"code":"internal"`) {
		t.Error(got)
	}
	if got := Failure(chat.Errorf(chat.CodeTimeout, "", "x").With("f", func() {})); !strings.Contains(got, `"code":"timeout"`) || !strings.Contains(got, `"details":{}`) {
		t.Error(got)
	}
	if got := Success(make(chan int)); !strings.Contains(got, `"code":"internal"`) {
		t.Error(got)
	}
}

// Every code that exists is described, and every method names only such codes.
func TestCodes(t *testing.T) {
	known := map[chat.Code]bool{}
	for _, c := range chat.CodeTable {
		if known[c.Code] || c.Meaning == "" || c.Remedy == "" || c.Category == "" {
			t.Errorf("code %s is described twice or not enough", c.Code)
		}
		known[c.Code] = true
	}
	for _, m := range Methods() {
		for _, c := range append(m.Errors, CommonErrors...) {
			if !known[c] {
				t.Errorf("%s names the unknown code %s", m.Name, c)
			}
		}
	}
}

func TestMethodTable(t *testing.T) {
	seen := map[string]bool{}
	for _, m := range Methods() {
		noun, verb, _ := strings.Cut(m.Name, ".")
		if seen[m.Name] || noun == "" || verb == "" || m.Summary == "" {
			t.Errorf("the entry %q is doubled or incomplete", m.Name)
		}
		seen[m.Name] = true
		for _, side := range []reflect.Type{m.Params, m.Result} {
			fieldsOf(side) // panics on a bad tag
		}
		text, err := json.Marshal(reflect.Zero(m.Result).Interface())
		if err != nil || !json.Valid(text) {
			t.Errorf("%s: the result does not marshal: %v", m.Name, err)
		}
	}
}

// The bounds in tags are those of the engine.
func TestBoundsAreTheEngines(t *testing.T) {
	for _, params := range []reflect.Type{reflect.TypeFor[PageParams](), reflect.TypeFor[ListMessagesParams]()} {
		for _, f := range Fields(params) {
			if f.Name == "limit" && f.Bounds.Max != chat.MaxPage {
				t.Errorf("%s: limit goes to %v, the engine to %d", params, f.Bounds.Max, chat.MaxPage)
			}
		}
	}
	for _, f := range Fields(reflect.TypeFor[AckParams]()) {
		if f.Bounds.Max != MaxSafeInteger {
			t.Errorf("up_to goes to %v", f.Bounds.Max)
		}
	}
}

func TestVersionFile(t *testing.T) {
	raw, err := os.ReadFile("../../VERSION")
	if err != nil || strings.TrimSpace(string(raw)) != Version {
		t.Errorf("VERSION has %q, the package %q (%v)", raw, Version, err)
	}
	header, err := os.ReadFile("../../include/status1to1.h")
	if want := fmt.Sprintf("#define STATUS1TO1_ABI_VERSION %du\n", ABIVersion); err != nil || !strings.Contains(string(header), want) {
		t.Errorf("the header lacks %q (%v)", want, err)
	}
}

// FuzzDecode checks that no request makes decoding panic, and that what it
// accepts satisfies the tags.
func FuzzDecode(f *testing.F) {
	for _, s := range []string{
		`{"text":"x","count":3,"share":0.1,"list":["a"],"inner":{"name":"n","items":[{"n":1}]}}`, `{"text":"x","key":"` + aKey + `"}`,
		`{"text":"x","id":"` + anID + `","raw":"` + someRaw + `"}`, `{"text":"x","big":9007199254740992}`, `{"text":"x","count":-0}`, `[]`,
	} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) {
		var s sample
		if decode(text, &s, chat.CodeBadParams) != nil {
			return
		}
		if s.Count < 0 || s.Count > 10 || s.Share < 0 || s.Share > 1 || len(s.List) > maxItems ||
			s.Big > MaxSafeInteger || s.Big < -MaxSafeInteger || (s.Key != nil && s.Key.IsZero()) {
			t.Fatalf("%q gave %+v", text, s)
		}
	})
}

// A string of a closed set is one of its values; "" is a value of none, but stands for an
// optional field that is left out.
func TestBindSets(t *testing.T) {
	for params, field := range map[string]string{
		`{"text":"x","level":"l"}`: "level", `{"text":"x","level":"LM"}`: "level", `{"text":"x","format":"gif"}`: "format",
		`{"text":"x","level":"H","format":"svg"}`: "", `{"text":"x","level":"","format":null}`: "",
	} {
		var p QRParams
		err := decode(params, &p, chat.CodeBadParams)
		if field == "" {
			if err != nil {
				t.Errorf("%s: %v", params, err)
			}
			continue
		}
		wantError(t, err, chat.CodeBadParams, field)
		var bad *chat.Error
		if !errors.As(err, &bad) || len(bad.Details["values"].([]string)) < 3 {
			t.Errorf("%s: the values are not named: %v", params, bad.Details)
		}
	}
	for field, params := range map[string]string{"style": `{"key":"` + aKey + `","style":"x"}`, "format": `{"key":"` + aKey + `","format":"terminal"}`} {
		var p IdenticonParams
		wantError(t, decode(params, &p, chat.CodeBadParams), chat.CodeBadParams, field)
	}
	var p SetPresenceParams
	wantError(t, decode(`{"status":""}`, &p, chat.CodeBadParams), chat.CodeBadParams, "status")
}
