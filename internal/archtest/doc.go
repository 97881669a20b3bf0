// Package archtest holds the tests that keep the architecture: which package may
// import which, what the protocol packages may not touch, and how long a file may
// get. It has no code of its own.
package archtest
