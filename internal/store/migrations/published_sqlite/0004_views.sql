-- +goose Up
-- The newest decode of every window, with the name of the campaign at its start: that of
-- the most digits that have one. Campaign id 7 is the source c7, as in row_id.
CREATE VIEW cohort_current AS
SELECT c.release_id, c.row_id, c.app_id, c.sequence_index, c.conversion_kind, c.environment, c.window_start, c.window_end,
    c.install_from, c.install_to, c.network_id, c.id_kind, c.source_2, c.source_3, c.source_4, c.level,
    c.installs, c.null_installs, c.unset_installs, c.unmapped_installs, c.coarse_low, c.coarse_medium, c.coarse_high, c.fine_installs,
    c.payers, c.revenue_min, c.revenue_est, c.revenue_max, c.currency, c.redownloads, c.schema_versions,
    r.kind AS release_kind,
    CASE WHEN k4.source IS NOT NULL THEN k4.campaign_id WHEN k3.source IS NOT NULL THEN k3.campaign_id ELSE k2.campaign_id END AS campaign_id,
    CASE WHEN k4.source IS NOT NULL THEN k4.campaign_name WHEN k3.source IS NOT NULL THEN k3.campaign_name ELSE k2.campaign_name END AS campaign_name
FROM cohort c
JOIN release r ON r.release_id = c.release_id
LEFT JOIN campaign k2 ON k2.network_id = c.network_id AND k2.source = CASE c.id_kind WHEN 'campaign' THEN 'c' || c.source_2 ELSE c.source_2 END
    AND (k2.valid_from IS NULL OR k2.valid_from <= c.window_start) AND (k2.valid_to IS NULL OR c.window_start < k2.valid_to)
LEFT JOIN campaign k3 ON k3.network_id = c.network_id AND k3.source = c.source_3
    AND (k3.valid_from IS NULL OR k3.valid_from <= c.window_start) AND (k3.valid_to IS NULL OR c.window_start < k3.valid_to)
LEFT JOIN campaign k4 ON k4.network_id = c.network_id AND k4.source = c.source_4
    AND (k4.valid_from IS NULL OR k4.valid_from <= c.window_start) AND (k4.valid_to IS NULL OR c.window_start < k4.valid_to)
WHERE c.release_id NOT IN (SELECT o.release_id FROM release n
    JOIN release o ON o.app_id = n.app_id AND o.dataset = n.dataset AND o.window_end = n.window_end AND o.kind = 'base'
    WHERE n.kind = 'redecode');

-- Plain sums over rows, and beside each how many rows withhold the measure: where that
-- is not 0 the sum is a lower bound. Sums of money are binary here, rounded to nine places.
CREATE VIEW cohort_by_network AS
SELECT app_id, sequence_index, conversion_kind, environment, network_id, window_start, window_end, currency,
    COUNT(*) AS rows,
    SUM(installs) AS installs,
    SUM(null_installs) AS null_installs, COUNT(*) - COUNT(null_installs) AS null_installs_withheld_rows,
    SUM(unset_installs) AS unset_installs, COUNT(*) - COUNT(unset_installs) AS unset_installs_withheld_rows,
    SUM(unmapped_installs) AS unmapped_installs, COUNT(*) - COUNT(unmapped_installs) AS unmapped_installs_withheld_rows,
    SUM(coarse_low) AS coarse_low, COUNT(*) - COUNT(coarse_low) AS coarse_low_withheld_rows,
    SUM(coarse_medium) AS coarse_medium, COUNT(*) - COUNT(coarse_medium) AS coarse_medium_withheld_rows,
    SUM(coarse_high) AS coarse_high, COUNT(*) - COUNT(coarse_high) AS coarse_high_withheld_rows,
    SUM(fine_installs) AS fine_installs, COUNT(*) - COUNT(fine_installs) AS fine_installs_withheld_rows,
    SUM(payers) AS payers, COUNT(*) - COUNT(payers) AS payers_withheld_rows,
    ROUND(SUM(revenue_min), 9) AS revenue_min, COUNT(*) - COUNT(revenue_min) AS revenue_min_withheld_rows,
    ROUND(SUM(revenue_est), 9) AS revenue_est, COUNT(*) - COUNT(revenue_est) AS revenue_est_withheld_rows,
    ROUND(SUM(revenue_max), 9) AS revenue_max, COUNT(*) - COUNT(revenue_max) AS revenue_max_withheld_rows,
    SUM(redownloads) AS redownloads, COUNT(*) - COUNT(redownloads) AS redownloads_withheld_rows
