package forward

import (
	"bytes"
	"encoding/json"
	"slices"

	"skand/conversion"
	"skand/skan"
)

// appleNames are the members of Apple's bodies, in the order of its documentation.
var appleNames = []string{
	"version", "ad-network-id", "source-identifier", "campaign-id", "transaction-id", "app-id", "attribution-signature",
	"redownload", "source-domain", "source-app-id", "fidelity-type", "did-win", "conversion-value", "coarse-conversion-value",
	"postback-sequence-index", "country-code", "jws-string", "ad-interaction-type",
}

// payload is Apple's body. Where Apple sent it here it is what came, byte for byte.
// Whoever relays a copy adds members of their own to it (tokens, addresses, names),
// which are nobody else's business: of such a copy Apple's members are left, each as
// it was spelt.
func payload(c *conversion.Copy) string {
	if c.Source != conversion.Relay {
		return string(c.Body)
	}
	var members map[string]json.RawMessage
	if err := json.Unmarshal(c.Body, &members); err != nil {
		return "" // it verified, so it is an object; without being sure nothing is passed on
	}
	if slices.Contains(c.Result.Flags, skan.FlagRelayRewritten) {
		delete(members, "source-app-id") // the relay's, and no signature holds with it
	}
	var b bytes.Buffer
	b.WriteByte('{')
	for _, name := range appleNames {
		raw, there := members[name]
		if !there {
			continue
		}
		if b.Len() > 1 {
			b.WriteByte(',')
		}
		b.WriteString(`"` + name + `":`)
		b.Write(raw)
	}
	b.WriteByte('}')
	return b.String()
}
