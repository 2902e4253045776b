// SPDX-License-Identifier: MIT
// Copyright (c) The fastskip authors

package fastskip_test

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

var comments = regexp.MustCompile(`(?s)/\*.*?\*/|//[^\n]*`)

// The package uses everything that the library exports, and every number that its header defines.
func TestWholeInterface(t *testing.T) {
	symbols, err := os.ReadFile("../../abi/fastskip.symbols")
	if os.IsNotExist(err) {
		t.Skip("not in a checkout of the library")
	}
	ok(t, err)
	header, err := os.ReadFile("../../include/fastskip.h")
	ok(t, err)

	var names []string
	for _, line := range strings.Fields(string(symbols)) {
		names = append(names, strings.SplitN(line, "@", 2)[0])
	}
	code := comments.ReplaceAllString(string(header), "")
	for _, m := range regexp.MustCompile(`(?m)^\s+(FASTSKIP_[A-Z_]+) = `).FindAllStringSubmatch(code, -1) {
		if m[1] != "FASTSKIP_OK" { // that is nil
			names = append(names, m[1])
		}
	}
	equal(t, len(names) > 90, true)

	used := ""
	files, err := filepath.Glob("*.[gch]*")
	ok(t, err)
	for _, file := range files {
		if !strings.HasSuffix(file, "_test.go") {
			text, err := os.ReadFile(file)
			ok(t, err)
			used += comments.ReplaceAllString(string(text), "")
		}
	}
	for _, name := range names {
		if !regexp.MustCompile(`\b` + name + `\b`).MatchString(used) {
			t.Errorf("%s is not used", name)
		}
	}
}
