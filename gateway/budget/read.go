package budget

import (
	"errors"
	"io"
)

const (
	// firstSize is the memory, in bytes, that a body takes before any of it came, unless it is said to be smaller.
	firstSize = 4 << 10
	// blockSize is what a large body grows by, until enough of it came that its announced size is believed.
	blockSize = 64 << 10
	// maxFreeBlocks is how many blocks are kept for the next body: 2 MiB.
	maxFreeBlocks = 32
	// growthShare is the part of the announced size that has to come before memory for all of it is taken.
	growthShare = 4
)

// Read reads a body of at most limit bytes into memory of the reservation, which then holds its size and no more. Size is
// what the body is said to have, 0 when that is not known: with it no more than five quarters of the body are ever taken,
// without it twice the body, for the moment in which it is put together.
//
// With an error it returns the beginning of what came; [Reservation.Received] has how much that was. Errors: ErrTooLarge,
// ErrExhausted, ErrDisplaced, and those of the reader.
func (r *Reservation) Read(from io.Reader, size, limit int64) ([]byte, error) {
	r.begin()
	in := reading{reservation: r, from: from, size: min(max(size, 0), limit), limit: limit, timed: true}
	content, err := in.all()
	if r.end() && err != nil {
		err = ErrDisplaced
	}
	return content, err
}

// Unpack is Read for what is here already, in another form: it comes as fast as it is asked for.
func (r *Reservation) Unpack(from io.Reader, size, limit int64) ([]byte, error) {
	in := reading{reservation: r, from: from, size: min(max(size, 0), limit), limit: limit}
	return in.all()
}

// Hold takes memory for something besides the body, until LetGo or the reservation's release. Errors: ErrTooLarge, ErrExhausted.
func (r *Reservation) Hold(size int64) error {
	err := r.acquire(size)
	if err == nil {
		r.held += size
	}
	return err
}

// LetGo returns what was taken by Hold. A body may wait for the store for long, and what it was unpacked with is of no use then.
func (r *Reservation) LetGo() {
	r.giveBack(r.held)
	r.held = 0
}

// reading is one body on its way. First it has one piece of memory, which is all for a small one. A large one gets blocks
// beside it, until its size is known or believed, and is put together then.
type reading struct {
	reservation *Reservation
	from        io.Reader
	size, limit int64
	// timed says that the client has to keep pace.
	timed  bool
	came   int64
	head   []byte
	blocks [][]byte
}

func (in *reading) all() ([]byte, error) {
	first := int64(firstSize)
	if in.size > 0 {
		first = min(first, in.size+1) // The last byte is for finding the end.
	}
	if err := in.reservation.acquire(first + in.reservation.overhead); err != nil {
		return nil, err
	}
	in.reservation.overhead = 0
	head, done, err := in.fill(make([]byte, 0, first))
	if done || err != nil {
		return head, err
	}
	in.head = head
	for {
		if in.believed() {
			return in.rest()
		}
		if err := in.reservation.acquire(blockSize); err != nil {
			return in.beginning(), err
		}
		block, done, err := in.fill(in.reservation.budget.block())
		in.blocks = append(in.blocks, block)
		if err != nil {
			return in.beginning(), err
		}
		if done {
			return in.join(in.came)
		}
	}
}

// believed reports whether enough came for memory for all of the body to be taken.
func (in *reading) believed() bool {
	return in.size > in.came && (in.size <= blockSize || in.came >= in.size/growthShare)
}

// rest takes memory for all of the body at once and reads what is left of it.
func (in *reading) rest() ([]byte, error) {
	content, err := in.join(in.size + 1)
	if err != nil {
		return content, err
	}
	content, done, err := in.fill(content)
	if done {
		return content, nil
	}
	in.head = content
	if err != nil {
		return in.beginning(), err
	}
	// It is longer than was announced, as only what is unpacked can be.
	in.size = 0
	for {
		if err := in.reservation.acquire(blockSize); err != nil {
			return in.beginning(), err
		}
		block, done, err := in.fill(in.reservation.budget.block())
		in.blocks = append(in.blocks, block)
		if err != nil {
			return in.beginning(), err
		}
		if done {
			return in.join(in.came)
		}
	}
}

// join puts together what came, in memory of the given size, and gives the pieces back.
func (in *reading) join(size int64) ([]byte, error) {
	if err := in.reservation.acquire(size); err != nil {
		return in.beginning(), err
	}
	content := append(make([]byte, 0, size), in.head...)
	for _, block := range in.blocks {
		content = append(content, block...)
	}
	in.reservation.giveBack(int64(cap(in.head)) + in.free())
	in.head = nil
	return content, nil
}

// beginning returns at most a block of what came, for those who want to see it, and gives the rest back. Whoever has the
// beginning may keep it until the client is answered, and a client that was too slow takes its time for that too.
func (in *reading) beginning() []byte {
	if len(in.blocks) == 0 && cap(in.head) <= blockSize {
		return in.head
	}
	content := append(make([]byte, 0, min(in.came, blockSize)), in.head[:min(len(in.head), blockSize)]...)
	if len(in.blocks) > 0 {
		content = append(content, in.blocks[0][:min(len(in.blocks[0]), cap(content)-len(content))]...)
	}
	in.reservation.giveBack(int64(cap(in.head)) + in.free() - int64(cap(content)))
	in.head = nil
	return content
}

// free gives the blocks to those who need some and returns how much memory they were.
func (in *reading) free() (size int64) {
	for _, block := range in.blocks {
		in.reservation.budget.recycle(block)
		size += blockSize
	}
	in.blocks = nil
	return size
}

// fill reads until the piece is full, or until the body is done.
func (in *reading) fill(piece []byte) (filled []byte, done bool, err error) {
	for len(piece) < cap(piece) {
		n, err := in.from.Read(piece[len(piece):cap(piece)])
		piece = piece[:len(piece)+n]
		in.came += int64(n)
		if in.timed {
			in.reservation.received.Add(int64(n))
		}
		switch {
		case in.came > in.limit:
			return piece, false, ErrTooLarge
		case errors.Is(err, io.EOF):
			return piece, true, nil
		case err != nil:
			return piece, false, err
		}
		in.keepPace()
	}
	return piece, false, nil
}

// keepPace gives the client time for the next part of the body, by what it has brought so far, and counts that for it.
func (in *reading) keepPace() {
	if !in.timed {
		return
	}
	r := in.reservation
	r.budget.mutex.Lock()
	defer r.budget.mutex.Unlock()
	r.pay()
	r.extend()
}

// block returns an empty block of memory.
func (b *Budget) block() []byte {
	select {
	case block := <-b.blocks:
		return block[:0]
	default:
		return make([]byte, 0, blockSize)
	}
}

// recycle keeps a block for the next body.
func (b *Budget) recycle(block []byte) {
	select {
	case b.blocks <- block:
	default:
	}
}
