package service

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"russet"
	"russet/internal/host"
	"russet/internal/notify"
)

// verify reads every byte of the backups whose turn it is. It can be
// interrupted: what was verified is not read again in the same round.
func (s *Service) verify(ctx context.Context, t *task) (text string, err error) {
	backups, err := s.host.Backups(ctx, t.Store, "", false)
	if err != nil {
		return "", err
	}
	turn := s.turn(t.Store, backups, t.Every)
	read, bad, left := 0, s.broken(backups), []string{}
	for _, b := range turn {
		if err := s.stepAside(ctx, t); err != nil {
			return fmt.Sprintf("%d of %d backups verified", read, len(turn)), err
		}
		report, err := s.host.Verify(ctx, b, true, nil)
		switch {
		case russet.KindOf(err) == russet.Password:
			left = append(left, string(b.ID))
			s.looked(b, false)
			continue
		case err != nil && russet.KindOf(err) != russet.Damaged:
			return fmt.Sprintf("%d of %d backups verified", read, len(turn)), err
		case err != nil:
			report.Problems = append(report.Problems, russet.Problem{What: inWords(err)})
		}
		read++
		if len(report.Problems) > 0 {
			bad++
		}
		s.looked(b, len(report.Problems) == 0)
		s.damage(b, report.Problems, false)
	}
	text = fmt.Sprintf("%d of %d backups verified, %d damaged", read, len(backups), bad)
	if len(left) > 0 {
		text += fmt.Sprintf("; of %d the password is not known here (%s)", len(left), strings.Join(left, ", "))
	}
	return text, found(bad)
}

// broken tells of the backups that cannot even be opened, and counts them.
func (s *Service) broken(backups []russet.Backup) (n int) {
	for _, b := range backups {
		if b.Problem != "" {
			n++
			s.damage(b, []russet.Problem{{What: b.Problem}}, false)
		}
	}
	return n
}

// damage tells of a damaged backup, or takes that back.
func (s *Service) damage(b russet.Backup, problems []russet.Problem, drill bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	key := damageKey(b)
	changed := s.house.set(s.now(), key, len(problems) > 0, func() notify.Message {
		what := strings.TrimPrefix(problems[0].Path+": "+problems[0].What, ": ")
		about := notify.Subject{Time: s.now(), Device: b.Device, Name: cmp.Or(s.nameOf(b.Device), b.Name), Store: b.Store}
		return notify.ForDamage(about, b.ID, what, drill)
	})
	if changed {
		s.saveHouse() //nolint:errcheck // it is said
	}
}

// drill restores the newest backup of each device onto an empty phone. It can be
// interrupted: what passed in this round is not tried again.
func (s *Service) drill(ctx context.Context, t *task) (text string, err error) {
	backups, err := s.host.Backups(ctx, t.Store, "", false)
	if err != nil {
		return "", err
	}
	reports, _, err := s.host.Drills()
	if err != nil {
		return "", err
	}
	newest := map[russet.UDID]russet.Backup{}
	good, bad, left := 0, s.broken(backups), 0
	for _, b := range backups {
		if b.Problem == "" {
			newest[b.Device] = b
		}
	}
	for _, device := range slices.Sorted(maps.Keys(newest)) {
		b := newest[device]
		passed := func(r host.DrillReport) bool {
			return r.Good && r.Backup.ID == b.ID && r.Backup.Store == b.Store && s.now().Sub(r.Time) < t.Every
		}
		if slices.ContainsFunc(reports, passed) {
			good++
			continue
		}
		if err := s.stepAside(ctx, t); err != nil {
			return fmt.Sprintf("%d of %d backups tried", good, len(newest)), err
		}
		report, err := s.try(ctx, b)
		if russet.KindOf(err) == russet.Password {
			left++
			continue
		}
		if err != nil {
			return fmt.Sprintf("%d of %d backups tried", good, len(newest)), err
		}
		s.damage(b, report.Problems, true)
		if report.Good {
			good++
		} else {
			bad++
		}
	}
	text = fmt.Sprintf("%d of %d backups came back as they were", good, len(newest))
	if bad > 0 {
		text += fmt.Sprintf(", %d damaged", bad)
	}
	if left > 0 {
		text += fmt.Sprintf("; of %d the password is not known here", left)
	}
	return text, found(bad)
}

