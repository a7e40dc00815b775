package cli_test

import (
	"io"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"
)

// program is somebody's own, which events are posted to.
type program struct {
	url string

	mutex    sync.Mutex
	received []posted
	failing  map[string]int // by key, how often still
	also     func()
}

type posted struct {
	header http.Header
	body   string
}

func newProgram(t *testing.T) *program {
	t.Helper()
	p := &program{failing: map[string]int{}, also: func() {}}
	server := httptest.NewServer(p)
	t.Cleanup(server.Close)
	p.url = server.URL
	return p
}

func (p *program) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(r.Body)
	p.mutex.Lock()
	p.received = append(p.received, posted{r.Header, string(body)})
	key := r.Header.Get("Sluice-Key")
	fails := p.failing[key] > 0
	p.failing[key]--
	also := p.also
	p.mutex.Unlock()
	also()
	if fails {
		http.Error(w, "not now\nand why", http.StatusServiceUnavailable)
	}
}

const always = 1 << 20

func (p *program) fail(key string)     { p.set(func() { p.failing[key] = always }) }
func (p *program) failOnce(key string) { p.set(func() { p.failing[key] = 1 }) }
func (p *program) mend()               { p.set(func() { clear(p.failing) }) }

// onRequest also does something at each request.
func (p *program) onRequest(do func()) { p.set(func() { p.also = do }) }

func (p *program) set(change func()) {
	p.mutex.Lock()
	defer p.mutex.Unlock()
	change()
}

func (p *program) requests() []posted {
	p.mutex.Lock()
	defer p.mutex.Unlock()
	return append([]posted(nil), p.received...)
}
