// Package attack owns the attacks on what is published: a simulated quarter goes
// through the real receiver, stores and sealer, and then readers who know every
// rule, and keep every number that they were ever shown, try to single somebody out.
// They read as readers do: PostgreSQL as the role of BI tools, SQLite as the
// published file, and every format of the API.
//
// It refuses to be toothless: each attack also runs against a naive publisher that
// leaves the sentence out which the attack is about, and has to succeed there. It is
// tests only. docs/attacks.md lists which test holds which attack.
package attack
