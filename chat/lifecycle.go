package chat

import (
	"libstatus1to1/chat/identity"
)

// Credentials open the store: a passphrase, or the key it was made with. A memory
// store needs neither.
type Credentials struct {
	Passphrase string
	Key        []byte
}

// Phrase shows the seed phrase of the identity to who can open the store. With
// forget it is erased from the store: this was the last time. CodeNotFound when the
// identity has none (an imported key), or it was erased.
func (c *Client) Phrase(by Credentials, forget bool) (identity.Phrase, error) {
	a, err := c.account()
	if err != nil {
		return identity.Phrase{}, err
	}
	if err := c.store.Authenticate(by.Passphrase, by.Key); err != nil {
		return identity.Phrase{}, err
	}
	if a.phrase == "" {
		return identity.Phrase{}, Errorf(CodeNotFound, "", "the store holds no seed phrase of this identity")
	}
	phrase, err := identity.ParsePhrase(a.phrase)
	if err != nil {
		return identity.Phrase{}, Errorf(CodeStoreCorrupt, "", "the seed phrase does not read back")
	}
	if forget {
		err = c.changeAccount(func(a *account) { a.phrase = "" })
	}
	return phrase, err
}

// DeleteIdentity destroys the identity and all that is in the store, for who can open
// it: the keys of the store are erased and its file is removed. The client is closed
// then. The last event is closed, with reason "deleted".
func (c *Client) DeleteIdentity(by Credentials) error {
	if _, err := c.account(); err != nil {
		return err
	}
	if err := c.store.Authenticate(by.Passphrase, by.Key); err != nil {
		return err
	}
	reason := "deleted"
	if !c.reason.CompareAndSwap(nil, &reason) {
		return Errorf(CodeClosed, "", "the client is closed")
	}
	destroyed := make(chan error, 1)
	c.destroyed.Store(&destroyed)
	_ = c.Close()
	select {
	case err := <-destroyed:
		return err
	default: // somebody else was closing it
		return Errorf(CodeClosed, "", "the client was closed before it could be deleted")
	}
}

// endStore closes the store, or destroys it after DeleteIdentity.
func (c *Client) endStore() {
	if result := c.destroyed.Load(); result != nil {
		*result <- c.store.Destroy()
		return
	}
	_ = c.store.Close()
}
