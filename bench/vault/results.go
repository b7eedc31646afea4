package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

// load reads the figures of a piece; none yet is a zero value.
func load[T any](o options, piece string) (T, error) {
	var v T
	data, err := os.ReadFile(filepath.Join(o.results, piece+".json"))
	if errors.Is(err, fs.ErrNotExist) {
		return v, nil
	}
	if err == nil {
		err = json.Unmarshal(data, &v)
	}
	if err != nil {
		return v, fmt.Errorf("figures of %s: %w", piece, err)
	}
	return v, nil
}

// save replaces the figures of a piece.
func save(o options, piece string, v any) error {
	data, err := json.MarshalIndent(v, "", " ")
	if err != nil {
		return err
	}
	if err := os.MkdirAll(o.results, 0o755); err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(o.results, piece+".json"), append(data, '\n'), 0o644)
}

// put sets one figure of one program in a table that may not exist yet.
func put[T any](m *map[string]T, client string, v T) {
	if *m == nil {
		*m = map[string]T{}
	}
	(*m)[client] = v
}

// replaceBetween puts text between two marker lines of a file.
func replaceBetween(file, from, to, text string) error {
	old, err := os.ReadFile(file)
	if err != nil {
		return err
	}
	head, rest, ok := strings.Cut(string(old), from)
	_, foot, ok2 := strings.Cut(rest, to)
	if !ok || !ok2 {
		return fmt.Errorf("%s lacks the markers %s and %s", file, from, to)
	}
	return os.WriteFile(file, []byte(head+from+"\n"+text+to+foot), 0o644)
}
