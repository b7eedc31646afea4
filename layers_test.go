package russet_test

import (
	"bytes"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// The map in docs/architecture.md is the law; these tests read it and the
// sources themselves. (Asking `go list` would be answered from Go's test cache
// after the code has changed.)

const (
	maxFileLines     = 500
	maxFunctionLines = 100
)

// goFile is one parsed source file of the module.
type goFile struct {
	name    string // slash-separated, relative to the module
	pkg     string // import path below the module; "" is the root
	test    bool
	lines   int
	ast     *ast.File
	fset    *token.FileSet
	imports []string
}

func sources(t *testing.T) []goFile {
	t.Helper()
	var files []goFile
	err := filepath.WalkDir(".", func(name string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() {
			if n := d.Name(); name != "." && (strings.HasPrefix(n, ".") || n == "testdata" || n == "tools") {
				return filepath.SkipDir
			}
			return nil
		}
		if !strings.HasSuffix(name, ".go") {
			return nil
		}
		src, err := os.ReadFile(name)
		if err != nil {
			return err
		}
		fset := token.NewFileSet()
		parsed, err := parser.ParseFile(fset, name, src, parser.ParseComments)
		if err != nil {
			return err
		}
		pkg := path.Dir(filepath.ToSlash(name))
		if pkg == "." {
			pkg = ""
		}
		f := goFile{
			name: filepath.ToSlash(name), pkg: pkg, test: strings.HasSuffix(name, "_test.go"),
			lines: bytes.Count(src, []byte("\n")), ast: parsed, fset: fset,
		}
		for _, i := range parsed.Imports {
			p, err := strconv.Unquote(i.Path.Value)
			if err != nil {
				return err
			}
			f.imports = append(f.imports, p)
		}
		files = append(files, f)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return files
}

// block returns the lines of the fenced block called name in the map.
func block(t *testing.T, name string) []string {
	t.Helper()
	doc, err := os.ReadFile("docs/architecture.md")
	if err != nil {
		t.Fatal(err)
	}
	re := regexp.MustCompile("(?s)```" + regexp.QuoteMeta(name) + "\n(.*?)```")
	m := re.FindSubmatch(doc)
	if m == nil {
		t.Fatalf("docs/architecture.md has no block %q", name)
	}
	var lines []string
	for line := range strings.Lines(string(m[1])) {
		if line = strings.TrimSpace(line); line != "" {
			lines = append(lines, line)
		}
	}
	return lines
}

// floors reads "3 russet internal/folder …": the floor of each package.
func floors(t *testing.T) map[string]int {
	t.Helper()
	m := map[string]int{}
	for _, line := range block(t, "floors") {
		fields := strings.Fields(line)
		n, err := strconv.Atoi(fields[0])
		if err != nil {
			t.Fatalf("map line %q does not begin with a floor", line)
		}
		for _, p := range fields[1:] {
			if p == "russet" {
				p = ""
			}
			if _, twice := m[p]; twice {
				t.Errorf("%q is on the map twice", p)
			}
			m[p] = n
		}
	}
	return m
}

func inner(p string) (string, bool) {
	if p == "russet" {
		return "", true
	}
	return strings.CutPrefix(p, "russet/")
}

func TestFloors(t *testing.T) {
	floor := floors(t)
	seen := map[string]bool{}
	for _, f := range sources(t) {
		at, ok := floor[f.pkg]
		if !ok {
			t.Errorf("%s: package %q is not on the map in docs/architecture.md", f.name, f.pkg)
			continue
		}
		seen[f.pkg] = true
		if f.test {
			continue // tests may look up: a host is tested against the virtual iPhone
		}
		for _, p := range f.imports {
			to, ok := inner(p)
			if !ok || to == f.pkg {
				continue
			}
			if n, ok := floor[to]; !ok || n >= at {
				t.Errorf("%s (floor %d) imports %q (floor %d): only lower floors may be imported", f.name, at, p, n)
			}
		}
	}
	for p := range floor {
		if !seen[p] {
			t.Errorf("the map names %q, which has no Go files", p)
		}
	}
}

// TestTwoHouses keeps the virtual iPhone and the host apart: no code may be
// wrong in both at once (docs/decisions/0002).
func TestTwoHouses(t *testing.T) {
	isPhone := func(p string) bool { return p == "vphone" || strings.HasPrefix(p, "vphone/") }
	mayUsePhone := []string{"internal/cli", "cmd/vphone", "cmd/russet", "conformance", "bench", "internal/phonetest"}
	for _, f := range sources(t) {
		for _, p := range f.imports {
			to, ok := inner(p)
			switch {
			case !ok:
			case isPhone(f.pkg) && !isPhone(to) && !f.test:
				t.Errorf("%s: the virtual iPhone imports %q of the host", f.name, p)
			case !isPhone(f.pkg) && isPhone(to) && !f.test && !underAny(f.pkg, mayUsePhone):
				t.Errorf("%s: the host imports %q of the virtual iPhone", f.name, p)
			}
		}
	}
}

func underAny(pkg string, dirs []string) bool {
	return slices.ContainsFunc(dirs, func(d string) bool { return pkg == d || strings.HasPrefix(pkg, d+"/") })
}

// TestModules checks who may import what from outside: the block "modules"
// lists each module with the packages that may use it, and TestTail the sizes.
func TestModules(t *testing.T) {
	allowed := map[string][]string{}
	for _, line := range block(t, "modules") {
		fields := strings.Fields(line)
		allowed[fields[0]] = fields[1:]
	}
	used := map[string]bool{}
	for _, f := range sources(t) {
		for _, p := range f.imports {
			if _, ok := inner(p); ok || !strings.Contains(strings.Split(p, "/")[0], ".") {
				continue
			}
			mod := ""
			for m := range allowed {
				if (p == m || strings.HasPrefix(p, m+"/")) && len(m) > len(mod) {
					mod = m
				}
			}
			users := allowed[mod]
			used[mod] = true
			switch {
			case mod == "":
				t.Errorf("%s imports %q, a module that is not on the list in docs/architecture.md", f.name, p)
			case f.test && slices.Contains(users, "tests"), slices.Contains(users, "*"):
			case !underAny(f.pkg, users):
				t.Errorf("%s may not import %q: the list says %v", f.name, p, users)
			}
		}
	}
	for m := range allowed {
		if !used[m] {
			t.Errorf("the list names module %q, which nothing imports", m)
		}
	}
}

// TestTail keeps the biggest files and functions small: the tail is what rots.
func TestTail(t *testing.T) {
	for _, f := range sources(t) {
		if f.lines > maxFileLines {
			t.Errorf("%s has %d lines, more than %d", f.name, f.lines, maxFileLines)
		}
		for _, d := range f.ast.Decls {
			fn, ok := d.(*ast.FuncDecl)
			if !ok {
				continue
			}
			from, to := f.fset.Position(fn.Pos()), f.fset.Position(fn.End())
			if n := to.Line - from.Line + 1; n > maxFunctionLines {
				t.Errorf("%s: %s has %d lines, more than %d", from, fn.Name.Name, n, maxFunctionLines)
			}
		}
	}
}

// TestDocumented asks every package for a sentence about itself, and every
// exported name of the open libraries for what a caller may rely on.
func TestDocumented(t *testing.T) {
	open := []string{"device", "mobilesync", "vphone"}
	hasDoc, all := map[string]bool{}, map[string]bool{}
	for _, f := range sources(t) {
		if f.test {
			continue
		}
		all[f.pkg] = true
		if f.ast.Doc != nil {
			hasDoc[f.pkg] = true
		}
		if (f.pkg != "" && !underAny(f.pkg, open)) || strings.Contains(f.pkg, "internal") {
			continue
		}
		for _, d := range f.ast.Decls {
			for _, undocumented := range bare(d) {
				t.Errorf("%s: exported %s has no comment", f.fset.Position(d.Pos()), undocumented)
			}
		}
	}
	for p := range all {
		if !hasDoc[p] {
			t.Errorf("package %q has no package comment", p)
		}
	}
}

// known are methods whose interfaces in the standard library say all.
var known = []string{"Close", "Error", "Read", "ReadAt", "Seek", "String", "Unwrap", "Write"}

// bare lists the exported names that d declares without a comment. Methods of
// unexported types and those an interface of the standard library explains
// are left out.
func bare(d ast.Decl) []string {
	var names []string
	switch d := d.(type) {
	case *ast.FuncDecl:
		if d.Name.IsExported() && d.Doc == nil && !onHidden(d) && (d.Recv == nil || !slices.Contains(known, d.Name.Name)) {
			names = append(names, fmt.Sprintf("func %s", d.Name.Name))
		}
	case *ast.GenDecl:
		for _, s := range d.Specs {
			switch s := s.(type) {
			case *ast.TypeSpec:
				if s.Name.IsExported() && d.Doc == nil && s.Doc == nil {
					names = append(names, "type "+s.Name.Name)
				}
			case *ast.ValueSpec:
				if s.Names[0].IsExported() && d.Doc == nil && s.Doc == nil && s.Comment == nil {
					names = append(names, s.Names[0].Name)
				}
			}
		}
	}
	return names
}

func onHidden(d *ast.FuncDecl) bool {
	if d.Recv == nil {
		return false
	}
	typ := d.Recv.List[0].Type
	if star, ok := typ.(*ast.StarExpr); ok {
		typ = star.X
	}
	if index, ok := typ.(*ast.IndexExpr); ok {
		typ = index.X
	}
	id, ok := typ.(*ast.Ident)
	return ok && !id.IsExported()
}
