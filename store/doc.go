// Package store keeps what the engine must not forget. Open gives a chat.Store in
// one encrypted bbolt file; Memory gives one that ends with the process.
//
// # What the file shows
//
// One root bucket "header" in clear (version, Argon2id parameters, salt, wrapped
// data key), one root bucket "index", and one root bucket a table, queue and
// history. Bucket names and table keys are keyed hashes (HMAC-SHA256 cut to 16
// bytes); queue keys are ordinals; history keys are order labels. Every value is
// XChaCha20-Poly1305 with a random nonce and with its bucket and key as associated
// data, so that no record can stand in for another. The file alone tells how many
// records of which size there are and in which order they came: no contact, no
// time, no word.
//
// # What damage does
//
// Open reads the page headers and keys of the whole file (pages.go) and compares
// the number of records in each bucket with the sealed index (index.go), because
// bbolt trusts its pages and would crash on bad ones. Later damage is caught
// record by record. What remains undetected:
//   - the whole file put back from an older copy, or one record replaced by an
//     older version of itself by someone who can write to the file;
//   - damage to the newer of bbolt's two meta pages: bbolt falls back to the
//     commit before, as it does after a torn write;
//   - a file that another program truncates or changes while it is open can be
//     answered with store_corrupt only where the fault happens in a transaction.
//
// The walk at Open and Resume reads the whole file once: about 0.1 s for 300 MiB
// that the system has in memory, the speed of the disk otherwise.
//
// # Transactions
//
// Updates of all goroutines go through one writer goroutine, which puts whatever
// waits into one bbolt transaction (writer.go, batch.go). Views read bbolt's
// snapshots and hold nobody up. A closure must not open another transaction, nor
// Suspend or Close the store: that would wait for itself.
//
// # What deleting does
//
// bbolt does not wipe freed pages: a deleted record stays in the file, sealed
// under the data key, until its page is used again. For the same reason a wrapped
// data key under an old passphrase may linger after ChangePassphrase; whoever had
// the old passphrase and a copy of the file can read that copy for ever.
package store
