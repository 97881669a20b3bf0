// Package store keeps the engine's data. Open returns a port.Store in one encrypted
// bbolt file; Memory returns one that ends with the process.
//
// # What the file shows
//
// One root bucket "header" in clear (version, Argon2id parameters, salt, wrapped
// data key), one root bucket "index", and one root bucket for each table, queue and
// history. Bucket names and table keys are keyed hashes (HMAC-SHA256 cut to 16
// bytes); queue keys and the keys of numbered tables are ordinals; history keys are
// order labels. Every value is XChaCha20-Poly1305 with a random nonce and with its
// bucket and key as associated data, so that no record can stand in for another. The
// file alone tells how many records of which size there are and in which order they
// came: no contact, no time, no word.
//
// # What damage does
//
// Open reads the page headers and keys of the file (pages.go, walk.go) and compares
// the number of records in each bucket with the sealed index (index.go), because
// bbolt trusts its pages and would crash on bad ones. Later damage is caught
// record by record.
//
// A file above 64 MiB is checked in two steps (branches.go). The first step comes
// before anybody uses the file: meta page, list of free pages and all branch pages, so
// that bbolt's searches end and no page is used twice. The second step runs in the
// background: the leaves and the comparison with the index. It walks the state that was
// opened, which bbolt keeps as it does for a View. Only a write can spread damage: bbolt
// would copy a bad leaf, or free pages that a bad header claims. So until the walk is over
// a write looks at the leaf that it changes first, and at the neighbours bbolt may join it
// with (early.go); no page of the state that was opened is written over; and a write waits for the
// walk if it drops a whole bucket, or if the file has grown by 32 MiB meanwhile. A read that
// meets a bad leaf earlier fails as on a bad record: an address outside of the map is a fault,
// which is caught, and data inside it does not authenticate. If the second step finds damage,
// every call fails with store_corrupt from then on, and the next Open finds it as well. The
// price is small: for that time, a record that damage has hidden from a search may count as
// missing, and what was written before the damage was found is in a damaged store; and a leaf
// made to look like a branch that leads back to itself, which no accident makes, ends the
// process.
//
// What remains undetected:
//   - the whole file put back from an older copy. A single record put back, or a
//     page that the disk has lost, contradicts the sealed traces (freshness.go):
//     found at Open in a store of up to 16,384 records, in a larger one by Each and
//     Check, and not by a single Get;
//   - damage to the newer of bbolt's two meta pages: bbolt falls back to the
//     commit before, as it does after a torn write;
//   - a file that another program truncates or changes while it is open can be
//     answered with store_corrupt only where the fault happens in a transaction.
//
// Each Open and Resume reads the whole file once: about 0.1 s for 650 MiB that the
// system has in memory, at the speed of the disk otherwise.
//
// # Transactions
//
// Updates of all goroutines go through one writer goroutine, which puts all waiting
// closures into one bbolt transaction (writer.go, batch.go). Their writes are kept in
// memory until the commit; then each record is sealed once, on all cores, and given to
// bbolt in the order of the keys (pending.go, sealing.go, arena.go). Views read bbolt's
// snapshots and delay nobody. A closure must not open another transaction, nor Suspend
// or Close the store: that call would wait for the closure itself.
//
// # What deleting does
//
// bbolt does not wipe freed pages: a deleted record stays in the file, sealed
// under the data key, until its page is used again or the passphrase is changed.
// ChangePassphrase overwrites every page that is out of use (unused.go), because
// former headers lie there: their wrapped keys are the present data key. A store
// whose header has no mark that this was done, since a change was interrupted or
// the library was older, is made up for when it is opened. Destroy overwrites all.
// What neither reaches is outside of the file: copies that somebody made, and what
// the medium keeps of overwritten blocks. A copy from before a change is read with
// the passphrase of that time, and so, with the data key it gives, are later ones.
//
// # What bbolt does when it panics
//
// Every call of bbolt is guarded (errors.go): a page that is no page, and a mapped
// file that was cut, come out as store_corrupt. Where bbolt panics holding its locks
// it is not called again: every call of the store fails with what came first, and
// Close lets go of the file's own lock. Transactions begin one at a time for that
// (file.go).
//
// # Files
//
// The store is one file of mode 0600. Before a migration it is copied to
// <path>.v<version>.bak, by way of <path>.v<version>.bak.tmp; both go when the store
// has next opened well (leftovers.go). A migration that rewrites much does it in several
// transactions, and the next open goes on where the last one was interrupted (migrate.go):
// a million messages take some 10 s and 16 MB of memory. Nothing is written through symbolic links;
// where the path itself is one, all that is said here is about the file it leads to.
package store
