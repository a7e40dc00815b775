package credentials_test

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"sluice.internal/shared/config"
	"sluice.internal/shared/notification"
	"sluice.internal/shared/stream"
	"sluice.internal/shared/stream/admin"
	"sluice.internal/sluice/credentials"
)

// centre runs NATS with hub.conf for the regions, and makes the streams.
func centre(t *testing.T, regions ...string) *place {
	t.Helper()
	c := &place{folder: credentials.Folder{Dir: t.TempDir(), Regions: regions}, certificates: certified(t), leaf: ports(t, 1)[0]}
	if _, err := c.folder.Make(); err != nil {
		t.Fatal(err)
	}
	c.run(t, "hub.conf")
	return c
}

// place is the centre or a region.
type place struct {
	folder             credentials.Folder
	certificates, leaf string // The leaf is where regions reach the centre.
	store              string
	server             *server.Server
}

func (p *place) run(t *testing.T, name string) {
	t.Helper()
	t.Setenv("SLUICE_NODE", strings.TrimSuffix(name, ".conf"))
	t.Setenv("SLUICE_STORE", "50GB")
	p.store = cmp.Or(p.store, storeDir(t))
	dir := copied(t, p.folder,
		`$SLUICE_LISTEN`, `"127.0.0.1:-1"`, `http: "127.0.0.1:8222"`, "", `$SLUICE_STORE_DIR`, `"`+p.store+`"`,
		`"0.0.0.0:7422"`, `"`+p.leaf+`"`, "/etc/nats/certificates", p.certificates, "hub.example.com:7422", p.leaf)
	p.server = started(t, filepath.Join(dir, name))
	if !p.server.ReadyForConnections(timeout) {
		t.Fatalf("%s did not start", name)
	}
	log := slog.New(slog.DiscardHandler)
	opened(t, connected(t, p.url(), p.folder, credentials.Worker, "sluice worker default", log), log, small)
}

// small is for several servers on one disk.
func small(s *config.Streams) { s.Notifications.MaxBytes, s.Events.MaxBytes = 1<<30, 1<<30 }

func (p *place) url() string { return p.server.ClientURL() }

// region runs NATS with region.conf, connected to the centre with the key of that name.
func (p *place) region(t *testing.T, name string) *place {
	t.Helper()
	r := &place{folder: made(t), certificates: p.certificates, leaf: p.leaf}
	t.Setenv("SLUICE_REGION_SEED", strings.TrimSpace(content(t, p.folder.RegionSeed(name))))
	r.run(t, "region.conf")
	return r
}

// operator is the operator's client of a place's streams.
func (p *place) operator(t *testing.T) *admin.Client {
	t.Helper()
	client, err := admin.Attach(t.Context(), connected(t, p.url(), p.folder, credentials.Operator, "sluice command", slog.New(slog.DiscardHandler)))
	if err != nil {
		t.Fatal(err)
	}
	return client
}

// puts stores notifications as a gateway of the place does.
func (p *place) puts(t *testing.T, bodies ...string) {
	t.Helper()
	log := slog.New(slog.DiscardHandler)
	conn := connected(t, p.url(), p.folder, credentials.Gateway, "sluice gateway", log)
	publisher := openedToPublish(t, conn, log)
	for _, body := range bodies {
		n := notification.Notification{Origin: notification.Origin{Source: "green-api", Provider: "green-api", RequestID: body, Body: []byte(body)}}
		if _, err := publisher.PublishNotification(t.Context(), &n); err != nil {
			t.Fatal(err)
		}
	}
}

// waitFor waits until a place's NOTIFICATIONS hold that many, and one with each of these bodies. It returns all bodies.
func (p *place) waitFor(t *testing.T, count int, with ...string) (bodies []string) {
	t.Helper()
	client := p.operator(t)
	for deadline := time.Now().Add(timeout); ; time.Sleep(20 * time.Millisecond) {
		bodies = nil
		for n, err := range client.Notifications(t.Context(), admin.Query{}) {
			if err != nil {
				t.Fatal(err)
			}
			bodies = append(bodies, string(n.Body))
		}
		missing := slices.ContainsFunc(with, func(body string) bool { return !slices.Contains(bodies, body) })
		if len(bodies) >= count && !missing {
			return bodies
		}
		if time.Now().After(deadline) {
			info, _ := client.JetStream().Stream(t.Context(), stream.Notifications)
			t.Fatalf("there are %v, sources %+v", bodies, info.CachedInfo().Sources[0])
		}
	}
}

