// Package enum has the closed sets of strings of the JSON API, a type each: states, kinds,
// causes, choices. Their constants and the comments of both are the one source of them:
// internal/genapi makes the table of values that requests are checked against, the schema,
// the reference and the types of the bindings from these files. A later version may add
// values to what answers and events have.
package enum

import "reflect"

// Values returns the values of a closed set, in their order, or nil for another type.
func Values(t reflect.Type) []string { return values[t] }
