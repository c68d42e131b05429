package forward

import (
	"errors"
	"fmt"
	"math"
	"strconv"
	"strings"
	"sync"

	"github.com/expr-lang/expr"
	"github.com/expr-lang/expr/file"
	"github.com/expr-lang/expr/vm"
)

var errNoAmount = errors.New("no decimal amount")

// Bounds of a predicate. What fits into them is computed in microseconds: it has no
// loop, no pattern and no range, so its work is bounded by its length.
const (
	maxWhere      = 2000 // bytes
	maxWhereNodes = 200
)

// predicate is a compiled `where`: a pure function of a conversion's fields. The zero
// value of a pointer, nil, holds for nothing.
type predicate struct {
	program *vm.Program
	needs   []string // names of the macros that it mentions
}

// compilePredicate reads a predicate of expr-lang/expr over macros. Its error is one
// line: what is wrong, where, and what to write instead.
func compilePredicate(text string) (*predicate, error) {
	if len(text) > maxWhere {
		return nil, fmt.Errorf("is %d bytes long; at most %d can stand here", len(text), maxWhere)
	}
	needs, err := checkWhere(text)
	if err != nil {
		return nil, err
	}
	program, err := expr.Compile(text, whereOptions...)
	if err != nil {
		return nil, oneLine(err)
	}
	return &predicate{program, needs}, nil
}

var whereOptions = func() []expr.Option {
	env := make(map[string]any, len(macroTable))
	for i := range macroTable {
		if m := &macroTable[i]; whereFault(m) == "" {
			env[m.Name] = whereValue(m, "")
		}
	}
	options := []expr.Option{expr.Env(env), expr.AsBool(), expr.MaxNodes(maxWhereNodes), expr.DisableAllBuiltins(), expr.DisableIfOperator()}
	for _, name := range whereFunctions {
		options = append(options, expr.EnableBuiltin(name))
	}
	return options
}()

// whereFault says why a macro cannot stand in a predicate; "": it can.
func whereFault(m *Macro) string {
	switch {
	case m.Identifies:
		return "identifies a person, so nothing is chosen by it"
	case m.Name == "delivery_id" || m.Name == "attempt":
		return "is not known before there is a delivery"
	case m.Name == "sk_payload" || m.Name == "sk_attribution_signature":
		return "is Apple's own text; use the members that were read from it"
	}
	return ""
}

// whereValue is a field as a predicate sees it. Text that is missing is "", what is
// missing of true and false is false. A number that is missing is none: every
// comparison with it is false, but != .
func whereValue(m *Macro, text string) any {
	switch m.Form {
	case formBool:
		return text == "true"
	case formNumber, formMoney:
		n, err := strconv.ParseFloat(text, 64)
		if err != nil {
			return math.NaN()
		}
		return n
	}
	return text
}

// holds computes the predicate. What cannot be computed does not hold: what nobody
// meant to send is not sent.
func (p *predicate) holds(fields map[string]string) bool {
	if p == nil {
		return false
	}
	env := make(map[string]any, len(p.needs))
	for _, name := range p.needs {
		env[name] = whereValue(macroByName[name], fields[name])
	}
	result, err := expr.Run(p.program, env) // a panic in it comes back as its error
	if err != nil {
		return false
	}
	held, ok := result.(bool)
	return ok && held
}

// oneLine takes the source out of an error of the library, and keeps the place.
func oneLine(err error) error {
	var at *file.Error
	if !errors.As(err, &at) {
		return errors.New(strings.ReplaceAll(err.Error(), "\n", " "))
	}
	return fmt.Errorf("at column %d: %s", at.Column+1, strings.ReplaceAll(at.Message, "\n", " "))
}

// predicateMemory keeps what was compiled, by its text: once for each definition,
// however many conversions it judges.
type predicateMemory struct {
	mu   sync.RWMutex
	kept map[string]*predicate
}

const maxPredicates = 1024

var predicates predicateMemory

// of returns the compiled predicate, or nil where the text has a fault, which saving it
// would have told.
func (m *predicateMemory) of(text string) *predicate {
	m.mu.RLock()
	p, known := m.kept[text]
	m.mu.RUnlock()
	if known {
		return p
	}
	p, err := compilePredicate(text)
	if err != nil {
		p = nil
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.kept == nil || len(m.kept) >= maxPredicates {
		m.kept = map[string]*predicate{}
	}
	m.kept[text] = p
	return p
}
