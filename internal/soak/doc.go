// Package soak proves over real parts that nothing is lost: two clients and the service
// nodes between them are processes of their own, connected through proxies, and are killed,
// stopped, cut off and slowed down by a plan made from a seed while they write to each
// other. Each message that was accepted must then be there exactly once, in its sender's
// order, and its sender must know that it was delivered.
//
// `make soak` runs it; internal/soak/cmd is the program.
package soak
