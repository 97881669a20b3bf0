package store

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/binary"
	"hash"
	"io"
	"maps"
	"sync"
	"sync/atomic"

	"golang.org/x/crypto/chacha20poly1305"

	"libstatus1to1/chat/port"
	"libstatus1to1/chat/protocol/key"
)

// Sizes in bytes.
const (
	nonceSize  = chacha20poly1305.NonceSizeX
	sealGrowth = nonceSize + chacha20poly1305.Overhead // what sealing adds
	hashedSize = 16                                    // keyed hashes on disk
)

// The kinds of things that have a bucket. They also separate the keyed hashes.
const (
	kindTable   = 't'
	kindQueue   = 'q'
	kindHistory = 'h'
	kindRecord  = 'r' // not a bucket: the key of a record in a table
)

// bucketID is the name of a bucket on disk.
type bucketID string

// crypt seals, opens and names records under the data key. Safe for concurrent use.
type crypt struct {
	aead   cipher.AEAD
	tracer cipher.Block // of traces: freshness.go
	rooms  sync.Pool    // of *[]byte: plaintexts nobody sees
	macs   sync.Pool    // of hash.Hash: HMAC-SHA256 under the name key
	rand   io.Reader
	// known are the bucketIDs of tables and queues; the map is replaced, not changed.
	known atomic.Pointer[map[kindName]bucketID]
}

type kindName struct {
	kind byte
	name string
}

// newCrypt derives the three keys in use from the data key by HKDF-SHA256.
func newCrypt(data key.Secret, rand io.Reader) (*crypt, error) {
	recordKey, err := hkdf.Key(sha256.New, data[:], nil, "status1to1 store records", chacha20poly1305.KeySize)
	if err != nil {
		return nil, err
	}
	nameKey, err := hkdf.Key(sha256.New, data[:], nil, "status1to1 store names", sha256.Size)
	if err != nil {
		return nil, err
	}
	aead, err := chacha20poly1305.NewX(recordKey)
	if err != nil {
		return nil, err
	}
	traceKey, err := hkdf.Key(sha256.New, data[:], nil, "status1to1 store traces", 16)
	if err != nil {
		return nil, err
	}
	tracer, err := aes.NewCipher(traceKey)
	if err != nil {
		return nil, err
	}
	c := &crypt{aead: aead, tracer: tracer, rand: rand}
	c.rooms.New = func() any { return new([]byte) }
	c.macs.New = func() any { return hmac.New(sha256.New, nameKey) }
	return c, nil
}

// bucket is the disk name of a table, queue or history.
func (c *crypt) bucket(kind byte, name string) bucketID {
	if kind == kindHistory { // unbounded in number, so not cached
		return bucketID(c.hash(kind, "", []byte(name)))
	}
	known := c.known.Load()
	if known != nil {
		if id, ok := (*known)[kindName{kind, name}]; ok {
			return id
		}
	}
	id := bucketID(c.hash(kind, "", []byte(name)))
	more := map[kindName]bucketID{{kind, name}: id}
	if known != nil {
		maps.Copy(more, *known)
	}
	c.known.CompareAndSwap(known, &more) // what another goroutine adds meanwhile is added again
	return id
}

// recordKey is the disk key of the record key in a table, which has bucket id: a
// keyed hash, or of a numbered table the number.
func (c *crypt) recordKey(id bucketID, table port.Table, key []byte) []byte {
	if table.Numbered() && len(key) == numberSize {
		return copied(key)
	}
	return c.hash(kindRecord, id, key)
}

// hash is HMAC-SHA256(kind || scope || text), cut. scope is empty or of hashedSize,
// depending on kind, so that the input is read in one way only.
func (c *crypt) hash(kind byte, scope bucketID, text []byte) []byte {
	h := c.macs.Get().(hash.Hash)
	defer c.macs.Put(h)
	h.Reset()
	var buf [64]byte
	head := append(append(buf[:0], kind), scope...)
	h.Write(head)
	h.Write(text)
	return h.Sum(buf[:0])[:hashedSize:hashedSize]
}

