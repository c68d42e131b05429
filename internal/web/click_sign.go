package web

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"net/http"
	"net/url"

	"skand/internal/store"
)

// signed reports whether the link bears the network's signature: sig is the hex
// HMAC-SHA256, under the network's secret, of the path, a question mark and the other
// parameters, sorted by name and encoded as a form. Without the secret in the
// environment nothing can be signed, and the log says so.
func (l *Links) signed(r *http.Request, q url.Values, link store.Link) bool {
	secret := l.Secret(link.SecretEnv)
	if secret == "" {
		l.Log.ErrorContext(r.Context(), "tracking links can't be checked: the environment does not hold the network's secret",
			"network", link.NetworkID, "variable", link.SecretEnv)
		return false
	}
	got, err := hex.DecodeString(q.Get("sig"))
	return err == nil && hmac.Equal(got, linkMAC(secret, r.URL.EscapedPath(), q))
}

func linkMAC(secret, path string, q url.Values) []byte {
	rest := url.Values{}
	for name, values := range q {
		if name != "sig" {
			rest[name] = values
		}
	}
	mac := hmac.New(sha256.New, []byte(secret))
	mac.Write([]byte(path + "?" + rest.Encode()))
	return mac.Sum(nil)
}
