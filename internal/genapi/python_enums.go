package main

import "reflect"

type pyEnum struct{ name, text string }

func (m *model) pythonEnumOf(t reflect.Type) string                          { return "" }
func (m *model) pythonEnum(t reflect.Type, name string, request bool) string { return name }
func (m *model) pythonEnums() []pyEnum                                       { return nil }
func (m *model) isSensitive(f member) bool                                   { return f.sensitive }
