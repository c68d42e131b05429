package web

import (
	"bufio"
	"net/http"

	"skand/internal/store"
)

// exportPage is how many deliveries an export holds at a time.
const exportPage = 1000

var deliveryColumns = []store.Column{
	{Name: "id", Type: store.Text}, {Name: "destination", Type: store.Text}, {Name: "app_id", Type: store.Number}, {Name: "kind", Type: store.Text},
	{Name: "event_name", Type: store.Text}, {Name: "dedup_key", Type: store.Text}, {Name: "state", Type: store.Text}, {Name: "reason", Type: store.Text},
	{Name: "status", Type: store.Number}, {Name: "attempts", Type: store.Number}, {Name: "created_at", Type: store.Time}, {Name: "due_at", Type: store.Time},
	{Name: "expires_at", Type: store.Time}, {Name: "settled_at", Type: store.Time}, {Name: "last_attempt_at", Type: store.Time},
	{Name: "last_duration_ms", Type: store.Number}, {Name: "template_version", Type: store.Number},
}

// exportDeliveries streams the log page by page, so that its length costs time and no
// memory. What is written meanwhile is newer than its begin, and not in it.
func (a *Admin) exportDeliveries(w http.ResponseWriter, r *http.Request, f store.DeliveryFilter, format string) {
	how := cohortFormatNamed(format)
	data, next, err := a.Deliveries.Deliveries(r.Context(), f, "", exportPage)
	if err != nil {
		a.failed(w, r, err)
		return
	}
	w.Header().Set("Content-Type", how.contentType)
	w.Header().Set("Content-Disposition", `attachment; filename="deliveries.`+format+`"`)
	out := &stream{w: w, control: http.NewResponseController(w)}
	buffer := bufio.NewWriterSize(out, 32<<10)
	rows := how.writer(buffer, nil)
	err = rows.begin(deliveryColumns)
	for err == nil {
		for i := range data {
			if err = rows.row(deliveryValues(&data[i])); err != nil {
				break
			}
		}
		if err != nil || next == "" {
			break
		}
		data, next, err = a.Deliveries.Deliveries(r.Context(), f, next, exportPage)
	}
	if err == nil {
		err = rows.end("", nil)
	}
	if err == nil {
		err = buffer.Flush()
	}
	if err != nil {
		a.brokenOff(w, r, out, err)
	}
}

func deliveryValues(d *store.Delivery) []any {
	var settled, attempted, took, version any
	if d.SettledAt != nil {
		settled = store.Stamp(*d.SettledAt)
	}
	if n := len(d.Log); n > 0 {
		last := d.Log[n-1]
		attempted, took, version = store.Stamp(last.At), last.Duration.Milliseconds(), int64(last.TemplateVersion)
	}
	return []any{
		d.ID, d.DestinationID, d.AppID, d.Kind, d.EventName, d.DedupKey, string(d.State), d.Reason, int64(d.Status), int64(d.Attempts),
		store.Stamp(d.CreatedAt), store.Stamp(d.DueAt), store.Stamp(d.ExpiresAt), settled, attempted, took, version,
	}
}