FROM cohort_current
GROUP BY 1, 2, 3, 4, 5, 6, 7, 8;

CREATE VIEW cohort_by_source AS
SELECT c.*, k2.campaign_id, k2.campaign_name
FROM (
    SELECT app_id, sequence_index, conversion_kind, environment, network_id, id_kind, source_2, window_start, window_end, currency,
    COUNT(*) AS rows,
    SUM(installs) AS installs,
    SUM(null_installs) AS null_installs, COUNT(*) - COUNT(null_installs) AS null_installs_withheld_rows,
    SUM(unset_installs) AS unset_installs, COUNT(*) - COUNT(unset_installs) AS unset_installs_withheld_rows,
    SUM(unmapped_installs) AS unmapped_installs, COUNT(*) - COUNT(unmapped_installs) AS unmapped_installs_withheld_rows,
    SUM(coarse_low) AS coarse_low, COUNT(*) - COUNT(coarse_low) AS coarse_low_withheld_rows,
    SUM(coarse_medium) AS coarse_medium, COUNT(*) - COUNT(coarse_medium) AS coarse_medium_withheld_rows,
    SUM(coarse_high) AS coarse_high, COUNT(*) - COUNT(coarse_high) AS coarse_high_withheld_rows,
    SUM(fine_installs) AS fine_installs, COUNT(*) - COUNT(fine_installs) AS fine_installs_withheld_rows,
    SUM(payers) AS payers, COUNT(*) - COUNT(payers) AS payers_withheld_rows,
    ROUND(SUM(revenue_min), 9) AS revenue_min, COUNT(*) - COUNT(revenue_min) AS revenue_min_withheld_rows,
    ROUND(SUM(revenue_est), 9) AS revenue_est, COUNT(*) - COUNT(revenue_est) AS revenue_est_withheld_rows,
    ROUND(SUM(revenue_max), 9) AS revenue_max, COUNT(*) - COUNT(revenue_max) AS revenue_max_withheld_rows,
    SUM(redownloads) AS redownloads, COUNT(*) - COUNT(redownloads) AS redownloads_withheld_rows
    FROM cohort_current
    GROUP BY 1, 2, 3, 4, 5, 6, 7, 8, 9, 10
) c
LEFT JOIN campaign k2 ON k2.network_id = c.network_id AND k2.source = CASE c.id_kind WHEN 'campaign' THEN 'c' || c.source_2 ELSE c.source_2 END
    AND (k2.valid_from IS NULL OR k2.valid_from <= c.window_start) AND (k2.valid_to IS NULL OR c.window_start < k2.valid_to);

CREATE VIEW cohort_by_week AS
SELECT app_id, sequence_index, conversion_kind, environment, date(window_start, '-6 days', 'weekday 1') AS week, network_id, currency,
    COUNT(*) AS rows,
    SUM(installs) AS installs,
    SUM(null_installs) AS null_installs, COUNT(*) - COUNT(null_installs) AS null_installs_withheld_rows,
    SUM(unset_installs) AS unset_installs, COUNT(*) - COUNT(unset_installs) AS unset_installs_withheld_rows,
    SUM(unmapped_installs) AS unmapped_installs, COUNT(*) - COUNT(unmapped_installs) AS unmapped_installs_withheld_rows,
    SUM(coarse_low) AS coarse_low, COUNT(*) - COUNT(coarse_low) AS coarse_low_withheld_rows,
    SUM(coarse_medium) AS coarse_medium, COUNT(*) - COUNT(coarse_medium) AS coarse_medium_withheld_rows,
    SUM(coarse_high) AS coarse_high, COUNT(*) - COUNT(coarse_high) AS coarse_high_withheld_rows,
    SUM(fine_installs) AS fine_installs, COUNT(*) - COUNT(fine_installs) AS fine_installs_withheld_rows,
    SUM(payers) AS payers, COUNT(*) - COUNT(payers) AS payers_withheld_rows,
    ROUND(SUM(revenue_min), 9) AS revenue_min, COUNT(*) - COUNT(revenue_min) AS revenue_min_withheld_rows,
    ROUND(SUM(revenue_est), 9) AS revenue_est, COUNT(*) - COUNT(revenue_est) AS revenue_est_withheld_rows,
    ROUND(SUM(revenue_max), 9) AS revenue_max, COUNT(*) - COUNT(revenue_max) AS revenue_max_withheld_rows,
    SUM(redownloads) AS redownloads, COUNT(*) - COUNT(redownloads) AS redownloads_withheld_rows
