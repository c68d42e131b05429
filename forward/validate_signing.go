package forward

import (
	"maps"
	"net/netip"
	"net/url"
	"regexp"
	"slices"
	"strings"
)

// checkSigning checks how a request proves who sends it. No fault repeats what might
// be a secret that was written where its variable's name belongs.
func (d Destination) checkSigning(fault faulting, allowPrivate []netip.Prefix) {
	fault.only("signing", d.Signing, SigningNone, SigningStandardWebhooks, SigningBearer, SigningJWS)
	if d.Signing == SigningStandardWebhooks || d.Signing == SigningJWS {
		d.checkSigned(fault)
	}
	if d.Signing == SigningBearer && d.OAuth != nil {
		fault("oauth", "both it and signing: bearer set the header Authorization; keep one")
	}
	if d.SecretEnv != "" {
		checkSecretEnv(fault, "secret_env", d.SecretEnv)
	} else if d.fillsSecret() {
		fault("secret_env", "is missing; {secret} in headers or query_auth stands for what it names, such as EXAMPLE_SECRET")
	}
	d.checkHeaderNames(fault)
	d.checkQueryAuth(fault)
	if d.OAuth != nil {
		d.OAuth.check(fault, allowPrivate)
	}
}

// checkSigned checks that there is something to sign, and that its key stays here.
func (d Destination) checkSigned(fault faulting) {
	if d.Method != MethodPost {
		fault("signing", "%s signs a body, and %s has none; write method: POST, or send a token in headers or query_auth", d.Signing, d.Method)
	} else if d.Body == "" {
		fault("body", "is missing; signing: %s signs a body, so write json, form or raw", d.Signing)
	}
	if d.fillsSecret() {
		fault("signing", "{secret} in headers or query_auth would send the key that %s signs with; take it out there, or write signing: none", d.Signing)
	}
}

var envName = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_]{0,99}$`)

// checkSecretEnv keeps skand's own keys from being named: whoever edits a destination
// would have them sent to a host of their choice.
func checkSecretEnv(fault faulting, field, name string) {
	switch {
	case !envName.MatchString(name) || strings.HasPrefix(name, webhookPrefix):
		fault(field, "is no name of an environment variable such as EXAMPLE_SECRET; the secret itself does not belong here")
	case strings.HasPrefix(strings.ToUpper(name), "SKAND_"):
		fault(field, "%s is one of skand's own settings, which are sent to nobody; use a name that does not begin with SKAND_", name)
	}
}

// headerName is a token of RFC 9110, 5.6.2.
var headerName = regexp.MustCompile("^[!#$%&'*+.^_`|~0-9A-Za-z-]{1,100}$")

// ownHeaders are set by the connection or by skand; a second value would let two
// readers of one request see two requests.
var ownHeaders = []string{
	"host", "content-length", "transfer-encoding", "connection", "keep-alive", "te", "trailer", "upgrade", "expect",
	"proxy-authorization", "proxy-connection", "accept-encoding", "content-encoding",
}

func (d Destination) checkHeaderNames(fault faulting) {
	seen := map[string]bool{}
	for _, name := range slices.Sorted(maps.Keys(d.Headers)) {
		field, lower := "headers."+name, strings.ToLower(name)
		switch {
		case !headerName.MatchString(name):
			fault("headers", "%q is no name of a header; write letters, digits and hyphens", name)
			continue
		case slices.Contains(ownHeaders, lower):
			fault(field, "is set by skand or by the connection; leave it out")
		case strings.HasPrefix(lower, "webhook-"):
			fault(field, "belongs to Standard Webhooks; leave it out and write signing: %s", SigningStandardWebhooks)
		case lower == strings.ToLower(headerJWS) && d.Signing == SigningJWS:
			fault(field, "is where signing: %s puts its signature; leave it out", SigningJWS)
		case lower == "authorization" && (d.Signing == SigningBearer || d.OAuth != nil):
			fault(field, "is set by signing: %s or oauth; keep one of them", SigningBearer)
		case seen[lower]:
			fault(field, "is there twice, for capitals do not count; keep one")
		}
		seen[lower] = true
		if template := d.Headers[name]; strings.Contains(template, secretMark) {
			checkFilled(fault, field, template)
		}
	}
}

