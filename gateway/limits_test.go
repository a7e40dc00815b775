package gateway_test

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"sluice.internal/gateway"
	"sluice.internal/shared/config"
	"sluice.internal/shared/notification"
)

// together sends the same body often at once, each time as change makes it, and counts the answers by status.
func (r *running) together(t *testing.T, times int, body string, change ...func(*http.Request)) map[int]int {
	t.Helper()
	var (
		mutex  sync.Mutex
		counts = map[int]int{}
		all    sync.WaitGroup
	)
	for range times {
		all.Go(func() {
			status := r.post(t, []byte(body), change...).StatusCode
			mutex.Lock()
			defer mutex.Unlock()
			counts[status]++
		})
	}
	all.Wait()
	return counts
}

func TestManySmallBodiesAreTakenAtOnceHoweverTheyAreSent(t *testing.T) {
	t.Parallel()
	const times = 64
	chunked := func(request *http.Request) { request.ContentLength = -1 }
	for sentence, test := range map[string]struct {
		body   string
		change func(*http.Request)
	}{
		"plain":   {incoming, header("X-Plain", "yes")},
		"chunked": {incoming, chunked},
		"gzip":    {string(packed(incoming)), header("Content-Encoding", "gzip")},
	} {
		t.Run(sentence, func(t *testing.T) {
			t.Parallel()
			store, arrived, leave := newMemory(), make(chan struct{}, times), make(chan struct{})
			store.publish = func(context.Context, *notification.Notification) error {
				arrived <- struct{}{}
				<-leave
				return nil
			}
			running := start(t, greenAPI(), store)
			go func() { // The store answers once all of them wait for it, or when those that were refused are known.
				defer close(leave)
				for range times {
					select {
					case <-arrived:
					case <-time.After(waitTimeout / 4):
						return
					}
				}
			}()
			if counts := running.together(t, times, test.body, test.change); counts[http.StatusOK] != times {
				t.Errorf("answered %v, want %d times 200", counts, times)
			}
		})
	}
}

// small is the settings of a gateway that has as much memory as in a container of docker-compose.yml.
func small(sources ...config.Source) gateway.Settings {
	settings := settingsOf(sources...)
	settings.MemoryLimit = 256 * config.MiB
	return settings
}

// bodiesOfSmall is how much memory bodies may take there.
const bodiesOfSmall = 256 << 20 * 4 / 10

func TestUnpackedBodiesAreBoundedTogether(t *testing.T) {
	t.Parallel()
	const waiting = 2
	store, arrived, leave := newMemory(), make(chan struct{}, waiting), make(chan struct{})
	var published atomic.Int64
	store.publish = func(context.Context, *notification.Notification) error {
		if published.Add(1) <= waiting {
			arrived <- struct{}{}
			<-leave
		}
		return nil
	}
	running := start(t, small(written("green-api", token, bodyLimit(20<<20))), store)
	let := sync.OnceFunc(func() { close(leave) })
	t.Cleanup(let)
	bomb := packed(string(blank(20 << 20))) // A thousandth of what it unpacks to.
	var all sync.WaitGroup
	for range waiting {
		all.Go(func() {
			if answer := running.post(t, bomb, header("Content-Encoding", "gzip")); answer.StatusCode != http.StatusOK {
				t.Errorf("answered %d", answer.StatusCode)
			}
		})
		<-arrived
	}
	answer := running.post(t, bomb, header("Content-Encoding", "gzip")).wantRefusal(t, http.StatusServiceUnavailable, "store_busy")
	if after := answer.Header.Get("Retry-After"); after != "5" {
		t.Errorf("Retry-After is %q", after)
	}
	running.post(t, []byte(incoming)).want(t, http.StatusOK) // What is left is enough for others.
	let()
	all.Wait()
	running.post(t, bomb, header("Content-Encoding", "gzip")).want(t, http.StatusOK)
	if peak := running.BodiesPeak(); peak > bodiesOfSmall {
		t.Errorf("they took %d bytes", peak)
	}
	until(t, func() bool { return running.BodiesTaken() == 0 })
}

func bodyLimit(bytes config.Size) func(*config.Source) {
	return func(from *config.Source) { from.BodyLimit = bytes }
}

func TestAnnouncedLengthTakesNothingFromOthers(t *testing.T) {
	t.Parallel()
	running := start(t, small(written("green-api", token), written("github", signingSecret)), newMemory())
	for range 16 {
		ask(t, running.dial(t), "Content-Length: 8388608")
		ask(t, running.dial(t), "Transfer-Encoding: chunked")
		fmt.Fprintf(running.dial(t), "POST /github/webhook HTTP/1.1\r\nHost: x\r\nContent-Length: 8388608\r\n\r\n")
	}
	large := blank(8 << 20)
	for range 4 {
		running.post(t, large).want(t, http.StatusOK)
		running.do(t, http.MethodPost, "/github/webhook", bytes.NewReader(large), signed(t, "github", signingSecret, large)).
			want(t, http.StatusOK)
	}
	if peak := running.BodiesPeak(); peak > 20<<20 {
		t.Errorf("bodies took %d bytes", peak)
	}
}

