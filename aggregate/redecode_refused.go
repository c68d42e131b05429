package aggregate

import "fmt"

// Why a redecode was refused.
const (
	RefusedUnknown      = "unknown_release"  // the ledger has no release of this id
	RefusedNotBase      = "not_base"         // a redecode, a model or another view
	RefusedCarried      = "carried"          // nothing was published
	RefusedNotPublished = "not_published"    // prepared, by a seal that is still at work or was killed
	RefusedVersion      = "unknown_version"  // the app has no schema version of this number
	RefusedCurrency     = "currency_differs" // the version's amounts are in another currency
	RefusedUnexplained  = "unexplained"      // the stored versions are not those that it was published with
	RefusedSame         = "same"             // nothing would change
)

// RedecodeRefused says why a release is not read by another schema version. That the
// window was decoded again already is an *InTheWayError.
type RedecodeRefused struct {
	Release string // the base that was named
	Reason  string // one of the constants above
	why     string
}

func (e *RedecodeRefused) Error() string {
	return fmt.Sprintf("release %s can't be decoded again: %s", e.Release, e.why)
}

func refuse(release, reason, format string, args ...any) *RedecodeRefused {
	return &RedecodeRefused{Release: release, Reason: reason, why: fmt.Sprintf(format, args...)}
}

// NoSuchRelease refuses an id that the ledger does not have.
func NoSuchRelease(release string) *RedecodeRefused {
	return refuse(release, RefusedUnknown, "the ledger has no release of this id; GET /v1/releases lists those that are published")
}

// NoSuchVersion refuses a schema version that the app does not have.
func NoSuchVersion(release string, version int) *RedecodeRefused {
	return refuse(release, RefusedVersion, "its app has no schema version %d; GET /v1/apps/{app}/schemas lists them", version)
}
