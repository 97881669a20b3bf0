//go:build !linux

package main

import (
	"fmt"
	"os"
)

func main() {
	fmt.Println("soak: left out: it runs on Linux only")
	os.Exit(0)
}
