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
	disabled   *prometheus.GaugeVec
}

// NewMetrics makes the metrics and registers them; reg may be nil.
func NewMetrics(reg prometheus.Registerer) *Metrics {
	with := promauto.With(reg)
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
		disabled: with.NewGaugeVec(prometheus.GaugeOpts{
			Name: "skand_destination_disabled",
			Help: "1 when skand disabled the destination because it answered 410 Gone.",
		}, []string{"destination"}),
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
	v := 0.0
	if r.DisabledReason != "" {
		v = 1
	}
	m.disabled.WithLabelValues(r.Destination.ID).Set(v)
}
