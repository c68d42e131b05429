package schema

import (
	"go/ast"
	"go/parser"
	"go/token"
	"strconv"
	"testing"

	"github.com/stretchr/testify/require"
)

// elsewhere are codes that Validate doesn't have, and where their cases are.
var elsewhere = map[Code]string{
	CodeFormatEventLimit: "schema/format: a document alone has no target format",
}

// A code that is added without cases fails here.
func TestEveryCodeHasCases(t *testing.T) {
	t.Parallel()
	file, err := parser.ParseFile(token.NewFileSet(), "report.go", nil, 0)
	require.NoError(t, err)
	declared := map[Code]bool{}
	ast.Inspect(file, func(n ast.Node) bool {
		spec, ok := n.(*ast.ValueSpec)
		if !ok {
			return true
		}
		kind, ok := spec.Type.(*ast.Ident)
		require.True(t, ok && kind.Name == "Code", "%s is a constant without the type Code", spec.Names[0])
		for _, v := range spec.Values {
			text, err := strconv.Unquote(v.(*ast.BasicLit).Value)
			require.NoError(t, err)
			require.False(t, declared[Code(text)], "%s stands twice", text)
			declared[Code(text)] = true
		}
		return true
	})
	require.Greater(t, len(declared), 30)
	for _, c := range codeCases {
		require.True(t, declared[c.code], c.code)
		delete(declared, c.code)
		require.NotEmpty(t, c.fires, c.code)
		require.NotEmpty(t, c.silent, c.code)
	}
	for code := range elsewhere {
		require.True(t, declared[code], code)
		delete(declared, code)
	}
	require.Empty(t, declared, "codes without cases")
}
