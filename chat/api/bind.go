package api

import (
	"fmt"
	"reflect"
	"slices"
	"strconv"
	"strings"

	"libstatus1to1/chat"
	"libstatus1to1/chat/enum"
)

const (
	// MaxSafeInteger is the largest whole number every JSON reader keeps exact:
	// 2^53 - 1. Larger ones are refused.
	MaxSafeInteger = 1<<53 - 1
	// maxItems bounds a list inside a request: configured peers and addresses,
	// of which more than a handful is a mistake.
	maxItems = 256
)

// textual is implemented by parameter types that are written as a JSON string:
// keys, ids, bytes. setText reports what is wrong without repeating the text.
type textual interface {
	setText(s string) *chat.Error
}

// decode reads text strictly into target, a pointer to a struct. "" and null
// stand for {}. What does not fit the struct is an error with code bad
// (bad_params or bad_config) naming the field.
//
// A struct's fields are its members by their json names, exactly. A field tagged
// omitempty is optional, and null leaves it out; all others are required. A tag
// `range:"1..200"` bounds a number, both ends included.
func decode(text string, target any, bad chat.Code) error {
	return decodeUpTo(text, MaxRequest, target, bad)
}

// decodeUpTo is decode for a text of at most limit bytes.
func decodeUpTo(text string, limit int, target any, bad chat.Code) error {
	if text == "" {
		text = "{}"
	}
	v, err := parseUpTo(text, limit)
	if err != nil {
		return err
	}
	if v.kind == kindNull {
		v = value{kind: kindObject}
	}
	return binder{bad}.bind("", v, reflect.ValueOf(target).Elem())
}

// binder fills Go values from JSON values; code is the error code for values that do
// not fit.
type binder struct{ bad chat.Code }

// bind stores v, which stands at path, in target.
func (b binder) bind(path string, v value, target reflect.Value) error {
	if t, ok := target.Addr().Interface().(textual); ok {
		return b.bindText(path, v, t)
	}
	switch target.Kind() {
	case reflect.Pointer:
		target.Set(reflect.New(target.Type().Elem()))
		return b.bind(path, v, target.Elem())
	case reflect.Struct:
		return b.bindStruct(path, v, target)
	case reflect.Slice:
		return b.bindSlice(path, v, target)
	case reflect.String:
		if v.kind != kindString {
			return b.misfit(path, kindString, v)
		}
		target.SetString(v.text)
	case reflect.Bool:
		if v.kind != kindBool {
			return b.misfit(path, kindBool, v)
		}
		target.SetBool(v.flag)
	case reflect.Int, reflect.Int64:
		n, err := b.wholeNumber(path, v)
		if err != nil {
			return err
		}
		target.SetInt(n)
	case reflect.Float64:
		f, err := strconv.ParseFloat(v.text, 64)
		if v.kind != kindNumber || err != nil {
			return b.misfit(path, kindNumber, v)
		}
		target.SetFloat(f)
	default:
		return chat.Errorf(chat.CodeInternal, path, "no way to read a %s", target.Type())
	}
	return nil
}

// bindText hands a string to a type that reads it itself.
func (b binder) bindText(path string, v value, target textual) error {
	if v.kind != kindString {
		return b.misfit(path, kindString, v)
	}
	if err := target.setText(v.text); err != nil {
		err.Field = path
		if err.Code == chat.CodeBadParams {
			err.Code = b.bad
		}
		return err
	}
	return nil
}

