package service

import (
	"net"
	"testing"

	"russet"
)

// TestListenPage: who said where the page is finds it there or nowhere; who said
// nothing finds it somewhere.
func TestListenPage(t *testing.T) {
	taken, err := net.Listen("tcp", DefaultListen)
	if err != nil {
		t.Skip("somebody is there: ", err)
	}
	defer taken.Close()
	l, err := listenPage(t.Context(), "")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	if l.Addr().String() == DefaultListen {
		t.Errorf("two at %s", l.Addr())
	}
	if l, err := listenPage(t.Context(), DefaultListen); russet.KindOf(err) != russet.Usage {
		t.Errorf("somebody else was there: %v, %v", l, err)
	}
}