func (d Destination) checkQueryAuth(fault faulting) {
	_, query, _ := strings.Cut(d.URL, "?")
	inURL, _ := url.ParseQuery(query) // what can't be read is checkTemplates' to say
	for _, name := range slices.Sorted(maps.Keys(d.QueryAuth)) {
		field, template := "query_auth."+name, d.QueryAuth[name]
		switch {
		case name == "" || len(name) > 100 || strings.ContainsAny(name, "{}") || !fitsHeader(name):
			fault("query_auth", "%q is no name of a parameter; write plain characters", name)
		case inURL.Has(name):
			fault(field, "stands in url too, and receivers differ in which of two they read; take it out there")
		case !strings.Contains(template, secretMark):
			fault(field, "has no {secret}; a parameter without one belongs in url")
		default:
			checkFilled(fault, field, template)
		}
	}
}

// checkFilled checks a text with {secret}, which is filled when the request is made:
// nothing of the delivery is at hand then.
func checkFilled(fault faulting, field, template string) {
	rest := strings.ReplaceAll(template, secretMark, "")
	switch {
	case strings.ContainsAny(rest, "{}"):
		fault(field, "has a brace beside {secret}; no other macro can stand there, so give it a header or parameter of its own")
	case !fitsHeader(rest):
		fault(field, "has a line end or a character that is no ASCII; write printable ASCII")
	case len(rest) > 1024:
		fault(field, "is longer than 1024 bytes")
	}
}

func (o *OAuth) check(fault faulting, allowPrivate []netip.Prefix) {
	u, err := url.Parse(o.TokenURL)
	switch {
	case o.TokenURL == "":
		fault("oauth.token_url", "is missing; write the https URL that the network gives for tokens")
	case err != nil || u.Host == "" || u.Scheme != "https" && u.Scheme != "http" || strings.ContainsAny(o.TokenURL, "{}") || !fitsHeader(o.TokenURL):
		fault("oauth.token_url", "is no URL; write it whole, such as https://login.example/oauth/token, without macros")
	case u.User != nil:
		fault("oauth.token_url", "has a user or password in it; write them as client_id and secret_env")
	case u.Fragment != "":
		fault("oauth.token_url", "has a fragment (#), which is never sent; remove it")
	default:
		if err := checkPlain(o.TokenURL, allowPrivate); err != nil {
			fault("oauth.token_url", "%v", err)
		}
	}
	if o.ClientID == "" || len(o.ClientID) > 512 || !fitsHeader(o.ClientID) {
		fault("oauth.client_id", "must be the id that the network gave, 1 to 512 printable characters")
	}
	if o.SecretEnv != "" {
		checkSecretEnv(fault, "oauth.secret_env", o.SecretEnv)
	}
	for i, scope := range o.Scopes {
		if scope == "" || strings.ContainsAny(scope, " \"\\") || !fitsHeader(scope) {
			fault("oauth.scopes", "number %d is no scope; write one word for each", i+1)
		}
	}
}

// signingWarnings are what is allowed and probably not meant.
func (d Destination) signingWarnings(warn faulting) {
	switch {
	case d.needsSecret() && d.SecretEnv == "":
		warn("secret_env", "is missing; deliveries wait unless `skand secret set %s` gives a secret", d.ID)
	case d.SecretEnv != "" && !d.needsSecret():
		warn("secret_env", "nothing uses it; write signing, or {secret} in headers or query_auth")
	}
	if d.OAuth != nil && d.OAuth.SecretEnv == "" {
		warn("oauth.secret_env", "is missing; deliveries wait unless `skand secret set %s --purpose oauth` gives a secret", d.ID)
	}
}
