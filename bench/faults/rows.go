//go:build linux && amd64

package main

import (
	"context"
	"crypto/rsa"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"sync"
	"time"
)

// row is what came of one class of points of one variant.
type row struct {
	variant, class     string
	all, tried, missed int
	stayed, gone       int
	statuses           map[int]int
	worst              int64
	took               time.Duration
	failures           []error
}

// variant tries all classes of one variant on labs of their own.
func (o options) variant(ctx context.Context, v variant, dir, russet string, key *rsa.PrivateKey) ([]*row, error) {
	var wanted []class
	for _, c := range v.classes() {
		if o.only.MatchString(v.name + ": " + string(c)) {
			wanted = append(wanted, c)
		}
	}
	if len(wanted) == 0 {
		return nil, nil
	}
	var labs []*lab
	for i := range o.workers {
		l, err := v.build(ctx, filepath.Join(dir, fmt.Sprint(i)), russet, key)
		if err != nil {
			return nil, err
		}
		labs = append(labs, l)
	}
	var rows []*row
	for _, c := range wanted {
		if ctx.Err() != nil {
			break
		}
		rows = append(rows, o.class(ctx, labs, c))
	}
	return rows, os.RemoveAll(dir)
}

// class tries the points of one class, one at a time on each lab.
func (o options) class(ctx context.Context, labs []*lab, c class) *row {
	start := time.Now()
	points, all := labs[0].points(c, o.stride)
	if o.sample > 0 && o.sample < len(points) {
		rand.New(rand.NewPCG(1, uint64(len(points)))).Shuffle(len(points), func(i, j int) { points[i], points[j] = points[j], points[i] })
		points = points[:o.sample]
	}
	r := &row{variant: labs[0].name, class: string(c), all: all, statuses: map[int]int{}}
	var mu sync.Mutex
	var group sync.WaitGroup
	work := make(chan int)
	for _, l := range labs {
		group.Go(func() {
			for i := range work {
				got, err := l.try(ctx, c, points[i], i%8 == 0)
				if ctx.Err() != nil {
					continue // it was us
				}
				mu.Lock()
				r.add(got, err)
				mu.Unlock()
			}
		})
	}
	for i := range points {
		if ctx.Err() != nil {
			break
		}
		work <- i
	}
	close(work)
	group.Wait()
	r.took = time.Since(start)
	fmt.Fprintf(os.Stderr, "%s: %s: %d of %d, %d kept, %d new, %d not reached, %v, %d bytes again, %d wrong, %.0f s\n",
		r.variant, r.class, r.tried, r.all, r.stayed, r.gone, r.missed, r.statuses, r.worst, len(r.failures), r.took.Seconds())
	return r
}

func (r *row) add(got result, err error) {
	r.tried++
	if err != nil {
		r.failures = append(r.failures, err)
		fmt.Fprintln(os.Stderr, err)
		return
	}
	r.statuses[got.status]++
	r.worst = max(r.worst, got.resent)
	if !got.reached {
		r.missed++
	}
	if got.became == stayed {
		r.stayed++
	} else {
		r.gone++
	}
}
