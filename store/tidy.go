package store

// tidyLater removes, in the background, what is left of former times: copies made
// before a migration, and pages with headers of former passphrases. What it cannot
// do is left for the next open: a full disk must not keep somebody from reading.
// Close and Suspend wait for it.
func (s *fileStore) tidyLater() {
	marked := false
	err := s.file.view(func(r *reader) (err error) {
		marked, err = r.marked()
		return err
	}, s.crypt)
	if err != nil || marked && len(leftovers(s.path)) == 0 || s.gate.enter() != nil {
		return
	}
	go func() {
		defer s.gate.leave()
		s.rewrap.Lock()
		defer s.rewrap.Unlock()
		s.file.finished()
		if s.hung() != nil {
			return // damaged: the copies may be wanted
		}
		_ = eraseLeftovers(s.path)
		if !marked {
			_ = s.eraseUnused()
		}
	}()
}
