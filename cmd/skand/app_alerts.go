package main

import (
	"context"
	"errors"
	"log/slog"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"skand/forward"
	"skand/internal/config"
	"skand/internal/jobs"
	"skand/internal/store"
)

func thresholds(c config.Alerts) forward.Thresholds {
	return forward.Thresholds{OldestDue: c.OldestDue, DeliveryRate: float64(c.DeliveryRate) / 100, Span: c.Span, Least: int64(c.Least)}
}

// health counts what became of deliveries, then publishes what is due of it.
func (a *App) health(ctx context.Context) (jobs.Result, error) {
	counted, err := a.store.CountDeliveries(ctx)
	published, wrong := a.store.PublishNetworkHealth(ctx)
	return jobs.Result{Rows: counted + published}, errors.Join(err, wrong)
}

// alertMetrics tells of the alerts at each scrape.
type alertMetrics struct {
	store  *store.Store
	bounds forward.Thresholds
	log    *slog.Logger
}

var alertDesc = prometheus.NewDesc("skand_alerts",
	"1 for each alert of a destination, as GET /v1/alerts lists them; its playbook is in docs/playbooks.", []string{"kind", "destination"}, nil)

// Describe implements prometheus.Collector.
func (m *alertMetrics) Describe(ch chan<- *prometheus.Desc) { ch <- alertDesc }

// Collect implements prometheus.Collector.
func (m *alertMetrics) Collect(ch chan<- prometheus.Metric) {
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	alerts, err := m.store.Alerts(ctx, m.bounds)
	if err != nil {
		m.log.WarnContext(ctx, "alerts not read", "error", err)
		return
	}
	for _, alert := range alerts {
		ch <- prometheus.MustNewConstMetric(alertDesc, prometheus.GaugeValue, 1, string(alert.Kind), alert.DestinationID)
	}
}
