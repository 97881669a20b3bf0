// Package crashtest kills whole processes: two clients, each with its own file
// store and go-waku node, are killed with SIGKILL while they write to each other,
// at random moments and at the engine's named points (chat.ProbePoints). It has
// tests only.
package crashtest
