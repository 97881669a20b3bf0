// Package api is the JSON face of the engine: the table of methods, strict
// reading of requests, the response envelope, error codes and the registry of
// handles. It has no cgo in it, so that the C library, other front ends and the
// tests share one dispatcher.
//
// Everything a host may rely on is generated from this package into
// schema_gen.json, docs/c-api.md and the wrappers of include/status1to1.h: the
// method table, and the doc comments of the parameter and result types.
package api

//go:generate go run libstatus1to1/internal/genapi
