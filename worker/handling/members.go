package handling

import (
	"cmp"
	"context"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"sluice.internal/shared/service"
	"sluice.internal/shared/stream"
	"sluice.internal/shared/stream/consume"
)

const (
	// tellEvery is how often a worker tells its state.
	tellEvery = time.Second
	// missedStates is after how many times that it told its own state a worker takes another one for gone that has told
	// nothing. It is less than the time for which the server believes in an owner, so that nothing waits for it.
	missedStates = 5
	// answerTime is how long a worker that joins listens to the others before it takes what is its share.
	answerTime = 300 * time.Millisecond
	// answerPause is the shortest time between two states.
	answerPause = 100 * time.Millisecond
)

// members are the workers of a group that are alive, as far as this one knows, and which partitions are its own. What it
// does not know costs a fair share for a while, and nothing else: the server chooses the owner of a partition.
type members struct {
	group *consume.Group
	// onlyPresent is whether all know of chats that are aside.
	onlyPresent *atomic.Bool
	state       func() stream.WorkerState // of this worker, without its partitions

	mutex  sync.Mutex
	others map[string]*member
	mine   []string
	// changed has a token when somebody joined, left or has other partitions, wanted when somebody wants to know the state.
	changed, wanted chan struct{}
}

type member struct {
	state  stream.WorkerState
	missed int // how often this worker told its state since
}

func newMembers(group *consume.Group, onlyPresent *atomic.Bool, state func() stream.WorkerState) *members {
	onlyPresent.Store(true)
	return &members{
		group: group, onlyPresent: onlyPresent, state: state, others: map[string]*member{},
		changed: make(chan struct{}, 1), wanted: make(chan struct{}, 1),
	}
}

// run tells the own state and calls own with the partitions of this worker, whenever they are others, until the context
// ends. Then it tells that the worker leaves.
func (m *members) run(ctx context.Context, own func(partitions []string)) error {
	stop, err := m.group.Listen(m.heard, func() { signal(m.wanted) })
	if err != nil {
		return err
	}
	defer stop()
	m.tell(false)
	_ = m.group.AskOthers() // Who does not hear it tells its state within a second.
	listening := time.NewTimer(answerTime)
	defer listening.Stop()
	select {
	case <-ctx.Done():
	case <-listening.C:
	}
	ticker := time.NewTicker(tellEvery)
	defer ticker.Stop()
	for first := true; ctx.Err() == nil; first = false {
		if m.divide() || first { // A group without order has no shares, and begins all the same.
			own(m.mine)
			m.tell(false)
		}
		select {
		case <-ctx.Done():
		case <-m.changed:
		case <-m.wanted:
			m.tell(false)
			_ = service.Sleep(ctx, answerPause) // The loop sees the end.
		case <-ticker.C:
			m.count()
			m.tell(false)
		}
	}
	m.tell(true)
	return nil
}

// heard takes in what a worker told.
func (m *members) heard(state stream.WorkerState) {
	if state.ID == m.group.ID() {
		return
	}
	m.mutex.Lock()
	defer m.mutex.Unlock()
	before := m.others[state.ID]
	if state.Leaving {
		delete(m.others, state.ID)
	} else {
		m.others[state.ID] = &member{state: state}
	}
	m.compareVersions()
	if before == nil != state.Leaving || before != nil && !slices.Equal(before.state.Partitions, state.Partitions) {
		signal(m.changed)
	}
}

// count forgets who has told nothing for long. It counts how often this worker told its own state, because one that was frozen
// has heard nobody for long either.
func (m *members) count() {
	m.mutex.Lock()
	defer m.mutex.Unlock()
	for id, other := range m.others {
		if other.missed++; other.missed >= missedStates {
			delete(m.others, id)
		}
	}
	m.compareVersions()
}

// compareVersions finds out whether all workers know of chats that are aside. One of an older version would handle what comes
// new of such a chat, and not what is aside.
func (m *members) compareVersions() {
	all := true
	for _, other := range m.others {
		all = all && other.state.Asides
	}
	m.onlyPresent.Store(all)
}

// divide finds out which partitions are this worker's and reports whether they are others than before.
func (m *members) divide() (changed bool) {
	m.mutex.Lock()
	defer m.mutex.Unlock()
	workers := []stream.WorkerState{{ID: m.group.ID(), Partitions: m.mine}}
	for _, other := range m.others {
		workers = append(workers, other.state)
	}
	var mine []string
	for _, due := range []bool{false, true} {
		partitions := m.partitions(due)
		for p, owner := range share(partitions, workers) {
			if owner == m.group.ID() {
				mine = append(mine, p)
			}
		}
	}
	slices.SortFunc(mine, func(a, b string) int { return cmp.Compare(a, b) })
	changed = !slices.Equal(mine, m.mine)
	m.mine = mine
	return changed
}

// partitions are those that have an owner.
func (m *members) partitions(due bool) (names []string) {
	for _, p := range m.group.Partitions {
		if p.Due() == due && p.HasOwner() {
			names = append(names, partitionName(p))
		}
	}
	return names
}

// partitionName tells partitions of what is due from others.
func partitionName(p *consume.Partition) string {
	if p.Due() {
		return "due/" + p.Name()
	}
	return p.Name()
}

// tell tells the own state. What is not heard is told again in a second.
func (m *members) tell(leaving bool) {
	state := m.state()
	m.mutex.Lock()
	state.Partitions, state.Leaving = slices.Clone(m.mine), leaving
	m.mutex.Unlock()
	_ = m.group.Tell(state)
}

// signal puts a token into a channel that has none.
func signal(to chan<- struct{}) {
	select {
	case to <- struct{}{}:
	default:
	}
}
