package cli_test

import (
	"encoding/json"
	"regexp"
	"strings"
	"testing"

	"sluice.internal/shared/streamtest"
)

// heard publishes events until the first of them is heard: when listening begins is not told. It returns the line.
func heard(t *testing.T, streams *streamtest.Streams, lines interface {
	Scan() bool
	Text() string
},
) string {
	t.Helper()
	line := make(chan string, 1)
	go func() {
		lines.Scan()
		line <- lines.Text()
	}()
	for id := 1; ; id++ {
		select {
		case got := <-line:
			return got
		default:
			publish(t, streams, sampleEvent(streams, id))
		}
	}
}

func TestEventsAreForwardedAsTheyComeAndWhatIsSaidToThemIsShown(t *testing.T) {
	t.Parallel()
	server := streamtest.Start(t)
	streams := server.Open(t)
	publish(t, streams, sampleEvent(streams, 0))
	program := newProgram(t)
	program.fail("key-of-9999")
	lines, stop := following(t, "listen", "--forward", program.url+"/hook", "--nats", server.URL())
	if header := nextLine(t, lines); !strings.HasPrefix(header, "FORWARDED            TYPE") {
		t.Errorf("header %q", header)
	}
	if line := heard(t, streams, lines); !regexp.MustCompile(`incomingCall +1101000001 +key-of-0 +200  \d+ ms$`).MatchString(line) {
		t.Errorf("line %q", line)
	}
	publish(t, streams, sampleEvent(streams, 9999))
	for line := nextLine(t, lines); ; line = nextLine(t, lines) {
		if strings.Contains(line, "key-of-9") {
			if !regexp.MustCompile(`key-of-9 +503  \d+ ms  not now$`).MatchString(line) {
				t.Errorf("line %q", line)
			}
			break
		}
	}
	stop().want(t, result{})
	first := program.requests()[0]
	if key := first.header.Get("Sluice-Key"); key == "key-of-0000" || first.header.Get("Sluice-Replayed") != "" {
		t.Errorf("the first event has key %q and header %v", key, first.header)
	}
	attempts := 0
	for _, request := range program.requests() {
		if request.header.Get("Sluice-Key") == "key-of-9999" {
			attempts++
		}
	}
	if attempts != 1 {
		t.Errorf("the one that failed was posted %d times, want once", attempts)
	}
	if names, err := streams.GroupNames(testContext(t)); err != nil || len(names) != 0 {
		t.Errorf("groups %q, error %v", names, err)
	}
}

func TestProgramThatIsDownIsSaidToBe(t *testing.T) {
	t.Parallel()
	server := streamtest.Start(t)
	streams := server.Open(t)
	publish(t, streams, sampleEvent(streams, 1), sampleEvent(streams, 2))
	address := deadAddress(t)
	lines, stop := following(t, "listen", "--json", "--since=1h", "--forward", "http://"+address, "--nats", server.URL())
	for id := range 2 {
		var got struct {
			Sequence, Status int
			Error            string
		}
		if err := json.Unmarshal([]byte(nextLine(t, lines)), &got); err != nil {
			t.Fatal(err)
		}
		if got.Sequence != id+1 || got.Status != 0 || got.Error != "nothing listens at "+address {
			t.Errorf("got %+v", got)
		}
	}
	stop().want(t, result{})
}

func TestListeningWithoutAProgramPrintsEvents(t *testing.T) {
	t.Parallel()
	server := streamtest.Start(t)
	streams := server.Open(t)
	publish(t, streams, sampleEvent(streams, 0))
	lines, stop := following(t, "listen", "--json", "--instance=1101000001", "--nats", server.URL())
	if line := heard(t, streams, lines); !strings.Contains(line, `"body":{"id":`) || strings.Contains(line, "key-of-0000") {
		t.Errorf("line %q", line)
	}
	stop()
}
