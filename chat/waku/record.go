package waku

import (
	"reflect"
	"unsafe"

	"github.com/ethereum/go-ethereum/p2p/enode"
	"github.com/waku-org/go-waku/waku/v2/node"
)

// recordField is where go-waku keeps the record of a node (its ENR).
const recordField = "localNode"

// closeRecord closes the database in memory that go-waku opens for a node's record
// and never closes: five goroutines and their buffers for every node of a process
// that ever ran. Nothing exported leads to it. A go-waku that keeps it elsewhere is
// left alone; the leak tests then say so.
func closeRecord(n *node.WakuNode) {
	field := reflect.ValueOf(n).Elem().FieldByName(recordField)
	if !field.IsValid() || field.Type() != reflect.TypeFor[*enode.LocalNode]() {
		return
	}
	record := *(**enode.LocalNode)(unsafe.Pointer(field.UnsafeAddr()))
	if record != nil {
		record.Database().Close()
	}
}
