package web

import (
	"net/http"
	"strings"

	"github.com/mileusna/useragent"
)

// inAdvance reports whether a browser, and not a person, asks: it loads what might be
// opened next, or draws a preview. The person's own request follows if they open it.
func inAdvance(h http.Header) bool {
	for _, name := range []string{"Sec-Purpose", "Purpose", "X-Purpose", "X-Moz"} {
		switch v := strings.ToLower(h.Get(name)); {
		case strings.Contains(v, "prefetch"), strings.Contains(v, "prerender"), strings.Contains(v, "preview"):
			return true
		}
	}
	return false
}

// unlisted are agents of no person that the library does not call bots: they draw the
// preview of a link in a message, watch that a site is up, or are programs' own.
var unlisted = []string{
	"whatsapp/", "facebookexternalhit", "facebot", "skypeuripreview", "slack-imgproxy", "embedly", "vkshare", "snap url preview",
	"bitlybot", "headlesschrome", "phantomjs", "lighthouse", "pingdom", "statuscake", "uptimerobot", "curl/", "wget/", "python-",
	"go-http-client", "okhttp/", "java/", "libwww", "apache-httpclient", "axios/", "node-fetch", "crawler", "spider", "scanner",
}

// noPerson reports whether a user agent is that of a robot or of a program. Nobody
// clicks an ad without one, either.
func noPerson(agent string) bool {
	if strings.TrimSpace(agent) == "" || useragent.Parse(agent).Bot {
		return true
	}
	lower := strings.ToLower(agent)
	for _, mark := range unlisted {
		if strings.Contains(lower, mark) {
			return true
		}
	}
	return false
}
