// Package scoreboard owns the judgement of models: it lets every method estimate the
// same worlds, in which the truth is known, and says how far each is off, how biased,
// how honest its intervals are, and how far that is from the best that anyone could.
// It refuses to tune: no world's parameters reach a method.
package scoreboard
