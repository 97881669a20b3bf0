// Command cmd is `make soak`: see package soak. It runs on Linux, where a child can be
// told to die with its parent.
package main
