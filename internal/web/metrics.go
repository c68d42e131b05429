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
	seconds   prometheus.Histogram
	batch     prometheus.Histogram
}

// NewMetrics registers the receiver's metrics.
func NewMetrics(reg prometheus.Registerer) *Metrics {
	m := &Metrics{
		postbacks: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "skand_postbacks_total", Help: "Postbacks that were answered 200, by verdict and by the path they came on.",
		}, []string{"framework", "version", "verdict", "provenance"}),
		seconds: prometheus.NewHistogram(prometheus.HistogramOpts{
			Name: "skand_ingest_seconds", Help: "From the first byte of a postback's body to its durable commit.",
			Buckets: prometheus.ExponentialBuckets(0.0005, 2, 14),
		}),
		batch: prometheus.NewHistogram(prometheus.HistogramOpts{
			Name: "skand_ingest_batch_size", Help: "Postbacks in one commit.", Buckets: []float64{1, 2, 5, 10, 20, 50, 100, 200, 500},
		}),
	}
	reg.MustRegister(m.postbacks, m.seconds, m.batch)
	return m
}

func (m *Metrics) postback(r skan.Result, source conversion.Source, took time.Duration) {
	version := conversion.KnownVersion(r.Version)
	m.postbacks.WithLabelValues(string(r.Framework), version, string(r.Verdict), string(source)).Inc()
	m.seconds.Observe(took.Seconds())
}

// Committed notes the size of one commit.
func (m *Metrics) Committed(copies int) { m.batch.Observe(float64(copies)) }
