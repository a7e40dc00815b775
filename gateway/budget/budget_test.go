package budget_test

import (
	"bytes"
	"errors"
	"io"
	"net"
	"net/netip"
	"os"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/iotest"
	"time"

	"go.uber.org/goleak"

	"sluice.internal/gateway/budget"
)

const (
	mebi    = 1 << 20
	maxBody = 8 * mebi
	// timeout is how long a test waits for what must come.
	timeout = 2 * time.Minute
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// room is a budget of the size, in MiB, whose clients may be as slow as they like.
func room(size int64) *budget.Budget { return budget.New(budget.Settings{Size: size * mebi}) }

// reserve makes a reservation of a body that is here.
func reserve(b *budget.Budget, source, address string) *budget.Reservation {
	return b.Reserve(budget.Request{
		Source: source, Address: netip.MustParseAddr(address), Verified: true, MaxBody: maxBody, Began: time.Now(),
	})
}

// sender is the other end of a connection that a body comes over.
type sender struct {
	net.Conn

	reservation *budget.Reservation
	content     []byte
	err         error
	done        chan struct{}
}

// send begins to read a body of the announced size, which began before now.
func send(t *testing.T, b *budget.Budget, request budget.Request, size int64, ago time.Duration) *sender {
	t.Helper()
	client, server := net.Pipe()
	t.Cleanup(func() { _ = client.Close() })
	request.Client, request.MaxBody, request.Began = server, maxBody, time.Now().Add(-ago)
	s := &sender{Conn: client, reservation: b.Reserve(request), done: make(chan struct{})}
	go func() {
		defer close(s.done)
		s.content, s.err = s.reservation.Read(io.LimitReader(server, size), size, maxBody)
		if s.err != nil {
			s.reservation.Release()
			_ = server.Close()
		}
	}()
	return s
}

// bring sends some bytes and returns once they were read.
func (s *sender) bring(t *testing.T, size int) {
	t.Helper()
	if _, err := s.Write(make([]byte, size)); err != nil {
		t.Fatal(err)
	}
}

// wait waits until the body was read or given up.
func (s *sender) wait(t *testing.T) error {
	t.Helper()
	select {
	case <-s.done:
		return s.err
	case <-time.After(timeout):
		t.Fatal("the body is still read")
		return nil
	}
}

func TestBodyTakesItsSizeAndFiveQuartersOfItAtMost(t *testing.T) {
	t.Parallel()
	for _, size := range []int{0, 1, 4095, 4096, 4097, 70_000, 300_000, mebi, maxBody} {
		for _, announced := range []int64{int64(size), 0} {
			b := room(256)
			r := reserve(b, "a", "192.0.2.1")
			body := bytes.Repeat([]byte("x"), size)
			content, err := r.Read(onlyReader{bytes.NewReader(body)}, announced, maxBody)
			if err != nil || !bytes.Equal(content, body) {
				t.Fatalf("%d bytes: read %d, %v", size, len(content), err)
			}
			if taken := b.Taken(); taken != int64(cap(content)) || taken > int64(max(size+1, 4096)) {
				t.Errorf("%d bytes, announced as %d: %d are counted, %d are there", size, announced, taken, cap(content))
			}
			most := int64(size)*5/4 + 2*65536
			if announced == 0 {
				most = 2*int64(size) + 2*65536
			}
			if peak := b.Peak(); peak > most {
				t.Errorf("%d bytes, announced as %d: took %d at most, want %d", size, announced, peak, most)
			}
			r.Release()
			r.Release()
			if b.Taken() != 0 {
				t.Errorf("%d bytes are still taken", b.Taken())
			}
		}
	}
}

// onlyReader has no other method, as a connection has none.
type onlyReader struct{ io.Reader }

func TestBodyThatIsLargerThanItsLimitOrThanAnnouncedIsFoundOut(t *testing.T) {
	t.Parallel()
	b := room(256)
	r := reserve(b, "a", "192.0.2.1")
	if _, err := r.Read(strings.NewReader(strings.Repeat("x", 200_001)), 0, 200_000); !errors.Is(err, budget.ErrTooLarge) {
		t.Errorf("over the limit: %v", err)
	}
	content, err := r.Unpack(strings.NewReader(strings.Repeat("x", 200_000)), 1000, 200_000)
	if err != nil || len(content) != 200_000 {
		t.Errorf("longer than announced: %d bytes, %v", len(content), err)
	}
	small := room(1)
	if _, err := reserve(small, "a", "192.0.2.1").Read(strings.NewReader(strings.Repeat("x", mebi)), mebi, maxBody); !errors.Is(err, budget.ErrTooLarge) {
		t.Errorf("more than there ever is: %v", err)
	}
}

func TestBodyThatFailsKeepsItsBeginningAlone(t *testing.T) {
	t.Parallel()
	for _, came := range []int{100, 70_000, maxBody / growth, maxBody - 1, maxBody} {
		for _, announced := range []int64{maxBody + 1, 0} {
			b := room(256)
			r := reserve(b, "a", "192.0.2.1")
			broken := io.MultiReader(bytes.NewReader(bytes.Repeat([]byte("x"), came)), iotest.ErrReader(io.ErrUnexpectedEOF))
			content, err := r.Read(broken, announced, maxBody+1)
			if !errors.Is(err, io.ErrUnexpectedEOF) {
				t.Fatalf("%d bytes: %v", came, err)
			}
			if got := cap(content); got > blockSize || len(content) == 0 {
				t.Errorf("%d bytes of %d: %d are left in memory for %d", came, announced, len(content), got)
			}
			if taken := b.Taken(); taken != int64(cap(content)) {
				t.Errorf("%d bytes of %d: %d are counted, %d are there", came, announced, taken, cap(content))
			}
		}
	}
}

// blockSize is what a large body grows by.
const blockSize = 64 << 10

func TestAnnouncedSizeHoldsNothing(t *testing.T) {
	t.Parallel()
	b := room(100)
	for range 16 {
		send(t, b, budget.Request{Source: "a", Verified: true}, maxBody, 0).bring(t, 1)
	}
	if taken := b.Taken(); taken > 16*4096 {
		t.Errorf("16 senders of a byte each hold %d bytes", taken)
	}
}

func TestSlowestGivesWayAndNotTheNextSender(t *testing.T) {
	t.Parallel()
	b := room(100)
	for i := range 9 {
		stranger := send(t, b, budget.Request{Source: "stripe", Address: address(i)}, maxBody, time.Minute)
		_, _ = stranger.Write(make([]byte, maxBody/growth+1)) // It fails for one that gives way.
	}
	if taken := b.Taken(); taken < 2*maxBody || taken > 25*mebi {
		t.Fatalf("strangers hold %d bytes", taken)
	}
	honest := reserve(b, "stripe", "192.0.2.1")
	if _, err := honest.Read(bytes.NewReader(make([]byte, maxBody)), maxBody, maxBody); err != nil {
		t.Errorf("the honest sender: %v", err)
	}
}

// growth is the part of a body that has to come before memory for all of it is taken.
const growth = 4

func address(i int) netip.Addr { return netip.MustParseAddr("198.51.100." + strconv.Itoa(i+1)) }

func TestNoSourceAndNoAddressTakesMoreThanItsPart(t *testing.T) {
	t.Parallel()
	for sentence, of := range map[string]func(i int) (source, address string){
		"source":          func(i int) (string, string) { return "a", address(i).String() },
		"address":         func(i int) (string, string) { return strconv.Itoa(i), "192.0.2.1" },
		"network of IPv6": func(i int) (string, string) { return strconv.Itoa(i), "2001:db8::" + strconv.Itoa(i) },
	} {
		t.Run(sentence, func(t *testing.T) {
			t.Parallel()
			b := room(100)
			var (
				all         sync.WaitGroup
				taken, busy atomic.Int64
			)
			for i := range 5 {
				all.Go(func() {
					source, address := of(i)
					switch _, err := reserve(b, source, address).Read(bytes.NewReader(make([]byte, maxBody)), maxBody, maxBody); {
					case err == nil:
						taken.Add(1)
					case errors.Is(err, budget.ErrExhausted):
						busy.Add(1)
					default:
						t.Error(err)
					}
				})
			}
			all.Wait()
			// The reservations that failed still hold what came first.
			if taken.Load() < 1 || taken.Load() > 2 || taken.Load()+busy.Load() != 5 {
				t.Errorf("%d bodies are taken and %d are not", taken.Load(), busy.Load())
			}
			if _, err := reserve(b, "other", "203.0.113.1").Read(bytes.NewReader(make([]byte, maxBody)), maxBody, maxBody); err != nil {
				t.Errorf("another one: %v", err)
			}
		})
	}
}

func TestUnverifiedBodiesTakeHalfAndVerifiedOnesTheRest(t *testing.T) {
	t.Parallel()
	b := room(40) // A part is 20 MiB then, so that two of the largest bodies fit.
	var all []*budget.Reservation
	body := func(i int, verified bool) error {
		r := b.Reserve(budget.Request{Source: strconv.Itoa(i), Address: address(i), Verified: verified, MaxBody: maxBody, Began: time.Now()})
		all = append(all, r)
		_, err := r.Read(bytes.NewReader(make([]byte, maxBody)), maxBody, maxBody)
		return err
	}
	for i := range 2 {
		if err := body(i, false); err != nil {
			t.Fatal(err)
		}
	}
	if err := body(2, false); !errors.Is(err, budget.ErrExhausted) {
		t.Errorf("a third one that is not verified: %v", err)
	}
	if err := body(3, true); err != nil {
		t.Errorf("one that is: %v", err)
	}
	all[2].Release()
	all[0].Verify()
	all[0].Verify()
	if err := body(4, false); err != nil {
		t.Errorf("when another one was verified: %v", err)
	}
	for _, r := range all {
		r.Release()
	}
	if b.Taken() != 0 || b.Peak() > 40*mebi {
		t.Errorf("%d bytes are taken, %d were", b.Taken(), b.Peak())
	}
}

func TestRequestWaitsForMemoryThatIsReleased(t *testing.T) {
	t.Parallel()
	b := room(40)
	first, second := reserve(b, "a", "192.0.2.1"), reserve(b, "a", "192.0.2.1")
	for _, r := range []*budget.Reservation{first, second} {
		if _, err := r.Read(bytes.NewReader(make([]byte, maxBody)), maxBody, maxBody); err != nil {
			t.Fatal(err)
		}
	}
	third := reserve(b, "a", "192.0.2.1")
	waiting := &signalling{Reader: bytes.NewReader(make([]byte, maxBody)), begun: make(chan struct{})}
	go func() {
		<-waiting.begun
		first.Release()
	}()
	if _, err := third.Read(waiting, maxBody, maxBody); err != nil {
		t.Errorf("it did not wait: %v", err)
	}
}

// signalling says when reading began.
type signalling struct {
	io.Reader

	begun chan struct{}
	once  sync.Once
}

func (s *signalling) Read(p []byte) (int, error) {
	s.once.Do(func() { close(s.begun) })
	return s.Reader.Read(p)
}

func TestSendersThatAllWaitForEachOtherGoOn(t *testing.T) {
	t.Parallel()
	b := room(40)
	var all []*sender
	for range 8 {
		all = append(all, send(t, b, budget.Request{Source: "a", Verified: true}, maxBody, 0))
	}
	var sending sync.WaitGroup
	for _, one := range all {
		sending.Go(func() {
			_, _ = one.Write(make([]byte, maxBody)) // It fails for those that give way.
			<-one.done
			one.reservation.Release()
		})
	}
	sending.Wait()
	whole := 0
	for _, one := range all {
		if one.err == nil {
			whole++
		}
	}
	if whole < 2 || b.Taken() != 0 || b.Peak() > 40*mebi {
		t.Errorf("%d of 8 came, %d bytes are taken, %d were", whole, b.Taken(), b.Peak())
	}
}

func TestBodyHasToKeepPace(t *testing.T) {
	t.Parallel()
	settings := budget.Settings{Size: 100 * mebi, MinRate: 1000, Grace: time.Second}
	late := send(t, budget.New(settings), budget.Request{Source: "a"}, maxBody, 3*time.Second)
	late.bring(t, 1000)
	if err := late.wait(t); !errors.Is(err, os.ErrDeadlineExceeded) {
		t.Errorf("1,000 bytes in 3 s: %v", err)
	}
	inTime := send(t, budget.New(settings), budget.Request{Source: "a"}, 200_001, 3*time.Second)
	inTime.bring(t, 200_000)
	inTime.bring(t, 1)
	if err := inTime.wait(t); err != nil {
		t.Errorf("200,000 bytes in 3 s: %v", err)
	}
	settings.MaxTime = 2 * time.Second
	long := send(t, budget.New(settings), budget.Request{Source: "a"}, maxBody, 3*time.Second)
	_, _ = long.Write(make([]byte, 200_000))
	if err := long.wait(t); !errors.Is(err, os.ErrDeadlineExceeded) {
		t.Errorf("200,000 bytes in more than the longest time: %v", err)
	}
}

func TestSlowestCanBeMadeToGiveWay(t *testing.T) {
	t.Parallel()
	b := room(100)
	if b.Displace() {
		t.Error("somebody gave way where nobody is")
	}
	old := send(t, b, budget.Request{Source: "a", Verified: true}, maxBody, time.Minute)
	old.bring(t, 1)
	young := send(t, b, budget.Request{Source: "a"}, maxBody, 0)
	young.bring(t, 1)
	if !b.Displace() {
		t.Error("nobody gave way")
	}
	if err := old.wait(t); !errors.Is(err, budget.ErrDisplaced) {
		t.Errorf("the slower one: %v", err)
	}
	select {
	case <-young.done:
		t.Error("the other one gave way too")
	default:
	}
}
