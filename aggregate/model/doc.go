// Package model owns the estimate of what Apple withheld: a pure, seeded function
// from counts to amounts of all installs, with intervals. It refuses to overwrite
// what was observed, to say anything of one install, and to give a number where no
// value was seen.
//
// # What is known, and what is not
//
// An install is seen with its fine value (tiers 2 and 3 of Apple's crowds), with a
// coarse level (tier 1), or not at all (tier 0, "null"). The tier hangs on the size
// of the crowd and not on the install; crowds of different size differ all the same.
//
// # The model
//
// Fine values fall into classes: one per coarse level and, within it, payers apart
// from others. For the installs of campaign c of network n in window w
//
//	P(value) = P(level | c,w) P(payer | level, c,w) P(value | level, payer, c,w)
//
// and each of the three is a tree of Dirichlet distributions, app > network >
// campaign > window. A node's mean is (counts + a parent's mean) / (n + a); what a
// node passes up is its counts shrunk by a/(a+n), so that one large campaign does not
// speak for its network. The concentrations a are estimated: by the leave-one-out
// Polya likelihood (Minka, "Estimating a Dirichlet distribution", 2000) for levels
// and payers, and by credibility (Bühlmann and Straub, 1970: the variance within
// over that between) for values, whose mean is what counts.
//
// # Not at random
//
// Tier 1 against tiers 2 and 3 within one campaign and window gives log-odds of each
// level for small crowds: Mantel and Haenszel's, which holds with few installs a
// stratum, with the variance of Robins, Breslow and Greenland, and how far campaigns
// differ by DerSimonian and Laird. It is divided into one shift of payers and one of
// the others of each level. In the null tier both are multiplied by an extrapolation,
// for crowds there are smaller still; it is an assumption, a setting, with a spread.
//
// The consented cohort says how many of a campaign's installs paid, whatever the tier.
// Its own bias (people who consent pay more, or less) is one log-odds for the app,
// with heavy tails, so that a cohort that nothing else explains is a biased one; the
// null tier's further shift is another. They are told apart because campaigns differ in
// how much of them is null. Both are integrated over a grid; the campaigns' and
// networks' own deviations follow as normal posteriors.
//
// # Hidden payers
//
// Of some installs it is known only that few of them paid, or all but few, and what
// several such sets have together. Every way to come to what is known weighs as the
// product of its parts; means and draws are exact (bounded.go).
//
// # Intervals
//
// Draws from the posterior predictive: trees from the root down, shifts, deviations
// once per network and campaign and shared by all windows, then values of the installs
// that were not seen. The interval of a sum is the quantile of summed draws.
package model
