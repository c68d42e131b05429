package archtest

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"path"
	"slices"
	"strconv"
	"strings"
)

// source is one Go file.
type source struct {
	file string // from the root of the repository, with slashes
	text string
}

func (s source) dir() string { return path.Dir(s.file) }
func (s source) test() bool  { return strings.HasSuffix(s.file, "_test.go") }
func (s source) lines() int  { return strings.Count(s.text, "\n") }

// check returns what breaks the rules in one file, one line each.
func check(s source) ([]string, error) {
	fset := token.NewFileSet()
	f, err := parser.ParseFile(fset, s.file, s.text, parser.SkipObjectResolution)
	if err != nil {
		return nil, fmt.Errorf("parse: %w", err)
	}
	var broken []string
	if s.lines() > maxLines {
		broken = append(broken, fmt.Sprintf("%s: has %d lines, want at most %d: split it", s.file, s.lines(), maxLines))
	}
	named := map[string]string{} // import path by the name it has in this file
	for _, spec := range f.Imports {
		imported, err := strconv.Unquote(spec.Path.Value)
		if err != nil {
			return nil, fmt.Errorf("import in %s: %w", s.file, err)
		}
		name := path.Base(imported)
		if spec.Name != nil {
			name = spec.Name.Name
		}
		named[name] = imported
		if why := forbidden(s, imported); why != "" {
			broken = append(broken, fmt.Sprintf("%s: imports %s: %s", s.file, imported, why))
		}
	}
	ast.Inspect(f, func(n ast.Node) bool {
		sel, ok := n.(*ast.SelectorExpr)
		if !ok {
			return true
		}
		if x, ok := sel.X.(*ast.Ident); ok {
			if why := misused(s, named[x.Name], sel.Sel.Name); why != "" {
				broken = append(broken, fmt.Sprintf("%s: uses %s.%s: %s",
					fset.Position(sel.Pos()), x.Name, sel.Sel.Name, why))
			}
		}
		return true
	})
	return broken, nil
}

// forbidden says why a file may not import a package, "" if it may.
func forbidden(s source, imported string) string {
	for _, rule := range only {
		if !within(imported, rule.path) || withinAny(s.dir(), rule.in) {
			continue
		}
		if s.test() && len(rule.in) == 0 {
			continue // test support
		}
		if len(rule.in) == 0 {
			return "only tests may"
		}
		return "only " + strings.Join(rule.in, ", ") + " may"
	}
	ours, ok := strings.CutPrefix(imported, module+"/")
	if !ok {
		return ""
	}
	room, _, _ := strings.Cut(s.dir(), "/")
	may, ok := domain[room]
	if !ok || within(ours, room) || slices.Contains(may, ours) {
		return ""
	}
	if s.test() && within(ours, "fixtures") {
		return "" // sample traffic
	}
	return "it lies against the arrows: " + room + " may import " + strings.Join(may, ", ")
}

// misused says why a file may not use a name of a package, "" if it may.
func misused(s source, imported, name string) string {
	for _, rule := range words {
		if imported != rule.path || !slices.Contains(rule.names, name) {
			continue
		}
		if withinAny(s.dir(), rule.in) || rule.tests && s.test() {
			continue
		}
		return rule.why
	}
	return ""
}
