package api

import (
	"encoding/json"
	"errors"
	"io"
	"strings"
	"unicode/utf8"

	"libstatus1to1/chat"
)

// What a request may be at most.
const (
	// MaxRequest is the largest size of one JSON text given to the library, in bytes.
	// The largest sensible request, apart from a transfer, is a message of 4096 code
	// points that are all escaped (48 KiB); the rest is room for later versions.
	MaxRequest = 1 << 20
	// MaxLargeRequest bounds the parameters of a method that takes bytes:
	// chat.MaxTransferBytes in base64, and room for the rest.
	MaxLargeRequest = (chat.MaxTransferBytes+2)/3*4 + 1<<14
	// MaxDepth bounds how deep objects and arrays nest. The configuration, the
	// deepest request there is, has three levels.
	MaxDepth = 16
	// maxNamed bounds how much of a field's name an error repeats, bytes.
	maxNamed = 64
)

// kind is the kind of a JSON value, as errors call it.
type kind string

const (
	kindNull   kind = "null"
	kindBool   kind = "a boolean"
	kindNumber kind = "a number"
	kindString kind = "a string"
	kindArray  kind = "an array"
	kindObject kind = "an object"
)

// value is one JSON value as it was written: numbers keep their digits, objects
// their order.
type value struct {
	kind   kind
	flag   bool    // of a boolean
	text   string  // of a string, or the digits of a number
	items  []value // of an array
	fields []field // of an object
}

// field is one member of an object.
type field struct {
	name  string
	value value
}

// parse reads text, which must be exactly one JSON value in valid UTF-8 without
// lone surrogates and without doubled fields. Failures are bad_json, or
// unknown_field for a doubled field.
func parse(text string) (value, error) { return parseUpTo(text, MaxRequest) }

// parseUpTo is parse for a text of at most limit bytes. It has no more values than one of
// MaxRequest can have, since each is many times larger in memory.
func parseUpTo(text string, limit int) (value, error) {
	if len(text) > limit {
		return value{}, chat.Errorf(chat.CodeBadJSON, "", "the text has %d bytes; the most is %d", len(text), limit).With("max", limit)
	}
	if len(text) > MaxRequest && strings.Count(text, ",")+strings.Count(text, "[") > MaxRequest/2 {
		return value{}, chat.Errorf(chat.CodeBadJSON, "", "the text has too many values")
	}
	if !utf8.ValidString(text) {
		return value{}, chat.Errorf(chat.CodeBadJSON, "", "the text is not valid UTF-8")
	}
	if err := wellFormed(text); err != nil {
		return value{}, err
	}
	d := json.NewDecoder(strings.NewReader(text))
	d.UseNumber()
	v, err := build(d, "", 0)
	if err != nil {
		return value{}, err
	}
	return v, nil
}

// wellFormed checks the grammar, that nothing follows the value, and that every
// \u escape of a surrogate has its other half.
func wellFormed(text string) error {
	var whole json.RawMessage
	if err := json.Unmarshal([]byte(text), &whole); err != nil {
		bad := chat.Errorf(chat.CodeBadJSON, "", "the text is not one valid JSON value")
		if syntax := (*json.SyntaxError)(nil); errors.As(err, &syntax) {
			bad = bad.With("offset", syntax.Offset)
		}
		return bad
	}
	if at := loneSurrogate(text); at >= 0 {
		return chat.Errorf(chat.CodeBadJSON, "", "a \\u escape is half of a surrogate pair").With("offset", at)
	}
	return nil
}

// loneSurrogate returns the position at which valid JSON text escapes half of a
// surrogate pair, or -1. Go would replace it with U+FFFD and lose what the caller
// meant.
func loneSurrogate(text string) int {
	for i := 0; i < len(text); i++ {
		if text[i] != '\\' {
			continue
		}
		if text[i+1] != 'u' {
			i++ // the escaped character, which may be a backslash
			continue
		}
		switch unit := text[i+2 : i+6]; {
		case isLow(unit):
			return i
		case !isHigh(unit):
			i += 5
		case !strings.HasPrefix(text[i+6:], `\u`) || !isLow(text[i+8:i+12]):
			return i
		default:
			i += 11
		}
	}
	return -1
}

// isHigh and isLow look at the four hex digits of a \u escape: D800..DBFF and
// DC00..DFFF.
func isHigh(unit string) bool {
	return (unit[0] == 'd' || unit[0] == 'D') && strings.IndexByte("89abAB", unit[1]) >= 0
}

func isLow(unit string) bool {
	return (unit[0] == 'd' || unit[0] == 'D') && strings.IndexByte("cdefCDEF", unit[1]) >= 0
}

// build reads the next value of d, which stands at path.
func build(d *json.Decoder, path string, depth int) (value, error) {
	if depth > MaxDepth {
		return value{}, chat.Errorf(chat.CodeBadJSON, "", "the JSON nests deeper than %d levels", MaxDepth).With("max", MaxDepth)
	}
	token, err := d.Token()
	if err != nil {
		if err == io.EOF {
			err = io.ErrUnexpectedEOF
		}
		return value{}, chat.Errorf(chat.CodeBadJSON, "", "the text is not one valid JSON value").Because(err)
	}
	switch t := token.(type) {
	case bool:
		return value{kind: kindBool, flag: t}, nil
	case json.Number:
		return value{kind: kindNumber, text: t.String()}, nil
	case string:
		return value{kind: kindString, text: t}, nil
	case json.Delim:
		if t == '[' {
			return buildArray(d, path, depth)
		}
		return buildObject(d, path, depth)
	}
	return value{kind: kindNull}, nil
}

// buildArray reads the rest of an array. parse has checked the grammar, so the
// closing bracket is there.
func buildArray(d *json.Decoder, path string, depth int) (value, error) {
	v := value{kind: kindArray}
	for d.More() {
		item, err := build(d, element(path, len(v.items)), depth+1)
		if err != nil {
			return value{}, err
		}
		v.items = append(v.items, item)
	}
	_, err := d.Token()
	return v, err
}

// buildObject reads the rest of an object and refuses a name that comes twice.
func buildObject(d *json.Decoder, path string, depth int) (value, error) {
	v := value{kind: kindObject}
	seen := map[string]bool{}
	for d.More() {
		token, err := d.Token()
		if err != nil {
			return value{}, err
		}
		name, _ := token.(string)
		at := member(path, name)
		if seen[name] {
			return value{}, chat.Errorf(chat.CodeUnknownField, at, "the field stands twice")
		}
		seen[name] = true
		item, err := build(d, at, depth+1)
		if err != nil {
			return value{}, err
		}
		v.fields = append(v.fields, field{name: name, value: item})
	}
	_, err := d.Token()
	return v, err
}
