package postgres

// maxNumbers bounds what is remembered, some MB; when it is full it begins anew.
const maxNumbers = 1 << 15

// numbers remembers the numbers of requests by their ids, which never change: to
// find a row by its number costs half of what its id costs. It holds what is
// committed, and some that other nodes have deleted since: these are not found.
type numbers map[string]int64

func (n numbers) remember(id string, seq int64) {
	if len(n) >= maxNumbers {
		clear(n)
	}
	n[id] = seq
}

// split splits requests into those of which the number is known, to the batch or
// from before, and the others.
func (t *tx) split(ids []string) (seqs []int64, others []string) {
	seqs, others = []int64{}, []string{}
	for _, id := range ids {
		seq := t.byID[id]
		if seq == 0 {
			seq = t.found[id]
		}
		if seq == 0 {
			seq = t.numbers[id]
		}
		if seq != 0 {
			seqs = append(seqs, seq)
		} else {
			others = append(others, id)
		}
	}
	return seqs, others
}

// learn remembers what the batch knows, once it is committed: the requests that
// are in motion.
func (t *tx) learn() {
	for id, seq := range t.byID {
		if r := t.requests.get(seq); r != nil && !r.Status.Ended() {
			t.numbers.remember(id, seq)
		}
	}
}
