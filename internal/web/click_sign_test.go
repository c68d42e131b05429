package web

import (
	"encoding/hex"
	"net/url"
	"os"
	"testing"

	"github.com/stretchr/testify/require"
)

// What openssl prints for the example of the docs is what is expected of a link.
func TestLinkMACIsThatOfTheDocs(t *testing.T) {
	t.Parallel()
	q := url.Values{"click_id": {"c1"}, "campaign_name": {"Winter Sale"}, "sig": {"whatever"}}
	got := hex.EncodeToString(linkMAC("the secret", "/click/example123.skadnetwork/525463029", q))
	docs, err := os.ReadFile("../../docs/tracking-links.md")
	require.NoError(t, err)
	require.Contains(t, string(docs), "prints `"+got+"`")
}