// bindStruct fills a struct from an object: no name the struct does not have,
// and no required one missing.
func (b binder) bindStruct(path string, v value, target reflect.Value) error {
	if v.kind != kindObject {
		return b.misfit(path, kindObject, v)
	}
	specs := fieldsOf(target.Type())
	given := map[string]bool{}
	for _, f := range v.fields {
		at := member(path, f.name)
		spec, ok := specs.byName[f.name]
		if !ok {
			return chat.Errorf(chat.CodeUnknownField, at, "there is no such field")
		}
		if f.value.kind == kindNull && spec.optional {
			continue
		}
		given[f.name] = true
		if err := b.bind(at, f.value, target.Field(spec.index)); err != nil {
			return err
		}
		if err := b.inRange(at, spec, target.Field(spec.index)); err != nil {
			return err
		}
		if err := b.inSet(at, spec, target.Field(spec.index)); err != nil {
			return err
		}
	}
	for _, spec := range specs.all {
		if !spec.optional && !given[spec.name] {
			return chat.Errorf(b.bad, member(path, spec.name), "the field is required")
		}
	}
	return nil
}

// bindSlice fills a slice from an array.
func (b binder) bindSlice(path string, v value, target reflect.Value) error {
	if v.kind != kindArray {
		return b.misfit(path, kindArray, v)
	}
	if len(v.items) > maxItems {
		return chat.Errorf(b.bad, path, "the list has %d items; the most is %d", len(v.items), maxItems)
	}
	list := reflect.MakeSlice(target.Type(), len(v.items), len(v.items))
	for i, item := range v.items {
		if err := b.bind(element(path, i), item, list.Index(i)); err != nil {
			return err
		}
	}
	target.Set(list)
	return nil
}

// wholeNumber reads a number that is written without fraction and exponent and
// that every JSON reader keeps exact.
func (b binder) wholeNumber(path string, v value) (int64, error) {
	if v.kind != kindNumber {
		return 0, b.misfit(path, "a whole number", v)
	}
	n, err := strconv.ParseInt(v.text, 10, 64)
	if err != nil || n > MaxSafeInteger || n < -MaxSafeInteger {
		return 0, chat.Errorf(b.bad, path, "must be a whole number below 2^53, without fraction and exponent")
	}
	return n, nil
}

// inRange checks a number (or optional number) against its range tag.
func (b binder) inRange(path string, spec fieldSpec, target reflect.Value) error {
	if spec.bounds == nil {
		return nil
	}
	if target.Kind() == reflect.Pointer {
		target = target.Elem()
	}
	n := float64(0)
	if target.CanInt() {
		n = float64(target.Int())
	} else {
		n = target.Float()
	}
	// Written so that NaN is out of range too.
	if !(n >= spec.bounds.Min && n <= spec.bounds.Max) {
		return chat.Errorf(b.bad, path, "must be from %s to %s", plainNumber(spec.bounds.Min), plainNumber(spec.bounds.Max)).
			With("min", spec.bounds.Min).With("max", spec.bounds.Max)
	}
	return nil
}

// inSet checks a string of a closed set. "" stands for an optional field that is left out.
func (b binder) inSet(path string, spec fieldSpec, target reflect.Value) error {
	values := enum.Values(target.Type())
	if values == nil || target.String() == "" && spec.optional || slices.Contains(values, target.String()) {
		return nil
	}
	return chat.Errorf(b.bad, path, `must be one of "%s"`, strings.Join(values, `", "`)).With("values", values)
}

// plainNumber is a bound without exponent.
func plainNumber(f float64) string { return strconv.FormatFloat(f, 'f', -1, 64) }

// misfit is the error for a value of the wrong kind.
func (b binder) misfit(path string, want kind, got value) error {
	if path == "" {
		return chat.Errorf(b.bad, "", "must be %s, not %s", want, got.kind)
	}
	return chat.Errorf(b.bad, path, "must be %s, not %s", want, got.kind)
}

// member is the path of a field below path, its name shortened if it is absurd.
func member(path, name string) string {
	if len(name) > maxNamed {
		name = strings.ToValidUTF8(name[:maxNamed], "") + "..."
	}
	if path == "" {
		return name
	}
	return path + "." + name
}

// element is the path of an item of the list at path.
func element(path string, i int) string { return fmt.Sprintf("%s[%d]", path, i) }
