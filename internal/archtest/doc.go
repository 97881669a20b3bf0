// Package archtest holds the tests that keep the architecture: which package may
// import which, what the protocol packages may not touch, who may hold the engine's
// lock, how long a file may get, and that what the documents say of the code is true.
// It has no code of its own.
package archtest
