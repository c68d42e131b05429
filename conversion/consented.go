package conversion

import (
	"encoding/json"
	"fmt"
	"regexp"
	"strings"
	"time"

	"github.com/shopspring/decimal"
)

// Click is an ad interaction that a network reported.
type Click struct {
	ID           string    `json:"id"`
	NetworkID    string    `json:"network_id"`
	AppID        int64     `json:"app_id"`
	Time         time.Time `json:"time"`
	CampaignID   string    `json:"campaign_id,omitempty"`
	CampaignName string    `json:"campaign_name,omitempty"`
	AdgroupID    string    `json:"adgroup_id,omitempty"`
	CreativeID   string    `json:"creative_id,omitempty"`
	Interaction  string    `json:"interaction,omitempty"` // click (default) or view
	IDFA         string    `json:"idfa,omitempty"`
	IP           string    `json:"ip,omitempty"`
	UserAgent    string    `json:"user_agent,omitempty"`
}

// Install is a first launch that the app reported.
type Install struct {
	ID        string    `json:"id"`
	AppID     int64     `json:"app_id"`
	Time      time.Time `json:"time"`
	ClickID   string    `json:"click_id,omitempty"`
	IDFA      string    `json:"idfa,omitempty"`
	IDFV      string    `json:"idfv,omitempty"`
	IP        string    `json:"ip,omitempty"`
	Country   string    `json:"country,omitempty"`
	ATTStatus string    `json:"att_status,omitempty"` // authorized, denied, restricted, not_determined
	Limited   bool      `json:"limited_data_sharing,omitempty"`
	Reinstall bool      `json:"reinstall,omitempty"`
}

// Event is something that a user did after the install.
type Event struct {
	ID         string           `json:"id"`
	AppID      int64            `json:"app_id"`
	InstallID  string           `json:"install_id"`
	Name       string           `json:"name"`
	Time       time.Time        `json:"time"`
	Revenue    *decimal.Decimal `json:"revenue,omitempty"`
	Currency   string           `json:"currency,omitempty"`
	Properties json.RawMessage  `json:"properties,omitempty"`
}

// Rejection says which member of an item is wrong and how to put it right.
type Rejection struct {
	Code    string
	Field   string
	Message string
}

func (r *Rejection) Error() string { return fmt.Sprintf("%s: %s", r.Field, r.Message) }

func reject(code, field, format string, args ...any) *Rejection {
	return &Rejection{Code: code, Field: field, Message: fmt.Sprintf(format, args...)}
}

// maxSkew is how far ahead of ours a reporter's clock may be.
const maxSkew = 24 * time.Hour

var currencyCode = regexp.MustCompile(`^[A-Z]{3}$`)

func checkCommon(id string, appID int64, when, now time.Time) *Rejection {
	switch {
	case id == "":
		return reject("missing", "id", "give an id: it makes a repeated report harmless")
	case len(id) > 200:
		return reject("too_long", "id", "at most 200 bytes, not %d", len(id))
	case strings.ContainsFunc(id, func(r rune) bool { return r < ' ' || r == 0x7f }):
		return reject("control_character", "id", "holds a control character")
	case appID <= 0:
		return reject("missing", "app_id", "give the App Store id of the app, a positive number")
	case when.IsZero():
		return reject("missing", "time", "give the time as RFC 3339, as in 2026-11-21T09:30:00Z")
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
	return nil
}

// Check says what is wrong with an install, or nil.
func (i *Install) Check(now time.Time) *Rejection {
	if r := checkCommon(i.ID, i.AppID, i.Time, now); r != nil {
		return r
	}
	switch i.ATTStatus {
	case "", "authorized", "denied", "restricted", "not_determined":
		return nil
	}
	return reject("unknown_value", "att_status", "want authorized, denied, restricted or not_determined, got %q", i.ATTStatus)
}

// Check says what is wrong with an event, or nil.
func (e *Event) Check(now time.Time) *Rejection {
	if r := checkCommon(e.ID, e.AppID, e.Time, now); r != nil {
		return r
	}
	switch {
	case e.InstallID == "":
		return reject("missing", "install_id", "give the id of the install that did it")
	case e.Name == "":
		return reject("missing", "name", "name the event")
	case len(e.Name) > 200:
		return reject("too_long", "name", "at most 200 bytes, not %d", len(e.Name))
	case e.Revenue != nil && e.Currency == "":
		return reject("missing", "currency", "revenue needs its ISO 4217 currency")
	case e.Currency != "" && !currencyCode.MatchString(e.Currency):
		return reject("unknown_value", "currency", "want a three-letter ISO 4217 code, got %q", e.Currency)
	}
	return nil
}
