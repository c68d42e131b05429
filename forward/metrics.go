package forward

import (
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promauto"
)

// Metrics are what the deliverer tells Prometheus. Labels are destination ids and
// classes only, never anything of a conversion.
type Metrics struct {
	deliveries *prometheus.CounterVec
	seconds    *prometheus.HistogramVec
	oldest     *prometheus.GaugeVec
	open       *prometheus.GaugeVec
	paused     *prometheus.GaugeVec
	disabled   *prometheus.GaugeVec
	missing    *prometheus.GaugeVec
}

// NewMetrics makes the metrics and registers them; reg may be nil.
func NewMetrics(reg prometheus.Registerer) *Metrics {
	with := promauto.With(reg)
	flag := func(name, help string) *prometheus.GaugeVec {
		return with.NewGaugeVec(prometheus.GaugeOpts{Name: name, Help: help}, []string{"destination"})
	}
	return &Metrics{
		deliveries: with.NewCounterVec(prometheus.CounterOpts{
			Name: "skand_deliveries_total",
			Help: "Delivery attempts by outcome class, and deliveries that expired (class expired).",
		}, []string{"destination", "class"}),
		seconds: with.NewHistogramVec(prometheus.HistogramOpts{
			Name:    "skand_delivery_seconds",
			Help:    "Seconds from the writing of a delivery to its 2xx answer.",
			Buckets: []float64{.05, .1, .25, .5, 1, 2.5, 5, 10, 30, 120, 600, 3600, 6 * 3600, 24 * 3600, 7 * 24 * 3600},
		}, []string{"destination"}),
		oldest: with.NewGaugeVec(prometheus.GaugeOpts{
			Name: "skand_oldest_due_seconds",
			Help: "Seconds since the oldest undelivered delivery was first due; 0 when nothing waits. The alert that catches everything.",
		}, []string{"destination"}),
		open:     flag("skand_breaker_open", "1 while the destination fails and only probes are sent to it."),
		paused:   flag("skand_destination_paused", "1 after ten held deliveries in a row, until the destination is edited or resumed."),
		disabled: flag("skand_destination_disabled", "1 after a 410, after 72 hours without success, or when an operator disabled it."),
		missing:  flag("skand_destination_key_missing", "1 while deliveries wait for a secret that is not stored."),
	}
}

func (m *Metrics) attempt(destination string, class Class) {
	m.deliveries.WithLabelValues(destination, string(class)).Inc()
}

func (m *Metrics) delivered(destination string, took time.Duration) {
	m.seconds.WithLabelValues(destination).Observe(max(0, took).Seconds())
}

func (m *Metrics) expired(destination string, rows int) {
	m.deliveries.WithLabelValues(destination, string(ClassExpired)).Add(float64(rows))
}

// waiting sets the age of the oldest row; a zero time means that none waits.
func (m *Metrics) waiting(destination string, oldest, now time.Time) {
	age := time.Duration(0)
	if !oldest.IsZero() {
		age = max(0, now.Sub(oldest))
	}
	m.oldest.WithLabelValues(destination).Set(age.Seconds())
}

func (m *Metrics) state(r Registered) {
	m.open.WithLabelValues(r.Destination.ID).Set(flagged(r.Breaker.Open()))
	m.paused.WithLabelValues(r.Destination.ID).Set(flagged(r.PausedReason != ""))
	m.disabled.WithLabelValues(r.Destination.ID).Set(flagged(r.DisabledReason != ""))
}

func (m *Metrics) keyMissing(destination string, is bool) {
	m.missing.WithLabelValues(destination).Set(flagged(is))
}

func flagged(is bool) float64 {
	if is {
		return 1
	}
	return 0
}
