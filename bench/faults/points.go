//go:build linux && amd64

package main

import (
	"slices"
	"strings"
)

// variants are the kinds of runs, into a folder or into a vault.
func variants(vault bool) []variant {
	few, many := phoneContent{}, phoneContent{files: 400, equal: 3000}
	all := []variant{
		{name: "plain, first", first: true, content: few},
		{name: "plain, incremental", content: few},
		{name: "encrypted, first", encrypted: true, first: true, content: few},
		{name: "encrypted, incremental", encrypted: true, content: few},
		{name: "plain, first, 400 files", first: true, content: many},
		{name: "encrypted, incremental, 400 files", encrypted: true, content: many},
	}
	for i := range all {
		all[i].vault = vault
	}
	return all
}

// classes are the ways to break a kind of run. With many files it is about
// what is sent again.
func (v variant) classes() []class {
	all := []class{dropMessage, killMessage, killChange, fullChange, betweenFiles, midFile}
	switch {
	case v.content.equal != 0:
		return []class{betweenFiles, midFile, killArriving}
	case v.encrypted:
		return all
	case v.first:
		return append(all, rebootMessage)
	default:
		return append(all, rebootMessage, fullMoment)
	}
}

// points are the numbers at which a class can break a run, of how many there
// are. Of a long row of equal ones only each stride-th is taken.
func (l *lab) points(c class, stride int) (points []int, all int) {
	switch c {
	case dropMessage, killMessage, rebootMessage:
		return thin(l.messages, stride, "DLMessageCreateDirectory", "DLContentsOfDirectory", "DLMessageStatusResponse")
	case killChange:
		return thin(l.changes, stride, l.boring("mkdir", "unlink")...)
	case fullChange, fullMoment:
		return thin(only(l.changes, "write", "create", "mkdir", "link", "rename"), stride, l.boring("mkdir", "link")...)
	case killArriving:
		return thin(l.arriving(), stride/2, "create", "write")
	case betweenFiles:
		files := make([]string, len(l.sends))
		if l.encrypted {
			return thin(files, stride/4, "")
		}
		return thin(files, 1)
	default:
		const times = 100
		for i := range times {
			points = append(points, 1+int(l.bytes)*i/times)
		}
		return points, int(l.bytes)
	}
}

// boring adds what is boring the second time: the store does not know what is
// encrypted.
func (l *lab) boring(changes ...string) []string {
	if l.encrypted {
		return append(changes, "link", "create", "write")
	}
	return changes
}

// thin numbers kinds from 1, leaves out those that are "", and where all around
// one are boring takes only each stride-th.
func thin(kinds []string, stride int, boring ...string) (points []int, all int) {
	const near = 4
	dull := func(kind string) bool {
		name, _, _ := strings.Cut(kind, " ")
		return kind == none || slices.Contains(boring, name)
	}
	for i, kind := range kinds {
		if kind == none {
			continue
		}
		around := kinds[max(0, i-near):min(len(kinds), i+near+1)]
		if all%max(1, stride) == 0 || slices.ContainsFunc(around, func(k string) bool { return !dull(k) }) {
			points = append(points, i+1)
		}
		all++
	}
	return points, all
}

// none stands for what a class cannot break.
const none = "-"

// only keeps the changes of some names where they are.
func only(changes []string, names ...string) []string {
	kept := slices.Clone(changes)
	for i, change := range kept {
		if name, _, _ := strings.Cut(change, " "); !slices.Contains(names, name) {
			kept[i] = none
		}
	}
	return kept
}

// arriving keeps the changes that put files of the phone on disk.
func (l *lab) arriving() []string {
	kept := only(l.changes, "create", "write")
	place := "/objects/"
	if l.vault {
		place = "/drafts/"
	}
	for i, change := range kept {
		if !strings.Contains(change, place) {
			kept[i] = none
		}
	}
	return kept
}
