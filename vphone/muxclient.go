package vphone

import (
	"fmt"
	"io"
	"net"

	"russet/vphone/internal/usbmux"
)

// A muxListener is a client that listens for events.
type muxListener struct {
	conn    net.Conn
	version string // of its libusbmuxd
	events  chan map[string]any
	entry   map[string]any // of ListListeners
}

// eventsWaiting is how many events a listener may leave unread.
const eventsWaiting = 256

// serveClient answers requests until one changes what the connection is.
func (m *Mux) serveClient(conn net.Conn, clients *connSet) {
	own := true
	defer func() {
		if own {
			clients.remove(conn)
			conn.Close()
		}
	}()
	for {
		req, err := usbmux.ReadRequest(conn)
		if err != nil {
			return
		}
		m.log.Debug("usbmux", "request", req.Type, "program", req.Text("ProgName"))
		switch req.Type {
		case "Listen":
			m.listen(conn, req)
			return
		case "Connect":
			serve, number := m.connect(req)
			err = usbmux.WriteResult(conn, req, number)
			if serve != nil {
				own = false
				clients.remove(conn)
				serve(conn)
				return
			}
		default:
			err = m.answer(conn, req)
		}
		if err != nil {
			return
		}
	}
}

// connect finds who will serve the connection, or why nobody does.
func (m *Mux) connect(req usbmux.Request) (serve func(net.Conn), number int) {
	id, hasID := req.Int("DeviceID")
	port, hasPort := req.Port()
	if !hasID || !hasPort {
		return nil, usbmux.BadArgument
	}
	a, ok := m.find(id)
	if !ok {
		return nil, usbmux.BadDevice
	}
	serve, err := a.phone.claim(port, a.phone.routeTo(a.network))
	if err != nil {
		return nil, usbmux.Refused
	}
	return serve, usbmux.OK
}

func (m *Mux) answer(conn net.Conn, req usbmux.Request) error {
	result := func(number int) error { return usbmux.WriteResult(conn, req, number) }
	id := req.Text("PairRecordID")
	switch req.Type {
	case "ListDevices":
		return usbmux.WritePlist(conn, req.Tag, map[string]any{"DeviceList": m.deviceList(req)})
	case "ListListeners":
		return usbmux.WritePlist(conn, req.Tag, map[string]any{"ListenerList": m.listenerList()})
	case "ReadBUID":
		return usbmux.WritePlist(conn, req.Tag, map[string]any{"BUID": m.records.buid})
	case "ReadPairRecord":
		data, ok := m.records.read(id)
		if !ok {
			return result(usbmux.BadDevice)
		}
		return usbmux.WritePlist(conn, req.Tag, map[string]any{"PairRecordData": data})
	case "SavePairRecord":
		data, _ := req.Dict["PairRecordData"].([]byte)
		if err := m.records.save(id, data); err != nil {
			m.log.Warn("save pair record", "error", err)
			return result(usbmux.BadArgument)
		}
		m.tellPaired(id)
		return result(usbmux.OK)
	case "DeletePairRecord":
		if err := m.records.remove(id); err != nil {
			m.log.Warn("delete pair record", "error", err)
			return result(usbmux.BadArgument)
		}
		return result(usbmux.OK)
	}
	if req.Dict == nil {
		return result(usbmux.BadVersion)
	}
	return result(usbmux.BadCommand)
}

func (m *Mux) deviceList(req usbmux.Request) []any {
	m.mu.Lock()
	defer m.mu.Unlock()
	list := make([]any, len(m.attached))
	for i, a := range m.attached {
		list[i] = a.event(req.Text("ClientVersionString"))
	}
	return list
}

func (m *Mux) listenerList() []any {
	m.mu.Lock()
	defer m.mu.Unlock()
	list := []any{}
	for l := range m.listeners {
		list = append(list, l.entry)
	}
	return list
}

func (m *Mux) tellPaired(udid string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, a := range m.attached {
		if a.phone.UDID() == udid {
			m.tell(func(string) map[string]any { return map[string]any{"MessageType": "Paired", "DeviceID": a.id} })
		}
	}
}

// listen sends events until the client leaves. What it says meanwhile has no
// meaning.
func (m *Mux) listen(conn net.Conn, req usbmux.Request) {
	if err := usbmux.WriteResult(conn, req, usbmux.OK); err != nil {
		return
	}
	connType, _ := req.Int("ConnType")
	version, _ := req.Int("kLibUSBMuxVersion")
	l := &muxListener{
		conn:    conn,
		version: req.Text("ClientVersionString"),
		entry: map[string]any{
			"Blacklisted": false, "BundleID": req.Text("BundleID"), "ConnType": connType,
			"ID String": fmt.Sprintf("client-%s", req.Text("ProgName")),
			"ProgName":  req.Text("ProgName"), "kLibUSBMuxVersion": version,
		},
	}
	m.mu.Lock()
	l.events = make(chan map[string]any, len(m.attached)+eventsWaiting)
	for _, a := range m.attached {
		l.events <- a.event(l.version)
	}
	m.listeners[l] = struct{}{}
	m.mu.Unlock()
	gone := make(chan struct{})
	go func() {
		defer close(gone)
		// The error, if any, is the client's leaving.
		_, _ = io.Copy(io.Discard, conn)
	}()
	l.deliver(gone)
	m.mu.Lock()
	delete(m.listeners, l)
	m.mu.Unlock()
}

func (l *muxListener) deliver(gone <-chan struct{}) {
	for {
		select {
		case event := <-l.events:
			if err := usbmux.WritePlist(l.conn, 0, event); err != nil {
				return
			}
		case <-gone:
			return
		}
	}
}
