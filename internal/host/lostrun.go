package host

import (
	"errors"
	"io/fs"

	"russet"
	"russet/internal/home"
)

// Killed is what became of a run that nobody lived to note.
const Killed = "russet was killed in the middle, or its computer lost its power"

// maxBegun bounds the note of a run that has begun.
const maxBegun = 64 << 10

// begunFile holds a device's run while it is made. Whoever finds it and gets
// the device's lock knows that its process is dead.
func begunFile(udid russet.UDID) string { return home.Runs + "/" + string(udid) + ".begun" }

// noteBegun leaves word of a run for those who come after, in case it cannot
// note its end; what another left there goes into the history before. The
// device's lock is held. No backup fails by it.
func (h *Host) noteBegun(run russet.Run) {
	h.settleLost(run.Device, false)
	dir, err := h.home.Make()
	if err == nil {
		err = dir.ReplaceJSON(begunFile(run.Device), run, 0o600)
	}
	if err != nil {
		h.log.Warn("the begin of the run could not be noted", "error", err)
	}
}

// noteEnded takes that word back, once the end is in the history.
func (h *Host) noteEnded(udid russet.UDID) {
	dir, err := h.home.Make()
	if err == nil {
		err = dir.Remove(begunFile(udid))
	}
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		h.log.Warn("the begin of the run could not be forgotten", "error", err)
	}
}

// begun is the run of which word was left, as one that was killed; nil when
// there is none, or when its end is in the history.
func (h *Host) begun(udid russet.UDID) *russet.Run {
	dir, err := h.home.Open()
	if err != nil {
		return nil
	}
	var run russet.Run
	if err := dir.ReadJSON(begunFile(udid), maxBegun, &run); err != nil || run.Device != udid {
		return nil // one that was torn tells nothing
	}
	if last, err := h.lastNoted(udid); err != nil || last != nil && last.ID == run.ID {
		return nil
	}
	return lost(run)
}

// lost makes of a run that began one that was killed.
func lost(run russet.Run) *russet.Run {
	if run.End.Before(run.Start) {
		run.End = run.Start // how long it lived nobody knows
	}
	run.Outcome, run.Error, run.Kind = "interrupted", Killed, russet.Interrupted
	run.Hint = "the next run goes on from there"
	return &run
}

// lostRun is the run of a device that was killed and is not in the history yet;
// nil while a run is being made.
func (h *Host) lostRun(udid russet.UDID) *russet.Run {
	run := h.begun(udid)
	if run == nil {
		return nil
	}
	release, err := h.devices.Lock(russet.Device{UDID: udid}, "look at the last run")
	if err != nil {
		return nil
	}
	release()
	return run
}

// settleLost puts the run of which word was left into the history. The device's
// lock is held.
func (h *Host) settleLost(udid russet.UDID, passcode bool) {
	run := h.begun(udid)
	if run == nil {
		return
	}
	run.Passcode = run.Passcode || passcode
	if err := h.addRun(*run); err != nil {
		h.log.Warn("a run that was killed could not be noted", "error", err)
		return
	}
	h.noteEnded(udid)
}

// SettleLost notes a killed run of a device in the history, if it left word of
// itself and nobody is at work with the device; passcode says whether the phone
// had asked for it.
func (h *Host) SettleLost(d russet.Device, passcode bool) {
	release, err := h.devices.Lock(d, "note the last run")
	if err != nil {
		return // who has it does that
	}
	defer release()
	h.settleLost(d.UDID, passcode)
}
