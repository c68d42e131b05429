package main

import (
	"context"
	"log/slog"
	"strconv"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"skand/internal/store"
)

// sealedMetrics tells of the newest sealed release, at each scrape. It reads what
// is published and nothing finer: two scrapes can't tell one install.
type sealedMetrics struct {
	store *store.Store
	now   func() time.Time
	log   *slog.Logger
}

var (
	nullRatio = prometheus.NewDesc("skand_null_values_ratio",
		"Share of installs without a value (or with one that is withheld) in the newest sealed release.", []string{"app", "network"}, nil)
	releaseAge = prometheus.NewDesc("skand_release_age_seconds",
		"Since the newest release of the app's installs was sealed.", []string{"app"}, nil)
)

// Describe implements prometheus.Collector.
func (m *sealedMetrics) Describe(ch chan<- *prometheus.Desc) {
	ch <- nullRatio
	ch <- releaseAge
}

// Collect implements prometheus.Collector.
func (m *sealedMetrics) Collect(ch chan<- prometheus.Metric) {
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	sealed, err := m.store.LastSealed(ctx)
	if err != nil {
		m.log.WarnContext(ctx, "release metrics not read", "error", err)
		return
	}
	for _, s := range sealed {
		app := strconv.FormatInt(s.AppID, 10)
		ch <- prometheus.MustNewConstMetric(releaseAge, prometheus.GaugeValue, m.now().Sub(s.SealedAt).Seconds(), app)
		for network, ratio := range s.NullRatio {
			ch <- prometheus.MustNewConstMetric(nullRatio, prometheus.GaugeValue, ratio, app, network)
		}
	}
}
