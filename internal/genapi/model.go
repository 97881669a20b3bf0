package main

import (
	"fmt"
	"reflect"
	"regexp"
	"sort"
	"strings"

	"libstatus1to1/chat/api"
	"libstatus1to1/chat/event"
)

// object describes a struct type of the API.
type object struct {
	name   string
	doc    string
	fields []member
}

// member describes a field of an object.
type member struct {
	api.FieldSpec
	doc string
	// enum is the closed set that the field is of, or the items of the list are; nil for others.
	enum *enumeration
	// sensitive: the value is a secret, or shows one.
	sensitive bool
}

// model has everything that the outputs are made from.
type model struct {
	docs    docs
	methods []api.Method
	events  []event.Event
	enums   []enumeration           // every closed set, by name
	objects map[reflect.Type]object // every struct type that is used
	names   map[string]reflect.Type
	// examples are read after the rest.
	examples examplesOf
	counted  map[reflect.Type]int // what uses gives, once it was asked
}

// newModel collects the types behind methods, events and configuration.
func newModel(d docs, declared []enumeration) (*model, error) {
	m := &model{docs: d, methods: api.Methods(), events: event.All, objects: map[reflect.Type]object{}, names: map[string]reflect.Type{}}
	m.addEnums(declared)
	for _, method := range m.methods {
		for _, t := range []reflect.Type{method.Params, method.Result} {
			if err := m.add(t); err != nil {
				return nil, fmt.Errorf("%s: %w", method.Name, err)
			}
		}
	}
	for _, e := range m.events {
		if err := m.add(reflect.TypeOf(e)); err != nil {
			return nil, fmt.Errorf("event %s: %w", e.Type(), err)
		}
	}
	for _, t := range []reflect.Type{reflect.TypeFor[api.Config](), reflect.TypeFor[api.ErrorBody](), reflect.TypeFor[api.OpenResult](), reflect.TypeFor[api.Info]()} {
		if err := m.add(t); err != nil {
			return nil, err
		}
	}
	return m, nil
}

// add records a struct type and those inside it; other types it looks through.
func (m *model) add(t reflect.Type) error {
	switch t.Kind() {
	case reflect.Pointer, reflect.Slice, reflect.Map:
		return m.add(t.Elem())
	case reflect.Struct:
	default:
		return nil
	}
	if _, known := m.objects[t]; known || isText(t) {
		return nil
	}
	name := schemaName(t)
	if other, taken := m.names[name]; taken {
		return fmt.Errorf("two types are called %s: %s and %s", name, nameOf(t), nameOf(other))
	}
	o := object{name: name, doc: m.docs.ofType(t)}
	if o.doc == "" {
		return fmt.Errorf("%s has no doc comment", nameOf(t))
	}
	for _, f := range api.Fields(t) {
		o.fields = append(o.fields, member{f, inJSON(m.docs.ofField(t, f.GoName), f, t), m.enumOf(f.Type), f.Sensitive})
	}
	m.objects[t], m.names[name] = o, t
	for _, f := range o.fields {
		if err := m.add(f.Type); err != nil {
			return err
		}
	}
	return nil
}

// schemaName is the name of a struct type outside of Go. The data of an event is told apart
// from what it is about, and from names that languages have themselves.
func schemaName(t reflect.Type) string {
	if t.Implements(reflect.TypeFor[event.Event]()) {
		return t.Name() + "Event"
	}
	return t.Name()
}

// inJSON is the doc comment of a field of t as readers of JSON need it: fields are
// called by the names they have there. A Go name of one word may be an English word
// anywhere but at the start.
func inJSON(doc string, f api.FieldSpec, t reflect.Type) string {
	if rest, ok := strings.CutPrefix(doc, f.GoName); ok && strings.IndexAny(rest, " :,") == 0 {
		doc = f.Name + rest
	}
	for _, other := range api.Fields(t) {
		if camelCase.MatchString(other.GoName) {
			doc = regexp.MustCompile(`\b`+other.GoName+`\b`).ReplaceAllString(doc, other.Name)
		}
	}
	return doc
}

// ofEvent is the comment of an event, under the name it has in JSON.
func (m *model) ofEvent(e event.Event) string {
	t := reflect.TypeOf(e)
	return e.Type() + strings.TrimPrefix(m.docs.ofType(t), t.Name())
}

// camelCase matches a name that can only be one of Go's: of several words.
var camelCase = regexp.MustCompile(`\b[A-Z][a-z]+[0-9]*[A-Z][A-Za-z0-9]*\b`)

// sortedObjects lists the object types by name.
func (m *model) sortedObjects() []object {
	all := make([]object, 0, len(m.objects))
	for _, o := range m.objects {
		all = append(all, o)
	}
	sort.Slice(all, func(i, j int) bool { return all[i].name < all[j].name })
	return all
}

// texts are the struct and array types that are a string in JSON, with what the
// string looks like.
var texts = map[reflect.Type]struct{ pattern, hint string }{
	reflect.TypeFor[api.Key]():          {"^(0x)?[0-9a-fA-F]+$|^[bBcCfFkKmMtTuUvVzZ🚀]|^(https://status[.]app|status-app:/)/u[#/]", "key"},
	reflect.TypeFor[api.PrivateKey]():   {"^0x[0-9a-fA-F]{64}$", "private key"},
	reflect.TypeFor[api.MessageID]():    {"^0x[0-9a-f]{64}$", "message id"},
	reflect.TypeFor[api.AttachmentID](): {"^0x[0-9a-f]{64}$", "attachment id"},
	reflect.TypeFor[api.StoreKey]():     {"^[A-Za-z0-9+/]{43}=$", "base64"},

	reflect.TypeFor[api.PictureBytes](): {"^[A-Za-z0-9+/]*={0,2}$", "base64"},
	reflect.TypeFor[api.Data]():         {"^[A-Za-z0-9+/]*={0,2}$", "base64"},
	reflect.TypeFor[api.EnvelopeID]():   {"^0x[0-9a-f]{64}$", "envelope id"},
	reflect.TypeFor[api.Nanoseconds]():  {"^[0-9]{1,19}$", "nanoseconds"},
	reflect.TypeFor[api.PairingID]():    {"^0x[0-9a-f]{32}$", "pairing id"},
	reflect.TypeFor[api.SyncID]():       {"^0x[0-9a-f]{50}$", "sync id"},
	reflect.TypeFor[api.TransferID]():   {"^0x[0-9a-f]{50}$", "transfer id"},
}

func isText(t reflect.Type) bool { _, ok := texts[t]; return ok }

// isBytes reports whether t is bytes, which Go writes as standard base64.
func isBytes(t reflect.Type) bool {
	return t.Kind() == reflect.Slice && t.Elem().Kind() == reflect.Uint8
}