// try is a drill of one backup.
func (s *Service) try(ctx context.Context, b russet.Backup) (report host.DrillReport, err error) {
	phone, off, err := s.opts.Drill(ctx, b)
	if err != nil {
		return report, fmt.Errorf("switch on a phone for the drill: %w", err)
	}
	defer func() { err = errors.Join(err, off()) }()
	return s.host.Drill(ctx, b, phone, nil)
}

// copyTo copies what another store lacks: of one device only the newest backup.
// It can be interrupted after each one. One that is damaged does not keep the
// others back, nor stand for any.
func (s *Service) copyTo(ctx context.Context, t *task) (text string, err error) {
	from, err := s.host.Backups(ctx, t.Store, t.device, false)
	if err != nil {
		return "", err
	}
	to, err := s.host.Backups(ctx, t.To, t.device, false)
	if err != nil {
		return "", err
	}
	from = slices.DeleteFunc(from, func(b russet.Backup) bool {
		there := slices.ContainsFunc(to, func(o russet.Backup) bool { return o.ID == b.ID })
		return b.Problem != "" || there
	})
	if t.device != "" && len(from) > 1 {
		from = from[len(from)-1:]
	}
	if t.device != "" && len(from) == 0 {
		return "", fmt.Errorf("the copy that %q lacks is not in %q", t.To, t.Store)
	}
	lacking := from
	worth := func() (err error) {
		if from = lacking; t.device == "" {
			from, err = s.host.WorthCopying(ctx, t.To, lacking)
		}
		return err
	}
	if err := worth(); err != nil {
		return "", err
	}
	copied, bad := 0, 0
	newest := map[russet.UDID]russet.Backup{}
	defer func() { err = cmp.Or(err, s.retainCopies(ctx, t.To, newest)) }()
	var damaged error
	for len(from) > 0 {
		b := from[0]
		err := s.stepAside(ctx, t)
		if err == nil {
			err = s.copyOne(ctx, b, t.To)
		}
		switch {
		case err == nil:
			copied++
			if n, ok := newest[b.Device]; !ok || b.Time.After(n.Time) {
				newest[b.Device] = b
			}
		case russet.KindOf(err) == russet.Damaged:
			bad++
			damaged = cmp.Or(damaged, err)
		default:
			return fmt.Sprintf("%d of %d backups copied", copied, copied+bad+len(from)), err
		}
		from = from[1:]
		lacking = slices.DeleteFunc(slices.Clone(lacking), func(o russet.Backup) bool { return o.ID == b.ID })
		if err != nil { // another may stand for its day
			if err := worth(); err != nil {
				return "", err
			}
		}
	}
	if damaged != nil {
		return fmt.Sprintf("%d of %d backups copied", copied, copied+bad), damaged
	}
	return fmt.Sprintf("%d backups copied", copied), nil
}

// retainCopies applies the policies of a store to the devices of which backups
// were copied there: nothing else may ever come to it.
func (s *Service) retainCopies(ctx context.Context, to string, newest map[russet.UDID]russet.Backup) error {
	for _, device := range slices.Sorted(maps.Keys(newest)) {
		if ctx.Err() != nil {
			return nil // the next time will do
		}
		done, err := s.host.RetainCopies(ctx, to, newest[device])
		for _, note := range done.Notes {
			s.log.Info(note, "name", newest[device].Name, "device", device, "store", to)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// copyOne copies a backup. The error is about it, not about how many were left
// out.
func (s *Service) copyOne(ctx context.Context, b russet.Backup, to string) error {
	_, err := s.host.Copy(ctx, host.Which{Backup: string(b.ID), Store: b.Store}, to, nil)
	if e, ok := errors.AsType[*russet.Error](err); ok {
		if cause, ok := errors.AsType[*russet.Error](e.Err); ok {
			return cause
		}
	}
	return err
}
