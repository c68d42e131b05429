package forward

import (
	"fmt"
	"slices"
	"strings"

	"github.com/expr-lang/expr/ast"
	"github.com/expr-lang/expr/parser"

	"skand/internal/nearest"
)

// whereFunctions are those that a predicate may call: pure, and no slower than their
// arguments are long.
var whereFunctions = []string{"abs", "ceil", "floor", "len", "lower", "round", "trim", "upper"}

// whereOperators are the same of operators. `matches` is left out, for a pattern is
// compiled anew each time; `..` for it makes lists; `**` and `%` for they surprise.
var whereOperators = []string{
	"and", "&&", "or", "||", "not", "!", "==", "!=", "<", "<=", ">", ">=", "in",
	"contains", "startsWith", "endsWith", "+", "-", "*", "/",
}

// checkWhere walks through a predicate: it names macros, compares them, and nothing
// else. It returns the macros that it mentions.
func checkWhere(text string) ([]string, error) {
	tree, err := parser.Parse(text)
	if err != nil {
		return nil, oneLine(err)
	}
	v := &whereVisitor{}
	ast.Walk(&tree.Node, v)
	switch {
	case v.fault != nil:
		return nil, v.fault
	case v.nodes > maxWhereNodes:
		return nil, fmt.Errorf("has %d parts; at most %d can stand here", v.nodes, maxWhereNodes)
	case len(v.needs) == 0:
		return nil, fmt.Errorf("names no macro, so it would let all or nothing through; leave it out, or compare a macro, as in country == \"DE\"")
	}
	slices.Sort(v.needs)
	return slices.Compact(v.needs), nil
}

type whereVisitor struct {
	fault error
	nodes int
	needs []string
}

func (v *whereVisitor) Visit(node *ast.Node) {
	v.nodes++
	if v.fault != nil {
		return
	}
	if why := v.judge(*node); why != "" {
		v.fault = fmt.Errorf("at column %d: %s", (*node).Location().From+1, why)
	}
}

func (v *whereVisitor) judge(node ast.Node) string {
	switch n := node.(type) {
	case *ast.IntegerNode, *ast.FloatNode, *ast.StringNode, *ast.BoolNode, *ast.ConditionalNode, *ast.ArrayNode:
		return ""
	case *ast.IdentifierNode:
		return v.macro(n.Value)
	case *ast.UnaryNode:
		return operator(n.Operator)
	case *ast.BinaryNode:
		return operator(n.Operator)
	case *ast.BuiltinNode:
		return function(n.Name)
	case *ast.CallNode:
		if callee, ok := n.Callee.(*ast.IdentifierNode); ok {
			return function(callee.Value)
		}
		return "only functions by their name can be called: " + strings.Join(whereFunctions, ", ")
	}
	return "cannot be read here; a predicate compares macros with values, as in country in [\"DE\", \"AT\"] and revenue_converted > 5"
}

func (v *whereVisitor) macro(name string) string {
	if slices.Contains(whereFunctions, name) {
		return "" // what a call names
	}
	m := macroByName[name]
	if m == nil {
		best, _ := nearest.Name(name, macroList)
		return fmt.Sprintf("%s is no macro; the nearest is %s", name, best)
	}
	if why := whereFault(m); why != "" {
		return name + " " + why
	}
	v.needs = append(v.needs, name)
	return ""
}

func operator(sign string) string {
	if slices.Contains(whereOperators, sign) {
		return ""
	}
	return fmt.Sprintf("%q cannot stand here; write one of %s", sign, strings.Join(whereOperators, " "))
}

func function(name string) string {
	if slices.Contains(whereFunctions, name) {
		return ""
	}
	return fmt.Sprintf("%s cannot be called here; there are %s", name, strings.Join(whereFunctions, ", "))
}
