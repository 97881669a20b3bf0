package x3dh

import "libstatus1to1/chat/wire"

// SignatureMaterial is what is hashed and signed, for the vectors.
func SignatureMaterial(w *wire.Bundle) ([]byte, error) {
	ids, err := installationIDs(w)
	if err != nil {
		return nil, err
	}
	return signatureMaterial(w, ids), nil
}
