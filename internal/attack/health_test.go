package attack

import (
	"fmt"
	"math"
	"strconv"
)

// knownCrowds [no part of 1 to b-1]: a reader who knows how many installs a network had
// in a week (deterministic_cohort tells at least k), one conversion each, and who knows
// the rules, works out from the shares of network_health how many of them were
// delivered, dropped or left waiting.
//
// A line of network_health has no count, and is there whether anything was sent or not,
// so it adds nothing to a sum and takes nothing from one: what it can tell is how a crowd
// that is known otherwise is divided. Three parts stand behind its two shares; each has
// no install or at least b, or neither share is there, and a share is rounded to 5 per
// cent. Weeks share no delivery, networks share no delivery, and there is no line for all
// networks together to take them from.
func (r *reader) knownCrowds() (found []string) {
	columns, err := r.publisher.columns()
	if err != nil {
		return []string{err.Error()}
	}
	if columns["network_health"] == nil || columns["deterministic_cohort"] == nil {
		return nil
	}
	found = r.asked("network_health", map[string]string{
		"a share that is no step of five": `SELECT app_id, network_id, delivery_rate, drop_rate FROM network_health
			WHERE delivery_rate % 5 <> 0 OR drop_rate % 5 <> 0 OR delivery_rate + drop_rate > 105`,
		"one share without the other": `SELECT app_id, network_id FROM network_health WHERE (delivery_rate IS NULL) <> (drop_rate IS NULL)`,
		"a week twice":                `SELECT app_id, network_id, week_start FROM network_health GROUP BY 1, 2, 3 HAVING COUNT(*) > 1`,
		"weeks that overlap": `SELECT a.network_id, a.week_start FROM network_health a JOIN network_health b ON a.app_id = b.app_id AND a.network_id = b.network_id
			AND a.week_start < b.week_start AND b.week_start < a.week_end`,
	})
	known, err := r.publisher.query(r.publisher.ctx, `SELECT h.network_id, h.b, h.delivery_rate, h.drop_rate, SUM(c.installs)
		FROM network_health h JOIN deterministic_cohort c ON c.app_id = h.app_id AND c.network_id = h.network_id AND c.window_start = h.week_start
		WHERE h.delivery_rate IS NOT NULL GROUP BY h.app_id, h.network_id, h.week_start, h.b, h.delivery_rate, h.drop_rate`)
	if err != nil {
		return append(found, err.Error())
	}
	for _, line := range known.lines {
		var v [4]int
		for i, cell := range line[1:] {
			if v[i], err = strconv.Atoi(cell); err != nil {
				return append(found, err.Error())
			}
		}
		if part := pinned(v[0], v[1], v[2], v[3]); part != "" {
			found = append(found, fmt.Sprintf("%s: %d installs, %d %% delivered, %d %% dropped: %s", line[0], v[3], v[1], v[2], part))
		}
	}
	return found
}

// pinned names a part that has 1 to b-1 installs in every way to divide n that fits.
func pinned(b, delivery, drop, n int) string {
	step := func(part int) int { return 5 * int(math.Round(20*float64(part)/float64(n))) }
	ways, few := 0, [3]int{}
	for d := range n + 1 {
		for x := range n - d + 1 {
			if step(d) != delivery || step(x) != drop {
				continue
			}
			ways++
			for i, part := range [3]int{d, x, n - d - x} {
				if part > 0 && part < b {
					few[i]++
				}
			}
		}
	}
	for i, name := range [3]string{"delivered", "dropped", "waiting"} {
		if ways > 0 && few[i] == ways {
			return name + " are fewer than b"
		}
	}
	return ""
}