FROM cohort_current
GROUP BY 1, 2, 3, 4, 5, 6, 7;

CREATE VIEW cohort_by_month AS
SELECT app_id, sequence_index, conversion_kind, environment, date(window_start, 'start of month') AS month, network_id, currency,
    COUNT(*) AS rows,
    SUM(installs) AS installs,
    SUM(null_installs) AS null_installs, COUNT(*) - COUNT(null_installs) AS null_installs_withheld_rows,
    SUM(unset_installs) AS unset_installs, COUNT(*) - COUNT(unset_installs) AS unset_installs_withheld_rows,
    SUM(unmapped_installs) AS unmapped_installs, COUNT(*) - COUNT(unmapped_installs) AS unmapped_installs_withheld_rows,
    SUM(coarse_low) AS coarse_low, COUNT(*) - COUNT(coarse_low) AS coarse_low_withheld_rows,
    SUM(coarse_medium) AS coarse_medium, COUNT(*) - COUNT(coarse_medium) AS coarse_medium_withheld_rows,
    SUM(coarse_high) AS coarse_high, COUNT(*) - COUNT(coarse_high) AS coarse_high_withheld_rows,
    SUM(fine_installs) AS fine_installs, COUNT(*) - COUNT(fine_installs) AS fine_installs_withheld_rows,
    SUM(payers) AS payers, COUNT(*) - COUNT(payers) AS payers_withheld_rows,
    ROUND(SUM(revenue_min), 9) AS revenue_min, COUNT(*) - COUNT(revenue_min) AS revenue_min_withheld_rows,
    ROUND(SUM(revenue_est), 9) AS revenue_est, COUNT(*) - COUNT(revenue_est) AS revenue_est_withheld_rows,
    ROUND(SUM(revenue_max), 9) AS revenue_max, COUNT(*) - COUNT(revenue_max) AS revenue_max_withheld_rows,
    SUM(redownloads) AS redownloads, COUNT(*) - COUNT(redownloads) AS redownloads_withheld_rows
FROM cohort_current
GROUP BY 1, 2, 3, 4, 5, 6, 7;

CREATE VIEW cohort_by_schema_version AS
SELECT app_id, sequence_index, conversion_kind, environment, schema_versions, currency,
    MIN(window_start) AS first_window_start, MAX(window_end) AS last_window_end,
    COUNT(*) AS rows,
    SUM(installs) AS installs,
    SUM(null_installs) AS null_installs, COUNT(*) - COUNT(null_installs) AS null_installs_withheld_rows,
    SUM(unset_installs) AS unset_installs, COUNT(*) - COUNT(unset_installs) AS unset_installs_withheld_rows,
    SUM(unmapped_installs) AS unmapped_installs, COUNT(*) - COUNT(unmapped_installs) AS unmapped_installs_withheld_rows,
    SUM(coarse_low) AS coarse_low, COUNT(*) - COUNT(coarse_low) AS coarse_low_withheld_rows,
    SUM(coarse_medium) AS coarse_medium, COUNT(*) - COUNT(coarse_medium) AS coarse_medium_withheld_rows,
    SUM(coarse_high) AS coarse_high, COUNT(*) - COUNT(coarse_high) AS coarse_high_withheld_rows,
    SUM(fine_installs) AS fine_installs, COUNT(*) - COUNT(fine_installs) AS fine_installs_withheld_rows,
    SUM(payers) AS payers, COUNT(*) - COUNT(payers) AS payers_withheld_rows,
    ROUND(SUM(revenue_min), 9) AS revenue_min, COUNT(*) - COUNT(revenue_min) AS revenue_min_withheld_rows,
    ROUND(SUM(revenue_est), 9) AS revenue_est, COUNT(*) - COUNT(revenue_est) AS revenue_est_withheld_rows,
    ROUND(SUM(revenue_max), 9) AS revenue_max, COUNT(*) - COUNT(revenue_max) AS revenue_max_withheld_rows,
    SUM(redownloads) AS redownloads, COUNT(*) - COUNT(redownloads) AS redownloads_withheld_rows
FROM cohort_current
GROUP BY 1, 2, 3, 4, 5, 6;
