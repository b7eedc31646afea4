package service

import (
	"cmp"
	"maps"
	"slices"
	"strings"

	"russet"
)

// running tells what is under way. Service.mu is held.
func (s *Service) running() []Running {
	all := []Running{}
	for _, j := range s.jobs {
		all = append(all, j.running())
	}
	slices.SortFunc(all, func(a, b Running) int {
		return cmp.Or(a.Since.Compare(b.Since), strings.Compare(string(a.Device), string(b.Device)))
	})
	return all
}

// status says how everything stands.
func (s *Service) status(views []*view) Status {
	s.mu.Lock()
	defer s.mu.Unlock()
	st := Status{
		Time: s.now(), Serving: s.base != nil, Devices: []DeviceStatus{}, Stores: []StoreStatus{},
		Chores: s.choreStatus(), Running: s.running(), Alarms: s.alarmList(), Problems: []string{},
	}
	for _, v := range views {
		st.Devices = append(st.Devices, s.deviceStatus(v))
	}
	for _, name := range slices.Sorted(maps.Keys(s.shelves)) {
		sh := s.shelves[name]
		one := StoreStatus{StoreStatus: sh.status, Looked: sh.at}
		one.Problem = sh.problem
		st.Stores = append(st.Stores, one)
	}
	if s.trouble != nil {
		st.Problems = append(st.Problems, s.trouble.Error())
	}
	if err := s.devices.problem; err != nil {
		st.Problems = append(st.Problems, "devices cannot be seen: "+inWords(err))
	}
	return st
}

// deviceStatus says how a device stands. Service.mu is held.
func (s *Service) deviceStatus(v *view) DeviceStatus {
	d := DeviceStatus{Device: v.device, Called: s.called(v.device), Present: v.present, Policy: v.policy, Decision: v.decision, Stores: []StoreBackup{}}
	if v.state != nil {
		d.Seen = v.state.Met
	}
	switch {
	case v.present && v.device.Paired:
		d.Seen = s.devices.at
	case !v.present:
		d.Connection, d.Address = "", ""
	}
	for _, sh := range v.stores {
		b := StoreBackup{Name: sh.name, Problem: sh.problem}
		if newest := sh.newest(v.device.UDID, v.state); newest != nil {
			b.Backup = newest
		}
		d.Stores = append(d.Stores, b)
	}
	if j := s.jobs[v.device.UDID]; j != nil {
		running := j.running()
		d.Running = &running
	} else {
		d.Queued = v.decision.Start != "" && s.base != nil
	}
	if last, err := s.host.LastRun(v.device.UDID); err == nil {
		d.Last = last
	}
	return d
}

// alarmList lists the troubles that hold. Service.mu is held.
func (s *Service) alarmList() []Alarm {
	all := []Alarm{}
	add := func(b *board) {
		for _, a := range b.Alarms {
			if a.Over.IsZero() {
				m := a.Message
				all = append(all, Alarm{m.Kind, russet.UDID(m.Device), m.Store, m.Title, m.Text, m.Next, a.Since})
			}
		}
	}
	for _, st := range s.states {
		add(&st.board)
	}
	add(&s.house.board)
	slices.SortFunc(all, func(a, b Alarm) int { return cmp.Or(a.Since.Compare(b.Since), strings.Compare(a.Title, b.Title)) })
	return all
}

// Busy reports whether anything goes on in the background.
func (s *Service) Busy() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.jobs) > 0 || s.chore != nil || s.telling
}
