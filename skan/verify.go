package skan

import (
	"crypto/ecdsa"
	"crypto/sha256"
	"fmt"
	"runtime"
	"strings"
)

// Verifier checks bodies against a registry of keys. It is safe for concurrent
// use and keeps nothing of what it saw.
type Verifier struct {
	keys    *Keys
	old     []*key // P-192, for 1.0 and 2.0
	current []*key // P-256, for 2.1 and later
	p192    chan struct{}
	p192Off bool
}

// Option changes a Verifier.
type Option func(*Verifier)

// DisableP192 turns SKAdNetwork 1.0 and 2.0 off: their postbacks are
// unsupported, with the reason p192_disabled.
func DisableP192() Option { return func(v *Verifier) { v.p192Off = true } }

// WithMaxP192 bounds how many P-192 checks run at once; the sender chooses the
// version, and such a check costs 20 to 40 times a P-256 one. The others wait.
// The default is half of the processors, at least one.
func WithMaxP192(n int) Option {
	return func(v *Verifier) { v.p192 = make(chan struct{}, max(1, n)) }
}

// NewVerifier returns a verifier for the keys of k.
func NewVerifier(k *Keys, opts ...Option) *Verifier {
	v := &Verifier{keys: k, old: k.signers(true), current: k.signers(false)}
	WithMaxP192(runtime.GOMAXPROCS(0) / 2)(v)
	for _, opt := range opts {
		opt(v)
	}
	return v
}

// Verify judges one body of either framework. It never panics and never returns
// an error: what is wrong is in the Result. Cheap checks come before any
// signature, and no identity is given to a copy that did not verify.
func (v *Verifier) Verify(body []byte) Result { return v.verify(body, nil) }

// verify is Verify; every step that it takes is told to tr, unless that is nil.
func (v *Verifier) verify(body []byte, tr *trace) (res Result) {
	defer recoverTo(&res)
	tr.begin(checkObject, "")
	obj, f := decodeObject(body)
	if f != nil {
		res = f.result("", "")
		res.NotObject = true
		return res
	}
	return v.verifyObject(obj, tr)
}

// VerifyRelayed is Verify for a copy that a network or vendor passed on. Relays
// are known to add "source-app-id": 0 where Apple sent none, which breaks the
// signature; such a copy is tried without it and flagged relay_rewritten. Apple
// never rewrites, so the other paths don't get this second chance.
func (v *Verifier) VerifyRelayed(body []byte) Result { return v.verifyRelayed(body, nil) }

func (v *Verifier) verifyRelayed(body []byte, tr *trace) (res Result) {
	defer recoverTo(&res)
	tr.begin(checkObject, "")
	obj, f := decodeObject(body)
	if f != nil {
		res = f.result("", "")
		res.NotObject = true
		return res
	}
	res = v.verifyObject(obj, tr)
	n, ok := obj.get("source-app-id")
	added := ok && n.kind == kindNumber && n.text == "0"
	if !added || res.Framework != SKAdNetwork || res.Reason != ReasonSignature && res.Reason != ReasonBothSources {
		return res
	}
	second := tr.another()
	again := v.verifyObject(obj.without("source-app-id"), second)
	if again.Verdict != Valid && again.Verdict != Develop {
		return res
	}
	tr.becomes(second)
	again.Flags = append(again.Flags, FlagRelayRewritten)
	return again
}

// recoverTo makes a verdict of a panic: a fault of ours must not lose a postback,
// so the body is kept and verified again later.
func recoverTo(res *Result) {
	if r := recover(); r != nil {
		*res = Result{
			Verdict: Unsupported, Reason: ReasonInternal,
			Message: fmt.Sprintf("skand failed on this body: %v; keep it and report the fault", r),
		}
	}
}

// verifyObject tells the framework by its members: both paths take both bodies.
func (v *Verifier) verifyObject(obj *object, tr *trace) Result {
	tr.begin(checkFramework, "")
	m := &members{obj: obj, trace: tr}
	isSKAN, isAAK := obj.has("attribution-signature"), obj.has(jwsMember)
	switch {
	case isSKAN && isAAK:
		m.fail(ReasonBothFormats, jwsMember, "attribution-signature and jws-string in one body")
		return m.fault.result("", "")
	case isSKAN:
		return v.verifySKAdNetwork(m)
	case isAAK:
		return v.verifyAdAttributionKit(m)
	}
	for _, name := range [...]string{"version", "transaction-id", "ad-network-id", "app-id", "campaign-id"} {
		if obj.has(name) {
			return v.verifySKAdNetwork(m)
		}
	}
	if obj.has("ad-interaction-type") {
		return v.verifyAdAttributionKit(m)
	}
	f := fault{ReasonUnknownFormat, "", "neither attribution-signature nor jws-string: not a postback of Apple's"}
	return f.result("", "")
}

