package store_test

import (
	"fmt"
	"log"
	"os"
	"path/filepath"

	"libstatus1to1/chat/port"
	"libstatus1to1/store"
)

// A file store keeps what a transaction wrote, encrypted, and opens again with the same
// passphrase only.
func ExampleOpen() {
	directory, err := os.MkdirTemp("", "store")
	if err != nil {
		log.Fatal(err)
	}
	defer os.RemoveAll(directory)
	options := store.Options{Path: filepath.Join(directory, "alice.db"), Passphrase: "correct horse"}

	s, err := store.Open(options)
	if err != nil {
		log.Fatal(err)
	}
	err = s.Update(func(tx port.Tx) error {
		return tx.Put("notes", []byte("greeting"), []byte("Hello"))
	})
	if err != nil {
		log.Fatal(err)
	}
	if err := s.Close(); err != nil {
		log.Fatal(err)
	}

	wrong := options
	wrong.Passphrase = "battery staple"
	_, err = store.Open(wrong)
	fmt.Println(port.CodeOf(err))

	s, err = store.Open(options)
	if err != nil {
		log.Fatal(err)
	}
	defer s.Close()
	err = s.View(func(tx port.Tx) error {
		value, err := tx.Get("notes", []byte("greeting"))
		fmt.Printf("%s\n", value)
		return err
	})
	if err != nil {
		log.Fatal(err)
	}

	// Output:
	// wrong_passphrase
	// Hello
}

// A transaction that fails leaves nothing behind. Memory gives a store for tests that
// behaves like a file.
func ExampleMemory() {
	s := store.Memory()
	defer s.Close()

	err := s.Update(func(tx port.Tx) error {
		if err := tx.Put("notes", []byte("greeting"), []byte("Hello")); err != nil {
			return err
		}
		return fmt.Errorf("something else went wrong")
	})
	fmt.Println(err)

	err = s.View(func(tx port.Tx) error {
		value, err := tx.Get("notes", []byte("greeting"))
		fmt.Println("found:", value != nil)
		return err
	})
	if err != nil {
		log.Fatal(err)
	}

	// Output:
	// something else went wrong
	// found: false
}
