package config

import (
	"fmt"
	"net/url"
	"strings"
)

// validatePublicURL refuses what Apple could not post to: it adds its own path, to https.
func (c Config) validatePublicURL() error {
	if c.PublicURL == "" {
		return nil
	}
	u, err := url.Parse(c.PublicURL)
	if err != nil || u.Scheme != "https" || u.Host == "" || strings.Trim(u.Path, "/") != "" || u.RawQuery != "" || u.User != nil {
		return fmt.Errorf("public_url: want https://HOST[:PORT] and no path, got %q; Apple posts to https only", c.PublicURL)
	}
	return nil
}
