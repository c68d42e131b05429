package forward

import (
	"net/url"
	"strings"
)

// shownSecret stands for a secret where a request is only shown.
const shownSecret = "[secret]"

// Show is a rendered request as a dry run shows it: with what Credentials would add,
// every secret and what is made of one replaced by [secret]. It reads no secret.
func Show(d Destination, deliveryID string, r Rendered) Rendered {
	r.Header = r.Header.Clone()
	if r.Header == nil {
		r.Header = map[string][]string{}
	}
	for name, template := range d.Headers {
		if strings.Contains(template, secretMark) {
			r.Header.Set(name, strings.ReplaceAll(template, secretMark, shownSecret))
		}
	}
	d.fillQuery(&r, shownSecret)
	r.URL = strings.ReplaceAll(r.URL, url.QueryEscape(shownSecret), shownSecret)
	switch d.Signing {
	case SigningBearer:
		r.Header.Set("Authorization", "Bearer "+shownSecret)
	case SigningStandardWebhooks:
		r.Header.Set(headerWebhookID, deliveryID)
		r.Header.Set(headerWebhookTimestamp, "[time of the attempt]")
		r.Header.Set(headerWebhookSignature, "v1,"+shownSecret)
	case SigningJWS:
		r.Header.Set(headerJWS, shownSecret)
	}
	if d.OAuth != nil {
		r.Header.Set("Authorization", "Bearer "+shownSecret)
	}
	if r.Header.Get("User-Agent") == "" {
		r.Header.Set("User-Agent", "skand")
	}
	return r
}