func TestSlowStrangersGiveWayToTheNextSender(t *testing.T) {
	t.Parallel()
	settings := small(written("stripe", signingSecret), written("github", signingSecret))
	running := start(t, settings, newMemory())
	body := blank(1 << 20)
	var slow []net.Conn
	for i := range 64 { // They send all but the last byte, so that all of their memory is taken.
		path := []string{"/stripe/webhook", "/github/webhook"}[i%2]
		conn := running.dial(t)
		slow = append(slow, conn)
		go fmt.Fprintf(conn, "POST %s HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n%s", path, len(body), body[1:])
	}
	until(t, func() bool { return running.BodiesTaken() > bodiesOfSmall/5 })
	large := blank(20 << 20)
	for range 3 {
		running.do(t, http.MethodPost, "/github/webhook", bytes.NewReader(large), signed(t, "github", signingSecret, large)).
			want(t, http.StatusOK)
		running.do(t, http.MethodPost, "/stripe/webhook", bytes.NewReader(body), signed(t, "stripe", signingSecret, body)).
			want(t, http.StatusOK)
	}
	if peak := running.BodiesPeak(); peak > bodiesOfSmall {
		t.Errorf("bodies took %d bytes", peak)
	}
	// Whoever gave way is told after the time for the rest of its body; on a slow machine it may have been too slow first.
	told := make(chan struct{}, len(slow))
	for _, conn := range slow {
		go func() {
			if line, _ := bufio.NewReader(conn).ReadString('\n'); strings.Contains(line, "503") || strings.Contains(line, "408") {
				told <- struct{}{}
			}
		}()
	}
	select {
	case <-told:
	case <-time.After(waitTimeout):
		t.Error("none of those who gave way was told")
	}
}

func TestLargeBodiesOfManySendersStayWithinTheMemory(t *testing.T) {
	t.Parallel()
	running := start(t, small(written("green-api", token)), newMemory())
	body := blank(8 << 20)
	var all sync.WaitGroup
	for range 8 {
		all.Go(func() {
			for {
				answer := running.post(t, body)
				if answer.StatusCode == http.StatusOK {
					return
				}
				if answer.StatusCode != http.StatusServiceUnavailable {
					t.Errorf("answered %d", answer.StatusCode)
					return
				}
			}
		})
	}
	all.Wait()
	if peak := running.BodiesPeak(); peak > bodiesOfSmall/4 {
		t.Errorf("bodies of one source took %d bytes", peak)
	}
}

func TestLimitOfABodyIsTheSources(t *testing.T) {
	t.Parallel()
	store := newMemory()
	running := start(t, settingsOf(written("stripe", signingSecret), written("github", signingSecret), written("green-api", token, bodyLimit(1000))), store)
	for path, test := range map[string]struct {
		provider string
		most     int
	}{"/stripe/webhook": {"stripe", 1 << 20}, "/github/webhook": {"github", 25 << 20}} {
		for size, status := range map[int]int{test.most: http.StatusOK, test.most + 1: http.StatusRequestEntityTooLarge} {
			body := blank(size)
			running.do(t, http.MethodPost, path, bytes.NewReader(body), signed(t, test.provider, signingSecret, body)).want(t, status)
		}
	}
	running.post(t, blank(1000)).want(t, http.StatusOK)
	running.post(t, blank(1001)).want(t, http.StatusRequestEntityTooLarge)
}

func TestWhatAProviderMaySendIsCutToWhatNATSTakes(t *testing.T) {
	t.Parallel()
	store := newMemory()
	store.maxBody = 9 << 20
	running := start(t, settingsOf(written("github", signingSecret)), store)
	running.log.await(t, "raise max_payload of NATS", `"taken":9437184`)
	body := blank(9<<20 + 1)
	running.do(t, http.MethodPost, "/github/webhook", bytes.NewReader(body), signed(t, "github", signingSecret, body)).
		wantRefusal(t, http.StatusRequestEntityTooLarge, "body_too_large")
}

func TestSenderOfASignedBodyThatIsTooLargeCanReadWhy(t *testing.T) {
	t.Parallel()
	running := start(t, of("stripe"), newMemory())
	body := blank(9 << 20)
	for i := range 8 {
		change := signed(t, "stripe", signingSecret, body)
		var reader io.Reader = bytes.NewReader(body)
		if i%2 == 0 {
			reader = unsized{reader}
		}
		running.do(t, http.MethodPost, "/stripe/webhook", reader, change).wantRefusal(t, http.StatusRequestEntityTooLarge, "body_too_large")
	}
}

// until tries again until the condition holds.
func until(t *testing.T, holds func() bool) {
	t.Helper()
	for deadline := time.Now().Add(waitTimeout); !holds(); {
		if time.Now().After(deadline) {
			t.Fatal("waited in vain")
		}
		time.Sleep(time.Millisecond)
	}
}
