package store

import (
	"context"
	"fmt"
	"strings"
	"time"

	"skand/internal/apply"
)

// relayDelays is how long each relay may hold a postback back, by the ids and aliases
// of the networks that have said so, in lower case.
type relayDelays map[string]time.Duration

// relayDelays reads what apply stored. Networks are few.
func (s *Store) relayDelays(ctx context.Context) (relayDelays, error) {
	networks, err := exportDefinitions[apply.Network](ctx, s.main.r, "network")
	if err != nil {
		return nil, fmt.Errorf("delays of relays: %w", err)
	}
	delays := relayDelays{}
	for i := range networks {
		n := &networks[i]
		d, err := n.Delay()
		if err != nil {
			return nil, fmt.Errorf("delays of relays: network %s: %w", n.NetworkID, err)
		}
		if d == 0 {
			continue
		}
		for _, id := range append([]string{n.NetworkID}, n.Aliases...) {
			delays[strings.ToLower(id)] = d
		}
	}
	return delays, nil
}

// of is the delay of the relay under this id, as it stands in the path that it posted
// to; 0 for one that nobody described, and for "", which is Apple.
func (d relayDelays) of(relay string) time.Duration { return d[strings.ToLower(relay)] }
