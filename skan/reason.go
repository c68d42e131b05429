package skan

// Reason codes of a Result. They are stable: rows keep them and people search
// for them.
const (
	// The body is not one JSON object (Result.NotObject is set: answer 400).
	ReasonNotObject       = "not_object"       // another JSON value, or nothing at all
	ReasonSyntax          = "syntax"           // not JSON
	ReasonInvalidUTF8     = "invalid_utf8"     // bytes that are not UTF-8, or half a surrogate pair
	ReasonDuplicateMember = "duplicate_member" // parsers differ on which one wins
	ReasonTrailingData    = "trailing_data"    // something after the object
	ReasonTooDeep         = "too_deep"         // nested deeper than maxDepth

	// Malformed: an object that breaks Apple's format.
	ReasonUnknownFormat = "unknown_format"  // neither framework's members
	ReasonBothFormats   = "both_frameworks" // members of both frameworks' signatures
	ReasonMissing       = "missing_member"
	ReasonWrongType     = "wrong_type"
	ReasonWrongValue    = "wrong_value"
	ReasonFineAndCoarse = "fine_and_coarse"    // Apple sends one of them at most
	ReasonBothSources   = "both_sources"       // source-app-id and source-domain
	ReasonNotBase64     = "not_base64"         // a signature or JWS segment
	ReasonNotCompact    = "jws_not_compact"    // not three non-empty segments
	ReasonHeader        = "jws_header"         // the JWS header is not a strict object
	ReasonAlgorithm     = "jws_alg_not_es256"  // none, HS256, RS256, …
	ReasonExtension     = "jws_extension"      // crit or b64 change what is signed
	ReasonPayload       = "jws_payload"        // the claims are not a strict object
	ReasonVersionFormat = "version_not_number" // not digits, point, digits

	// Invalid: well formed, and no trusted key signed it.
	ReasonSignature    = "signature_mismatch"
	ReasonNotCanonical = "jws_not_canonical" // header or payload spelt with stray bits

	// Unsupported: keep the raw body and verify again after an upgrade.
	ReasonUnknownVersion  = "unknown_version"
	ReasonUnknownKID      = "unknown_kid"
	ReasonP192Disabled    = "p192_disabled"    // 1.0 and 2.0 are switched off
	ReasonP192Unavailable = "p192_unavailable" // the process forbids the curve (FIPS mode)
	ReasonInternal        = "internal_error"   // a fault of ours, never of the sender

	// Development: signed, but by a key that any phone in Developer Mode holds.
	ReasonDevelopmentKey = "development_key"
)

// Flags of a Result: the unsigned members contradict Apple's tier table, or a
// relay changed the body. The postback is kept and stays valid.
const (
	FlagLoserWithValue   = "loser_with_value"    // did-win=false never carries a value
	FlagLoserWithSource  = "loser_with_source"   // nor the app or site it came from
	FlagLoserLaterWindow = "loser_later_window"  // nor comes after the first window
	FlagLaterFine        = "later_window_fine"   // windows 1 and 2 have coarse values only
	FlagLaterDigits      = "later_window_digits" // and source identifiers of two digits
	FlagLaterSource      = "later_window_source" // and no source
	FlagCoarseDigits     = "coarse_with_digits"  // tier 1 sends two digits
	FlagCoarseSource     = "coarse_with_source"  // only tier 3 names the source; it sends fine values
	FlagRelayRewritten   = "relay_rewritten"     // a relay added source-app-id 0
)

// fault is why a body is malformed.
type fault struct{ reason, field, message string }

func (f *fault) Error() string { return f.message }

// result turns the fault into a verdict.
func (f *fault) result(fw Framework, version string) Result {
	return Result{
		Framework: fw, Version: version, Verdict: Malformed,
		Reason: f.reason, Field: f.field, Message: f.message,
	}
}
