package api

import (
	"fmt"
	"reflect"
	"slices"
	"strconv"
	"strings"
)

// Bounds are the least and the largest value of a number, both allowed.
type Bounds struct{ Min, Max float64 }

// FieldSpec describes one member of a parameter, result, configuration or event
// type, for the generators of schema and documentation.
type FieldSpec struct {
	Name     string // on the JSON side
	GoName   string
	Type     reflect.Type
	Optional bool
	Nullable bool    // it is always there, and null where there is nothing
	Bounds   *Bounds // nil: none
	// Sensitive: the value is a secret, or shows one: it belongs into no log and no history.
	Sensitive bool
}

// secrets are the types whose values are sensitive wherever they stand.
var secrets = []reflect.Type{reflect.TypeFor[Secret](), reflect.TypeFor[PrivateKey](), reflect.TypeFor[StoreKey](), reflect.TypeFor[*StoreKey]()}

// Fields lists the members of a struct type in their order.
func Fields(t reflect.Type) []FieldSpec {
	specs := fieldsOf(t)
	out := make([]FieldSpec, len(specs.all))
	for i, s := range specs.all {
		f := t.Field(s.index)
		_, marked := f.Tag.Lookup("nullable")
		nullable := !s.optional && (marked || f.Type.Kind() == reflect.Pointer)
		out[i] = FieldSpec{Name: s.name, GoName: f.Name, Type: f.Type, Optional: s.optional, Nullable: nullable, Bounds: s.bounds, Sensitive: slices.Contains(secrets, f.Type)}
	}
	return out
}

// fieldSpec describes a struct field by its tags.
type fieldSpec struct {
	name     string
	index    int
	optional bool
	bounds   *Bounds
}

// fieldSpecs are the fields of one struct type.
type fieldSpecs struct {
	all    []fieldSpec
	byName map[string]fieldSpec
}

// fieldsOf reads the tags of a struct type. A malformed tag is a defect of this
// package that every test finds, so it panics.
func fieldsOf(t reflect.Type) fieldSpecs {
	specs := fieldSpecs{byName: map[string]fieldSpec{}}
	for i := range t.NumField() {
		f := t.Field(i)
		name, options, _ := strings.Cut(f.Tag.Get("json"), ",")
		if name == "" {
			panic(fmt.Sprintf("api: field %s of %s has no json name", f.Name, t))
		}
		s := fieldSpec{name: name, index: i, optional: strings.Contains(options, "omitempty"), bounds: boundsOf(f)}
		specs.all = append(specs.all, s)
		specs.byName[name] = s
	}
	return specs
}

// boundsOf reads a range tag such as `range:"1..200"`.
func boundsOf(f reflect.StructField) *Bounds {
	tag, ok := f.Tag.Lookup("range")
	if !ok {
		return nil
	}
	low, high, _ := strings.Cut(tag, "..")
	lo, err := strconv.ParseFloat(low, 64)
	hi, err2 := strconv.ParseFloat(high, 64)
	if err != nil || err2 != nil || lo > hi {
		panic(fmt.Sprintf("api: field %s has a bad range %q", f.Name, tag))
	}
	return &Bounds{lo, hi}
}