func TestNotificationsOfARegionArriveAtTheCentre(t *testing.T) { //nolint:paralleltest // The configuration reads variables.
	hub := centre(t, "north", "south")
	north, south := hub.region(t, "north"), hub.region(t, "south")
	north.puts(t, "n1", "n2")
	for name, region := range map[string]*place{"north": north, "south": south} {
		if err := region.operator(t).ShareNotifications(t.Context()); err != nil {
			t.Fatal(err)
		}
		if err := hub.operator(t).TakeFromRegion(t.Context(), name, 1<<30); err != nil {
			t.Fatal(err)
		}
	}
	hub.waitFor(t, 2)
	south.puts(t, "s1")
	hub.waitFor(t, 3)
	north.puts(t, "n3")
	hub.waitFor(t, 4)
	staged, err := hub.operator(t).StagedRegions(t.Context())
	if err != nil || len(staged) != 2 || !staged[0].Known || !staged[1].Known || staged[0].Stream != "REGION_NORTH" && staged[0].Stream != "REGION_SOUTH" {
		t.Errorf("between the regions and the centre there is %+v, error %v", staged, err)
	}
	// The streams between are empty by now, and each source has to find its place all the same.
	hub.server.Shutdown()
	hub.server.WaitForShutdown()
	north.puts(t, "n4")
	hub.run(t, "hub.conf")
	south.puts(t, "s2")
	got := hub.waitFor(t, 6)
	slices.Sort(got[4:])
	if fmt.Sprint(got) != "[n1 n2 s1 n3 n4 s2]" {
		t.Errorf("arrived %v", got)
	}
}

// rogue is a region in the hands of somebody else: its NATS has the key of a region, and neither roles nor limits.
type rogue struct {
	*place

	conn  *nats.Conn
	mutex sync.Mutex
	heard []*nats.Msg // what reached its account, its own messages included
}

func (p *place) rogue(t *testing.T, name string) *rogue {
	t.Helper()
	file := filepath.Join(t.TempDir(), "rogue.conf")
	text := fmt.Sprintf(`server_name: rogue, listen: "127.0.0.1:-1"
		jetstream { store_dir: %q, domain: region }
		accounts { EVIL { jetstream: enabled, users: [{user: evil, password: evil}] } }
		leafnodes { remotes: [{urls: ["tls://%s"], account: EVIL, nkey: %q, tls { ca_file: %q }}] }`,
		t.TempDir(), p.leaf, strings.TrimSpace(content(t, p.folder.RegionSeed(name))), filepath.Join(p.certificates, "ca.crt"))
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	r := &rogue{place: &place{server: started(t, file)}}
	if !r.server.ReadyForConnections(timeout) {
		t.Fatal("the rogue did not start")
	}
	var err error
	if r.conn, err = nats.Connect(r.url(), nats.UserInfo("evil", "evil")); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(r.conn.Close)
	if _, err := r.conn.Subscribe(">", func(message *nats.Msg) {
		r.mutex.Lock()
		defer r.mutex.Unlock()
		r.heard = append(r.heard, message)
	}); err != nil {
		t.Fatal(err)
	}
	return r
}

// shares has streams as a region has them, of which NOTIFICATIONS takes events as well, and lets the centre take them.
func (r *rogue) shares(t *testing.T) {
	t.Helper()
	core := opened(t, r.conn, slog.New(slog.DiscardHandler), small)
	if err := admin.NewClient(core.Client).ShareNotifications(t.Context()); err != nil {
		t.Fatal(err)
	}
	js := core.JetStream()
	notifications, err := js.Stream(t.Context(), stream.Notifications)
	if err != nil {
		t.Fatal(err)
	}
	config := notifications.CachedInfo().Config
	config.Subjects = append(config.Subjects, "events.>")
	_, updateErr := js.UpdateStream(t.Context(), config)
	if err := errors.Join(js.DeleteStream(t.Context(), stream.Events), updateErr); err != nil {
		config.Subjects = []string{"in.>", "events.>"}
		if _, err = js.UpdateStream(t.Context(), config); err != nil {
			t.Fatal(err)
		}
	}
}

