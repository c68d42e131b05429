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

// health counts what arrived and what became of deliveries, then publishes what is due.
func (a *App) health(ctx context.Context) (jobs.Result, error) {
	arrived, missed := a.store.CountArrivals(ctx)
	counted, err := a.store.CountDeliveries(ctx)
	published, wrong := a.store.PublishNetworkHealth(ctx)
	return jobs.Result{Rows: arrived + counted + published}, errors.Join(missed, err, wrong)
}

// alertMetrics tells of the alerts at each scrape.
type alertMetrics struct {
	store  *store.Store
	bounds forward.Thresholds
	log    *slog.Logger
}

var alertDesc = prometheus.NewDesc("skand_alerts",
	"1 for each kind of alert of a destination, or of an app, as GET /v1/alerts lists them; its playbook is in docs/playbooks.",
	[]string{"kind", "destination", "app"}, nil)

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
	told := map[[3]string]bool{} // an app may have several of one kind: by level and metric
	for _, alert := range alerts {
		labels := [3]string{string(alert.Kind), alert.DestinationID, alert.AppID}
		if !told[labels] {
			ch <- prometheus.MustNewConstMetric(alertDesc, prometheus.GaugeValue, 1, labels[:]...)
		}
		told[labels] = true
	}
}
