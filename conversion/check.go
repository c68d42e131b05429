package conversion

import (
	"bytes"
	"fmt"
	"regexp"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/shopspring/decimal"
)

// Rejection says which member of an item is wrong and how to put it right.
type Rejection struct {
	Code    string
	Field   string
	Message string
}

func (r *Rejection) Error() string {
	if r.Field == "" {
		return r.Message
	}
	return fmt.Sprintf("%s: %s", r.Field, r.Message)
}

func reject(code, field, format string, args ...any) *Rejection {
	return &Rejection{Code: code, Field: field, Message: fmt.Sprintf(format, args...)}
}

// maxSkew is how far ahead of ours a reporter's clock may be.
const maxSkew = 24 * time.Hour

// Bounds in bytes. Ids stand in indexes, which have a limit of their own; what is
// beyond it could never be stored, however often it is sent.
const (
	maxID   = 200
	maxText = 2000
)

var currencyCode = regexp.MustCompile(`^[A-Z]{3}$`)

// text is a member as it came, with the most bytes that it may have.
type text struct {
	field, value string
	most         int
}

// checkTexts refuses what PostgreSQL can't hold (NUL) along with everything else
// that is no text for people or URLs.
func checkTexts(texts ...text) *Rejection {
	for _, t := range texts {
		switch {
		case len(t.value) > t.most:
			return reject("too_long", t.field, "at most %d bytes, not %d", t.most, len(t.value))
		case strings.ContainsFunc(t.value, func(r rune) bool { return r < ' ' || r == 0x7f }):
			return reject("control_character", t.field, "holds a control character")
		}
	}
	return nil
}

func checkCommon(id string, appID int64, when, now time.Time) *Rejection {
	if id == "" {
		return reject("missing", "id", "give an id: it makes a repeated report harmless")
	}
	return checkRest(id, appID, when, now)
}

// checkRest is for items whose id may be made of what they say.
func checkRest(id string, appID int64, when, now time.Time) *Rejection {
	if r := checkTexts(text{"id", id, maxID}); r != nil {
		return r
	}
	switch {
	case appID <= 0:
		return reject("missing", "app_id", "give the App Store id of the app, a positive number")
	case when.IsZero():
		return reject("missing", "time", "give the time as RFC 3339, as in 2026-11-21T09:30:00Z")
	case when.Year() < 1970:
		return reject("out_of_range", "time", "lies before 1970")
	case when.After(now.Add(maxSkew)):
		return reject("in_the_future", "time", "%s is more than %s ahead of this server", when.Format(time.RFC3339), maxSkew)
	}
	return nil
}

// Check says what is wrong with a click, or nil.
func (c *Click) Check(now time.Time) *Rejection {
	if r := checkCommon(c.ID, c.AppID, c.Time, now); r != nil {
		return r
	}
	switch {
	case c.NetworkID == "":
		return reject("missing", "network_id", "name the network that shows the ad")
	case c.Interaction != "" && c.Interaction != "click" && c.Interaction != "view":
		return reject("unknown_value", "interaction", `want "click" or "view", got %q`, c.Interaction)
	}
	return checkTexts(
		text{"network_id", c.NetworkID, maxID}, text{"campaign_id", c.CampaignID, maxID},
		text{"campaign_name", c.CampaignName, maxText}, text{"adgroup_id", c.AdgroupID, maxID},
		text{"creative_id", c.CreativeID, maxID}, text{"idfa", c.IDFA, maxID},
		text{"ip", c.IP, maxID}, text{"user_agent", c.UserAgent, maxText},
	)
}

// Check says what is wrong with an install, or nil.
func (i *Install) Check(now time.Time) *Rejection {
	if r := checkCommon(i.ID, i.AppID, i.Time, now); r != nil {
		return r
	}
	if r := checkConsent(i.ATTStatus, i.GDPRPurposes); r != nil {
		return r
	}
	if i.ConsentTime.After(now.Add(maxSkew)) {
		return reject("in_the_future", "consent_time", "%s is more than %s ahead of this server", i.ConsentTime.Format(time.RFC3339), maxSkew)
	}
	return checkTexts(
		text{"click_id", i.ClickID, maxID}, text{"idfa", i.IDFA, maxID}, text{"idfv", i.IDFV, maxID},
		text{"ip", i.IP, maxID}, text{"country", i.Country, maxID},
	)
}

// maxPurpose is far beyond the purposes that the TCF has.
const maxPurpose = 64

func checkConsent(att string, purposes []int) *Rejection {
	switch att {
	case "", ATTAuthorized, "denied", "restricted", "not_determined":
	default:
		return reject("unknown_value", "att_status", "want authorized, denied, restricted or not_determined, got %q", att)
	}
	for _, p := range purposes {
		if p < 1 || p > maxPurpose || len(purposes) > maxPurpose {
			return reject("out_of_range", "gdpr_purposes", "want at most %d numbers of purposes from 1 to %d", maxPurpose, maxPurpose)
		}
	}
	return nil
}

// Check says what is wrong with a report of consent, or nil.
func (c *ConsentReport) Check(now time.Time) *Rejection {
	if r := checkRest(c.ID, c.AppID, c.Time, now); r != nil {
		return r
	}
	if r := checkConsent(c.ATTStatus, c.GDPRPurposes); r != nil {
		return r
	}
	switch {
	case c.InstallID == "":
		return reject("missing", "install_id", "give the id of the install whose user it is")
	case c.Change().silent():
		return reject("missing", "att_status", "say what changed: att_status, limited_data_sharing, gdpr_applies or gdpr_purposes")
	}
	return checkTexts(text{"install_id", c.InstallID, maxID})
}

// Check says what is wrong with an event, or nil. Without an id it has that of its
// install, name and time.
func (e *Event) Check(now time.Time) *Rejection {
	if r := checkRest(e.ID, e.AppID, e.Time, now); r != nil {
		return r
	}
	switch {
	case e.InstallID == "":
		return reject("missing", "install_id", "give the id of the install that did it")
	case e.Name == "":
		return reject("missing", "name", "name the event")
	}
	if r := checkTexts(text{"install_id", e.InstallID, maxID}, text{"name", e.Name, maxID}); r != nil {
		return r
	}
	switch {
	case e.Revenue != nil && !plainAmount(*e.Revenue):
		return reject("out_of_range", "revenue", "amounts are below 10^%d and have at most %d decimals", maxDigits, maxDecimals)
	case e.Revenue != nil && e.Currency == "":
		return reject("missing", "currency", "revenue needs its ISO 4217 currency")
	case e.Currency != "" && !currencyCode.MatchString(e.Currency):
		return reject("unknown_value", "currency", "want a three-letter ISO 4217 code, got %q", e.Currency)
	case !utf8.Valid(e.Properties):
		return reject("not_utf8", "properties", "holds bytes that are not UTF-8")
	case len(e.Properties) > 0 && !bytes.HasPrefix(e.Properties, []byte("{")) && string(e.Properties) != "null":
		return reject("wrong_type", "properties", "want an object")
	}
	return nil
}

// The same bounds as those of amounts in a schema.
const (
	maxDigits   = 12 // before the point
	maxDecimals = 9  // behind it
)

// plainAmount keeps a short text such as 1e9999 from standing for an amount
// of as many digits, which printing would write out. A refund is negative.
func plainAmount(d decimal.Decimal) bool {
	return d.Exponent() >= -maxDecimals && d.NumDigits()+int(d.Exponent()) <= maxDigits
}