// hears waits until it has heard a message that matches.
func (r *rogue) hears(t *testing.T, matches func(*nats.Msg) bool) {
	t.Helper()
	for deadline := time.Now().Add(timeout); ; time.Sleep(10 * time.Millisecond) {
		r.mutex.Lock()
		found := slices.ContainsFunc(r.heard, matches)
		r.mutex.Unlock()
		if found {
			return
		}
		if time.Now().After(deadline) {
			t.Fatal("the rogue heard nothing of that")
		}
	}
}

// raw is a connection of the rogue on which headers may have a status, as only servers send it.
func (r *rogue) raw(t *testing.T) func(subject, reply, headers, body string) {
	t.Helper()
	conn, err := net.Dial("tcp", strings.TrimPrefix(r.url(), "nats://"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	fmt.Fprint(conn, "CONNECT {\"user\":\"evil\",\"pass\":\"evil\",\"verbose\":false,\"headers\":true,\"protocol\":1}\r\n")
	return func(subject, reply, headers, body string) {
		if _, err := fmt.Fprintf(conn, "HPUB %s %s %d %d\r\n%s%s\r\n",
			subject, reply, len(headers), len(headers)+len(body), headers, body); err != nil {
			t.Fatal(err)
		}
	}
}

// What the rogue sends has no headers, or the status of a message of flow control.
const (
	plain   = "NATS/1.0\r\n\r\n"
	control = "NATS/1.0 100 FlowControl Request\r\n\r\n"
)

// forges sends what it likes to where it may not, and has the centre's server answer there. It ends when an answer has
// deleted the region's own stream at the centre.
func (r *rogue) forges(t *testing.T, send func(subject, reply, headers, body string), streams map[string]uint64, centre *admin.Client) {
	t.Helper()
	targets := []string{
		"events.3.green-api.forged.1", "dead.invalid.green-api.forged", "operation.forged", "object.forged",
		"retry.default.3.forged", "in.0.green-api", "region.south.taken", "region.north.taken",
		"$JS.API.STREAM.DELETE.REGION_SOUTH", "region.south.api.STREAM.DELETE.REGION_SOUTH", "region.north.api.STREAM.PURGE.REGION_NORTH",
	}
	for name := range streams {
		targets = append(targets, "$JS.API.STREAM.DELETE."+name, "$JS.API.STREAM.PURGE."+name,
			"$JS.ACK."+name+".default-0.1.1.1.1.0", "$JS.API.CONSUMER.DELETE."+name+".shard-0")
	}
	for i, target := range targets {
		batch := fmt.Sprintf("NATS/1.0\r\nNats-Batch-Id: b%d\r\nNats-Batch-Sequence: 1\r\n\r\n", i)
		for _, headers := range []string{plain, batch, control} {
			// It needs its own NOTIFICATIONS for what follows.
			if !strings.HasSuffix(target, "."+stream.Notifications) {
				send(target, "", headers, "")
				send(target, "events.3.green-api.forged.1", headers, "")
			}
			send("region.arrived", target, headers, "")
			send("region.north.taken", target, headers, "")
		}
	}
	// The server does answer to what a control message names, in the region's account: in the end its stream there is gone.
	account, err := jetstream.NewWithAPIPrefix(centre.JetStream().Conn(), "region.north.api")
	if err != nil {
		t.Fatal(err)
	}
	for deadline := time.Now().Add(timeout); ; time.Sleep(20 * time.Millisecond) {
		for _, target := range append(targets, "$JS.API.STREAM.DELETE.REGION_NORTH") {
			for _, subject := range []string{"region.north.taken", "region.arrived"} {
				send(subject, target, control, "")
				send(subject, "", "NATS/1.0 100 Idle Heartbeat\r\nNats-Consumer-Stalled: "+target+"\r\n\r\n", "")
			}
		}
		if _, err := account.Stream(t.Context(), stream.RegionAccount("north")); errors.Is(err, jetstream.ErrStreamNotFound) {
			break
		}
		if time.Now().After(deadline) {
			t.Fatal("the attack that the account is there for was not tried")
		}
	}
}

// A server that has a region's key is in that region's account, whatever it makes of its own side.
func TestRegionReadsAndForgesNothing(t *testing.T) { //nolint:paralleltest // The configuration reads variables.
	hub := centre(t, "north", "south")
	south, evil := hub.region(t, "south"), hub.rogue(t, "north")
	evil.shares(t)
	if err := south.operator(t).ShareNotifications(t.Context()); err != nil {
		t.Fatal(err)
	}
	operator := hub.operator(t)
	for _, name := range []string{"south", "north"} {
		if err := operator.TakeFromRegion(t.Context(), name, 1<<30); err != nil {
			t.Fatal(err)
		}
	}
	hub.puts(t, "secret of the centre")
	south.puts(t, "secret of the south")
	hub.waitFor(t, 2)
	before := held(t, hub.url(), hub.folder)

	// What it has stored is taken, its notifications alone.
	send := evil.raw(t)
	send("events.1.green-api.forged.1", "", plain, "forged")
	send("in.0.green-api", "", control, "with a status of servers")
	send("in.0.green-api", "", plain, "of the rogue")
	if got := hub.waitFor(t, 4); fmt.Sprint(got[2:]) != "[with a status of servers of the rogue]" {
		t.Errorf("taken %v", got)
	}
	evil.hears(t, func(m *nats.Msg) bool { return strings.HasPrefix(m.Subject, "$JS.FC.NOTIFICATIONS.CENTRE.") })

	evil.forges(t, send, before, operator)
	after := held(t, hub.url(), hub.folder)
	// A region puts in notifications as it likes.
	taken := after[stream.Notifications]
	if before[stream.Notifications] = taken; taken < 4 || fmt.Sprint(after) != fmt.Sprint(before) {
		t.Errorf("streams %v, before %v", after, before)
	}
	south.puts(t, "still taken")
	hub.waitFor(t, 0, "still taken")
	evil.hasNotHeard(t, "secret", "still taken")
}

// hasNotHeard fails the test for each message that has one of these texts.
func (r *rogue) hasNotHeard(t *testing.T, texts ...string) {
	t.Helper()
	r.mutex.Lock()
	defer r.mutex.Unlock()
	for _, message := range r.heard {
		for _, text := range texts {
			if bytes.Contains(message.Data, []byte(text)) {
				t.Errorf("the rogue heard %s: %s", message.Subject, message.Data)
			}
		}
	}
}

func TestNamesOfRegionsThatWouldBeSomethingElseAreRefused(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"", "North", "north west", "north.west", "../gateway", ">", "1st", strings.Repeat("n", 33)} {
		folder := credentials.Folder{Dir: t.TempDir(), Regions: []string{name}}
		if _, err := folder.Make(); err == nil || !strings.Contains(err.Error(), fmt.Sprintf("%q", name)) {
			t.Errorf("%q: error %v", name, err)
		}
	}
}

func TestRegionsThatAreThereStay(t *testing.T) {
	t.Parallel()
	folder := credentials.Folder{Dir: t.TempDir(), Regions: []string{"north"}}
	if files, err := folder.Make(); err != nil || !slices.Contains(files, folder.RegionSeed("north")) {
		t.Fatalf("made %v, error %v", files, err)
	}
	before := content(t, folder.Accounts()) + content(t, folder.Imports())
	folder.Regions = nil
	if files, err := folder.Make(); err != nil || len(files) != 0 {
		t.Errorf("made %v, error %v", files, err)
	}
	if content(t, folder.Accounts())+content(t, folder.Imports()) != before {
		t.Error("the region's account is another one")
	}
}
