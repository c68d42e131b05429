package store

import "slices"

// viewsDescribed are the views of the published store. The roll-ups have the same
// measures, so that what is said of a sum is said once.
func viewsDescribed() []described {
	network := columnMeaning{"network_id", "ad network, lower case", "", "`other` of several networks, or `total`"}
	window := []columnMeaning{
		{"window_start", "as in `release`", "UTC", ""},
		{"window_end", "as in `release`", "UTC", ""},
	}
	named := []columnMeaning{
		{"campaign_id", "the network's id of the campaign at `window_start`; see `campaign`", "", "it has none"},
		{"campaign_name", "its name", "", "it has none"},
	}
	source := []columnMeaning{
		{"id_kind", "`source` or `campaign`, as in `cohort`", "", "`source_2` is NULL"},
		{"source_2", "two digits of the source identifier, or the campaign id", "", "rows above this level: `network`, `withheld` and `other` of the network, or `total`"},
	}
	rollup := func(name, about string, keys, sums []columnMeaning) described {
		d := described{name, about, slices.Concat(datasetDescribed, keys, sums), "cohort_by_network"}
		if name == d.alike {
			d.alike = ""
		}
		return d
	}
	return []described{
		{"cohort_current", "The rows of `cohort`, each window once: as it was decoded last. The name is that of the most digits that have one.",
			slices.Concat(cohortDescribed, []columnMeaning{{"release_kind", "`base` or `redecode`", "", ""}}, named), "cohort"},
		rollup("cohort_by_network", "Sums over the rows of `cohort_current` by window and network.",
			slices.Concat([]columnMeaning{network}, window), sumsDescribed()),
		rollup("cohort_by_source", "The same by campaign: two digits, or a campaign id.",
			slices.Concat([]columnMeaning{network}, source, window), slices.Concat(sumsDescribed(), named)),
		rollup("cohort_by_week", "The same by calendar week and network.", []columnMeaning{
			{"week", "Monday of the week in which the windows begin, as a date", "UTC", ""}, network,
		}, sumsDescribed()),
		rollup("cohort_by_month", "The same by calendar month and network. A week that straddles two months belongs to the one in which it begins.", []columnMeaning{
			{"month", "first day of the month in which the windows begin, as a date", "UTC", ""}, network,
		}, sumsDescribed()),
		rollup("cohort_by_schema_version", "The same by the schema versions of the releases, over all windows.", []columnMeaning{
			{"schema_versions", "as in `release`; empty: no schema", "", ""},
		}, slices.Concat(sumsDescribed()[:1], []columnMeaning{
			{"first_window_start", "start of the first of these windows", "UTC", ""},
			{"last_window_end", "end of the last", "UTC", ""},
		}, sumsDescribed()[1:])),
	}
}

func sumsDescribed() []columnMeaning {
	out := []columnMeaning{
		{"currency", "of the revenue columns; sums never mix two", "ISO 4217", ""},
		{"rows", "rows that were added up", "rows", ""},
		{"installs", "their installs", "installs", ""},
	}
	of := map[string]columnMeaning{}
	for _, c := range cohortDescribed {
		of[c.column] = c
	}
	for _, m := range measures {
		out = append(out,
			columnMeaning{m.Name, "sum of `" + m.Name + "` over the rows that show it; a lower bound where some withhold it", of[m.Name].unit, "every row withholds it"},
			columnMeaning{m.Name + withheldRows, "rows among them whose `" + m.Name + "` is NULL", "rows", ""})
	}
	return out
}
