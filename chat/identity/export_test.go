package identity

// Seed returns the seed of a phrase, for the vectors.
func Seed(p Phrase, passphrase string) []byte { return p.seed(passphrase) }

// MasterFromSeed skips the phrase.
func MasterFromSeed(seed []byte) (Master, error) { return masterFromSeed(seed) }