func (v *Verifier) verifySKAdNetwork(m *members) Result {
	version := readVersion(m)
	if m.fault != nil {
		return m.fault.result(SKAdNetwork, "")
	}
	m.step(checkVersion, "version")
	if _, known := level(version); !known {
		return Result{
			Framework: SKAdNetwork, Version: version, Verdict: Unsupported,
			Reason: ReasonUnknownVersion, Field: "version",
			Message: fmt.Sprintf("version: SKAdNetwork %s is not known to this build; keep it and upgrade", version),
		}
	}
	p := parseSKAdNetwork(m, version)
	der := decodeDER(m, p.Signature)
	if m.fault != nil {
		return m.fault.result(SKAdNetwork, version)
	}
	m.step(checkSignedString, "")
	message, err := Message(p)
	if err != nil { // parseSKAdNetwork has let an incomplete postback through
		panic(err)
	}
	m.trace.signs(p)
	digest := sha256.Sum256(message)
	m.step(checkKey, "version")
	if usesP192(version) {
		return v.verifyOld(m, p, digest[:], der)
	}
	m.trace.tries(v.current)
	m.step(checkSignature, "attribution-signature")
	for _, k := range v.current {
		if ecdsa.VerifyASN1(k.pub, digest[:], der) {
			return signed(m.trace, m.loose, p, k)
		}
	}
	return unsigned(m.loose, p, "attribution-signature")
}

func (v *Verifier) verifyOld(m *members, p *Postback, digest, der []byte) Result {
	res := Result{Framework: SKAdNetwork, Version: p.Version, Verdict: Unsupported, Field: "version", Postback: p}
	if v.p192Off {
		res.Reason = ReasonP192Disabled
		res.Message = "version: checks of SKAdNetwork 1.0 and 2.0 (P-192) are switched off here"
		return res
	}
	m.trace.tries(v.old)
	m.step(checkSignature, "attribution-signature")
	if !plausibleP192(der) {
		return unsigned(m.loose, p, "attribution-signature")
	}
	v.p192 <- struct{}{}
	defer func() { <-v.p192 }()
	for _, k := range v.old {
		ok, err := verifyP192(k.pub, digest, der)
		if err != nil {
			res.Reason, res.Message = ReasonP192Unavailable, "version: "+err.Error()+"; run without GODEBUG=fips140=only"
			return res
		}
		if ok {
			return signed(m.trace, m.loose, p, k)
		}
	}
	return unsigned(m.loose, p, "attribution-signature")
}

func (v *Verifier) verifyAdAttributionKit(m *members) Result {
	c := readCompact(m)
	if m.fault != nil {
		return m.fault.result(AdAttributionKit, "")
	}
	m.step(checkKey, "kid")
	k := v.keys.byKID[c.kid]
	if k == nil {
		return Result{
			Framework: AdAttributionKit, Verdict: Unsupported, Reason: ReasonUnknownKID, Field: "kid", Key: c.kid,
			Message: fmt.Sprintf("kid: no key %q is known; keep the postback and upgrade", c.kid),
		}
	}
	if m.trace != nil {
		m.trace.tries([]*key{k})
	}
	p, loose := parseAdAttributionKit(m, c)
	if m.fault != nil {
		return m.fault.result(AdAttributionKit, "")
	}
	m.step(checkCanonical, jwsMember)
	if !c.canonical {
		res := unsigned(loose, p, jwsMember)
		res.Reason, res.Message = ReasonNotCanonical, "jws-string: header or payload has stray bits, so it isn't what was signed"
		return res
	}
	m.step(checkSignature, jwsMember)
	if len(c.signature) != 64 {
		return unsigned(loose, p, jwsMember)
	}
	signing := c.raw[:strings.LastIndexByte(c.raw, '.')]
	m.trace.signsSegments(signing)
	if err := es256.Verify([]byte(signing), c.signature, k.pub); err != nil {
		return unsigned(loose, p, jwsMember)
	}
	return signed(m.trace, loose, p, k)
}

// signed is the verdict on a signature that holds for key k. A boolean that was
// sent as a number is a genuine postback that somebody rewrote: refused, because
// what is stored must be what was signed.
func signed(tr *trace, loose string, p *Postback, k *key) Result {
	tr.holds(k)
	tr.begin(checkTypes, loose)
	if loose != "" {
		f := fault{ReasonWrongType, loose, loose + ": expected true or false, got a number"}
		return f.result(p.Framework, p.Version)
	}
	id := p.Identity()
	res := Result{
		Framework: p.Framework, Version: p.Version, Verdict: Valid,
		Key: k.Name, Environment: k.Environment, Identity: &id, Postback: p, Flags: p.flags(),
	}
	tr.begin(checkEnvironment, "")
	if k.Environment == Development {
		res.Verdict, res.Reason = Develop, ReasonDevelopmentKey
		res.Message = "signed by the development key " + k.Name + "; any phone in Developer Mode can do that"
	}
	return res
}

// unsigned is the verdict when no trusted key signed what the body says.
func unsigned(loose string, p *Postback, field string) Result {
	res := Result{
		Framework: p.Framework, Version: p.Version, Verdict: Invalid,
		Reason: ReasonSignature, Field: field, Postback: p,
		Message: field + ": no trusted key signed these values",
	}
	if loose != "" {
		res.Postback = nil // its values are not what was sent
	}
	return res
}
