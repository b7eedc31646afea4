package engine

import (
	"sync"
	"time"

	"russet"
	"russet/device/devicelink"
)

const (
	// tickEvery is how often progress is told while nothing else happens.
	tickEvery = 500 * time.Millisecond
	// quietAfter is when silence is worth telling. Gaps of ten seconds are
	// common on real phones, 91 s were seen in a run that ended well.
	quietAfter = 20 * time.Second
	// rateTicks is over how many ticks a rate is measured.
	rateTicks = 10
)

// progress turns what happens into events, one at a time.
type progress struct {
	mu      sync.Mutex
	emit    func(russet.Event) // nil once it has ended
	event   russet.Event
	told    russet.Event // what was emitted last
	traffic func() devicelink.Traffic
	samples []sample // the last rateTicks

	batch    devicelink.Request // the batch on its way
	received int64              // traffic when it began
	from     float64            // percent shown when it began
	step     float64            // what it is worth, estimated
	moved    bool               // the device has begun to move files into place

	done chan struct{}
	wait sync.WaitGroup
}

type sample struct {
	at    time.Time
	bytes int64
}

// watchProgress tells events until end is called.
func watchProgress(device russet.UDID, emit func(russet.Event)) *progress {
	p := &progress{
		emit:  emit,
		event: russet.Event{Device: device, Stage: russet.Connecting, Percent: -1},
		done:  make(chan struct{}),
	}
	if emit == nil {
		p.emit = func(russet.Event) {}
	}
	p.wait.Go(p.tickUntilDone)
	return p
}

func (p *progress) end() {
	close(p.done)
	p.wait.Wait()
	p.mu.Lock()
	defer p.mu.Unlock()
	p.emit = nil
}

func (p *progress) tickUntilDone() {
	ticker := time.NewTicker(tickEvery)
	defer ticker.Stop()
	for {
		select {
		case <-p.done:
			return
		case <-ticker.C:
			p.mu.Lock()
			p.tick(time.Now())
			p.mu.Unlock()
		}
	}
}

// count makes traffic part of the events from now on.
func (p *progress) count(traffic func() devicelink.Traffic) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.traffic = traffic
}

// enter begins a stage; message, if any, is for the person.
func (p *progress) enter(stage russet.Stage, message string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if stage != p.event.Stage {
		p.samples = nil
	}
	p.event.Stage, p.event.Message = stage, message
	p.tell(time.Now())
}

// sheet notes that the device asks for its passcode, or no longer does.
func (p *progress) sheet(shown bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.event.Passcode = shown
	if shown {
		p.event.Message = "the phone asks for its passcode: please type it there"
	} else {
		p.event.Message = ""
	}
	p.tell(time.Now())
}

// began notes a request of the device; stage is where it puts the run.
func (p *progress) began(r devicelink.Request, stage russet.Stage) {
	p.mu.Lock()
	defer p.mu.Unlock()
	now := time.Now()
	p.measure(now)
	p.startBatch(r)
	if stage != p.event.Stage || p.event.Passcode {
		if stage != p.event.Stage {
			p.samples = nil
		}
		p.event.Stage, p.event.Message, p.event.Passcode = stage, "", false
		p.measure(now)
		p.tell(now)
	}
}

// startBatch estimates what a request is worth. Devices send a percentage with
// each request and none in between, where gigabytes may pass. Older ones were
// seen to say how far the run is after it, newer ones how far before: the
// estimate is the larger of what was announced and of what as many bytes were
// worth so far. What a few were worth, such as those of the first small files,
// says nothing of many.
func (p *progress) startBatch(r devicelink.Request) {
	shown := max(0, p.event.Percent)
	if p.event.Percent < 0 && r.Percent >= 0 {
		p.event.Percent = 0
	}
	before := p.now().Received
	p.from, p.step = shown, max(0, r.Percent-shown)
	if r.Bytes > 0 && before >= max(1, r.Bytes/8) && r.Message == "DLMessageUploadFiles" {
		p.step = max(p.step, min(shown*float64(r.Bytes)/float64(before), 99-shown))
	}
	p.batch, p.received = r, before
	if r.Bytes == 0 {
		p.event.Percent = max(p.event.Percent, r.Percent)
	}
}

func (p *progress) now() devicelink.Traffic {
	if p.traffic == nil {
		return devicelink.Traffic{}
	}
	return p.traffic()
}

// measure brings the numbers of the event up to date.
func (p *progress) measure(now time.Time) {
	if p.traffic == nil {
		return
	}
	t := p.traffic()
	p.event.Files = int(t.Files)
	p.event.Bytes = t.Sent
	if p.event.Stage == russet.Receiving {
		p.event.Bytes = t.Received
	}
	if p.batch.Bytes > 0 && p.event.Percent >= 0 {
		done := min(1, float64(t.Received-p.received)/float64(p.batch.Bytes))
		p.event.Percent = max(p.event.Percent, min(100, p.from+p.step*done))
	}
	p.event.Quiet = 0
	if quiet := now.Sub(t.Last); quiet >= quietAfter {
		p.event.Quiet = (quiet - quiet%(5*time.Second)).Seconds()
	}
}

func (p *progress) tick(now time.Time) {
	p.measure(now)
	if p.traffic == nil {
		return
	}
	p.samples = append(p.samples, sample{now, p.event.Bytes})
	if len(p.samples) > rateTicks {
		p.samples = p.samples[1:]
	}
	p.event.Rate = 0
	if first := p.samples[0]; now.After(first.at) {
		p.event.Rate = max(0, float64(p.event.Bytes-first.bytes)/now.Sub(first.at).Seconds())
	}
	p.tell(now)
}

// tell emits the event if it says something new.
func (p *progress) tell(now time.Time) {
	same := p.event
	same.Time = p.told.Time
	if same == p.told || p.emit == nil {
		return
	}
	p.event.Time = now
	p.told = p.event
	p.emit(p.event)
}

// backupStage says where a backup is from what the device asks for: it reads
// the last backup, sends files, moves them into place, and reads them back.
func (p *progress) backupStage(r devicelink.Request) russet.Stage {
	p.mu.Lock()
	defer p.mu.Unlock()
	stage := p.event.Stage
	switch r.Message {
	case "DLMessageMoveItems", "DLMessageMoveFiles", "DLMessageRemoveItems", "DLMessageRemoveFiles":
		p.moved = true
		return russet.Moving
	case "DLMessageUploadFiles":
		if r.Bytes > 0 && !p.moved {
			return russet.Receiving
		}
	case "DLMessageDownloadFiles", "DLContentsOfDirectory":
		if p.moved {
			return russet.Checking
		}
	}
	if stage == russet.Waiting || stage == russet.Connecting {
		return russet.Preparing
	}
	return stage
}