// seal encrypts plain for the place (id, diskKey).
func (c *crypt) seal(id bucketID, diskKey, plain []byte) ([]byte, error) {
	box := make([]byte, nonceSize, sealGrowth+len(plain))
	if _, err := io.ReadFull(c.rand, box); err != nil {
		return nil, ioError("reading randomness", err)
	}
	return c.aead.Seal(box, box, plain, place(id, diskKey)), nil
}

// open decrypts what seal made for the same place. ok is false when it did not.
// plain is never nil, when ok.
func (c *crypt) open(id bucketID, diskKey, box []byte) (plain []byte, ok bool) {
	if len(box) < sealGrowth || len(box) > maxRecord+2*sealGrowth {
		return nil, false
	}
	plain, err := c.aead.Open([]byte{}, box[:nonceSize], box[nonceSize:], place(id, diskKey))
	return plain, err == nil
}

// authentic reports whether open would succeed.
func (c *crypt) authentic(id bucketID, diskKey, box []byte) bool {
	if len(box) < sealGrowth || len(box) > maxRecord+2*sealGrowth {
		return false
	}
	room := c.rooms.Get().(*[]byte)
	defer func() {
		clear((*room)[:cap(*room)])
		c.rooms.Put(room)
	}()
	var placeRoom [64]byte
	at := append(append(placeRoom[:0], id...), diskKey...)
	plain, err := c.aead.Open((*room)[:0], box[:nonceSize], box[nonceSize:], at)
	if err == nil && cap(plain) <= authenticRoom {
		*room = plain[:0]
	}
	return err == nil
}

// authenticRoom bounds what is kept for authentic: most records are smaller.
const authenticRoom = 4096

// place is the associated data of a record. Bucket names are hashedSize long,
// save "header" and "index", and none begins another.
func place(id bucketID, diskKey []byte) []byte {
	return append(append(make([]byte, 0, len(id)+len(diskKey)), id...), diskKey...)
}

// packRecord is the plaintext of a table record: the length of its clear key, the
// key, and the value.
func packRecord(key, value []byte) []byte {
	return appendRecord(make([]byte, 0, recordSize(key, value)), key, value)
}

func appendRecord(b, key, value []byte) []byte {
	b = binary.AppendUvarint(b, uint64(len(key)))
	return append(append(b, key...), value...)
}

// recordSize is the largest size packRecord needs.
func recordSize(key, value []byte) int { return binary.MaxVarintLen16 + len(key) + len(value) }

// unpackRecord splits the plaintext of a table record.
func unpackRecord(plain []byte) (key, value []byte, ok bool) {
	size, n := binary.Uvarint(plain)
	if n <= 0 || size > uint64(len(plain)-n) {
		return nil, nil, false
	}
	split := n + int(size)
	return plain[n:split:split], plain[split:], true
}

// positionSize is the plaintext of a history record: clock (big-endian), id.
const positionSize = 8 + 32

func packPosition(p port.Position) []byte {
	return appendPosition(make([]byte, 0, positionSize), p)
}

func appendPosition(b []byte, p port.Position) []byte {
	b = binary.BigEndian.AppendUint64(b, p.Clock)
	return append(b, p.ID[:]...)
}

func unpackPosition(plain []byte) (p port.Position, ok bool) {
	if len(plain) != positionSize {
		return p, false
	}
	p.Clock = binary.BigEndian.Uint64(plain)
	copy(p.ID[:], plain[8:])
	return p, true
}

// numberSize is the size of a queue's ordinal, a history's label and a key of a
// numbered table on disk. No keyed hash is as short.
const numberSize = 8

// number is the disk key of a queue's ordinal or a history's label.
func number(n uint64) []byte { return binary.BigEndian.AppendUint64(make([]byte, 0, numberSize), n) }
