package apply

import (
	"fmt"
	"strconv"
	"strings"
	"time"
)

// maxRelayDelay bounds relay_delay: whoever passes postbacks on later than this is an
// archive, and archives come with the times of arrival (skand import).
const maxRelayDelay = 30 * 24 * time.Hour

// Delay is the longest that the network, or the vendor under this id, takes to pass
// a postback of Apple's on; 0 where it has not said. What it has relayed tells by
// that much less which schema the phone used, and when the app was first opened.
func (n *Network) Delay() (time.Duration, error) {
	if n.RelayDelay == "" {
		return 0, nil
	}
	d, err := time.ParseDuration(n.RelayDelay)
	if number, ok := strings.CutSuffix(n.RelayDelay, "d"); ok {
		var days int
		days, err = strconv.Atoi(number)
		d = time.Duration(min(max(days, -1), 31)) * 24 * time.Hour // what is out of range stays so
	}
	if err != nil {
		return 0, fmt.Errorf("relay_delay: %q is no duration; write it as 30m, 6h or 3d", n.RelayDelay)
	}
	if d < 0 || d > maxRelayDelay {
		return 0, fmt.Errorf("relay_delay: %s is out of range; set 0s to 30d", n.RelayDelay)
	}
	return d, nil
}
