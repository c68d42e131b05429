package attack

import (
	"fmt"
	"strings"
)

// noisedViews [the same answer]: where noised views are published, asking a thousand
// times averages no noise out; no cell was drawn twice, and none is shown below k.
func (r *reader) noisedViews() (found []string) {
	columns, err := r.publisher.columns()
	if err != nil {
		return []string{err.Error()}
	}
	if columns["cohort_crossing"] == nil {
		return nil
	}
	first := ""
	for i := range 1000 {
		answer, err := r.publisher.query(r.publisher.ctx, `SELECT * FROM cohort_crossing LIMIT 50`)
		if err != nil {
			return []string{err.Error()}
		}
		text := fmt.Sprint(answer.lines)
		if i > 0 && text != first {
			return []string{"asked again, a noised view gives another answer"}
		}
		first = text
	}
	for what, text := range map[string]string{
		"a cell was drawn twice": `SELECT r.dataset, r.window_end, x.view, x.network_id, x.value FROM cohort_crossing x
			JOIN release r ON r.release_id = x.release_id GROUP BY 1, 2, 3, 4, 5 HAVING COUNT(*) > 1`,
		"a cell is below k": `SELECT x.release_id, x.installs FROM cohort_crossing x
			JOIN release r ON r.release_id = x.release_id WHERE x.installs < r.k`,
	} {
		answer, err := r.publisher.query(r.publisher.ctx, text)
		if err != nil {
			return []string{err.Error()}
		}
		for _, line := range answer.lines {
			found = append(found, what+": "+strings.Join(line, " "))
		}
	}
	return found
}
