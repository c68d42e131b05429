package attack

import (
	"fmt"
	"strings"
)

// consentedRows [none below k, none of 1 to b-1]: rows of consented installs, what they
// did, and every stage of a funnel within the stage before it.
func (r *reader) consentedRows() []string {
	return r.asked("deterministic_cohort", map[string]string{
		"a row below k": `SELECT c.release_id, c.installs FROM deterministic_cohort c
			JOIN release r ON r.release_id = c.release_id WHERE c.installs < r.k`,
		"payers, or others, of 1 to b-1": `SELECT c.release_id, c.payers FROM deterministic_cohort c
			JOIN release r ON r.release_id = c.release_id
			WHERE c.payers BETWEEN 1 AND r.b - 1 OR c.installs - c.payers BETWEEN 1 AND r.b - 1`,
		"an event of 1 to b-1": `SELECT e.release_id, e.event_name, e.installs FROM deterministic_event e
			JOIN release r ON r.release_id = e.release_id WHERE e.installs BETWEEN 1 AND r.b - 1`,
		"a stage, or who left before it, of 1 to b-1": `SELECT f.release_id, f.stage, f.installs FROM funnel f
			JOIN release r ON r.release_id = f.release_id
			LEFT JOIN funnel p ON p.release_id = f.release_id AND p.funnel = f.funnel AND p.stage = f.stage - 1
				AND COALESCE(p.network_id, '') = COALESCE(f.network_id, '') AND COALESCE(p.source_2, '') = COALESCE(f.source_2, '')
				AND COALESCE(p.id_kind, '') = COALESCE(f.id_kind, '')
			WHERE f.installs BETWEEN 1 AND r.b - 1 OR p.installs - f.installs BETWEEN 1 AND r.b - 1`,
		"a place twice": `SELECT release_id, network_id, source_2, source_3, source_4, level FROM deterministic_cohort
			GROUP BY 1, 2, 3, 4, 5, 6, id_kind HAVING COUNT(*) > 1`,
	})
}

// combinedParts [0 or at least k]: what is on both sides, and what each side has alone.
func (r *reader) combinedParts() []string {
	return r.asked("combined", map[string]string{
		"a part of 1 to k-1": `SELECT c.row_id, c.overlap_est FROM combined c JOIN release r ON r.release_id = c.release_id
			WHERE c.overlap_est BETWEEN 1 AND r.k - 1 OR c.skan_installs - c.overlap_est BETWEEN 1 AND r.k - 1
			OR c.deterministic_installs - c.overlap_est BETWEEN 1 AND r.k - 1`,
		"a row below k": `SELECT c.row_id, c.combined_est FROM combined c JOIN release r ON r.release_id = c.release_id WHERE c.combined_est < r.k`,
		"two of one time": `SELECT a.row_id, b.row_id FROM combined a JOIN combined b ON a.app_id = b.app_id AND a.release_id < b.release_id
			AND a.period_start < b.period_end AND b.period_start < a.period_end`,
	})
}

// asked runs what may have no answer.
func (r *reader) asked(table string, questions map[string]string) (found []string) {
	columns, err := r.publisher.columns()
	if err != nil {
		return []string{err.Error()}
	}
	if columns[table] == nil {
		return nil
	}
	for what, text := range questions {
		answer, err := r.publisher.query(r.publisher.ctx, text)
		if err != nil {
			return []string{fmt.Sprint(what, ": ", err)}
		}
		for _, line := range answer.lines {
			found = append(found, what+": "+strings.Join(line, " "))
		}
	}
	return found
}
