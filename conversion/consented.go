package conversion

import (
	"encoding/json"
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
