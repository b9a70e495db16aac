package webhook

import (
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"chatbridge/internal/bridge"
)

// The records of tries that succeeded leave together: when there are enough, when
// the oldest has waited for long enough, with one that is in a hurry, or when no
// try is under way that could join them.
func TestRecordsWaitForEachOther(t *testing.T) {
	tests := []struct {
		name     string
		records  int
		underway int64 // tries that do not come to their record
		hurry    bool  // the last
		left     int   // at once; the others within recordWithin
	}{
		{"nobody else comes", 1, 0, false, 1},
		{"few", 3, 1, false, 0},
		{"a failure", 3, 1, true, 3},
		{"many", recordBatch + 2, 1, false, recordBatch},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var mu sync.Mutex // guards posted
				var posted []int64
				r := &records{post: func(cmd bridge.Command, done func(*bridge.Changes, error)) {
					mu.Lock()
					defer mu.Unlock()
					posted = append(posted, cmd.(*bridge.RecordTry).DeliveryID)
					done(nil, nil)
				}}
				count := func() int {
					synctest.Wait()
					mu.Lock()
					defer mu.Unlock()
					return len(posted)
				}
				r.underway.Store(tt.underway)
				var waiting sync.WaitGroup
				for i := range tt.records {
					waiting.Go(func() {
						if err := r.do(&bridge.RecordTry{DeliveryID: int64(i)}, tt.hurry && i == tt.records-1); err != nil {
							t.Error(err)
						}
					})
					synctest.Wait()
				}
				if got := count(); got != tt.left {
					t.Errorf("%d left at once, want %d", got, tt.left)
				}
				time.Sleep(recordWithin)
				if got := count(); got != tt.records {
					t.Errorf("%d left in time, want %d", got, tt.records)
				}
				waiting.Wait()
			})
		})
	}
}
