package web

import (
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"skand/conversion"
	"skand/skan"
)

// Metrics of the receiver. Labels come from closed lists: a stranger must not be
// able to make time series.
type Metrics struct {
	postbacks *prometheus.CounterVec
	verified  *prometheus.CounterVec
	seconds   prometheus.Histogram
	batch     prometheus.Histogram
}

// NewMetrics registers the receiver's metrics.
func NewMetrics(reg prometheus.Registerer) *Metrics {
	m := &Metrics{
		postbacks: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "skand_postbacks_total", Help: "Postbacks that were answered 200, by verdict and by the path they came on.",
		}, []string{"framework", "version", "verdict", "provenance"}),
		verified: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "skand_verified_copies_total",
			Help: "Copies that Apple signed, by network and by what became of them. A network whose conflicts grow alters what it relays.",
		}, []string{"network", "state"}),
		seconds: prometheus.NewHistogram(prometheus.HistogramOpts{
			Name: "skand_ingest_seconds", Help: "From the first byte of a postback's body to its durable commit.",
			Buckets: prometheus.ExponentialBuckets(0.0005, 2, 14),
		}),
		batch: prometheus.NewHistogram(prometheus.HistogramOpts{
			Name: "skand_ingest_batch_size", Help: "Postbacks in one commit.", Buckets: []float64{1, 2, 5, 10, 20, 50, 100, 200, 500},
		}),
	}
	reg.MustRegister(m.postbacks, m.verified, m.seconds, m.batch)
	return m
}

func (m *Metrics) postback(r skan.Result, became conversion.State, source conversion.Source, took time.Duration) {
	if r.Verdict == skan.Valid {
		// The network is signed, so no stranger can make one up.
		m.verified.WithLabelValues(r.Identity.NetworkID, string(became)).Inc()
	}
	version := conversion.KnownVersion(r.Version)
	m.postbacks.WithLabelValues(string(r.Framework), version, string(r.Verdict), string(source)).Inc()
	m.seconds.Observe(took.Seconds())
}

// Committed notes the size of one commit.
func (m *Metrics) Committed(copies int) { m.batch.Observe(float64(copies)) }
