package cli_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"sluice.internal/shared/notification"
	"sluice.internal/shared/stream/admin"
	"sluice.internal/shared/stream/consume"
	"sluice.internal/shared/streamtest"
)

// twoGroups are one that is served by nobody and has something to do, and one that has nothing.
func twoGroups(t *testing.T) (server *streamtest.Server, streams *streamtest.Streams) {
	t.Helper()
	server = streamtest.Start(t)
	streams = server.Open(t, streamtest.Lanes(2))
	publish(t, streams, sampleEvent(streams, 1), sampleEvent(streams, 2))
	for _, settings := range []consume.GroupSettings{{Name: "old"}, {Name: "calls", Types: []string{"incomingCall"}, Unordered: true}} {
		if _, err := streams.Group(testContext(t), settings); err != nil {
			t.Fatal(err)
		}
	}
	event := sampleEvent(streams, 1)
	event.Sequence = 1
	if err := errors.Join(streams.Park(testContext(t), "old", &event, time.Now().Add(time.Hour)),
		streams.Redeliver(testContext(t), "old", event, "replay/1")); err != nil {
		t.Fatal(err)
	}
	return server, streams
}

func TestGroupsAreListedWithWhatTheyHaveToDo(t *testing.T) {
	t.Parallel()
	empty := streamtest.Start(t)
	empty.Open(t)
	run(t, "groups", "--nats", empty.URL()).want(t, result{stderr: "No groups.\n"})
	server, streams := twoGroups(t)
	first := all(t, streams.Events(testContext(t), admin.Query{}))[0]
	run(t, "groups", "--nats", server.URL()).want(t, result{stdout: "" +
		"GROUP  ORDERED  TYPES         WORKERS  WAITING  UNDER WAY  PARKED  DUE  DEAD  HOLDS SINCE\n" +
		"calls  no       incomingCall        0        2          0       0    0     0  " + shown(first.StoredAt) + "\n" +
		"old    yes      all                 0        2          0       1    1     0  " + shown(first.StoredAt) + "\n"})
	got := run(t, "groups", "ls", "--json", "--nats", server.URL())
	const document = `{"group":"calls","ordered":false,"types":["incomingCall"],"workers":0,"waiting":2,"under_way":0,"parked":0,"due":0,"dead":0,"oldest_at":"`
	if got.code != 0 || !strings.HasPrefix(got.stdout, document) {
		t.Errorf("got %+v", got)
	}
}

func TestRemovedGroupTakesWhatIsParkedAndLeavesTheEvents(t *testing.T) {
	t.Parallel()
	server, streams := twoGroups(t)
	remove := []string{"groups", "rm", "old", "--nats", server.URL()}
	const losses = "with 2 events not processed and 2 others set aside"
	run(t, remove...).want(t, result{code: 1, stderr: `sluice: group "old" not removed; --yes would remove it, ` + losses + "\n"})
	run(t, append(remove, "--yes")...).want(t, result{stdout: "group old removed, " + losses + "\n"})
	run(t, append(remove, "--yes")...).want(t, result{code: 1, stderr: `sluice: there is no group "old"; there is calls` + "\n"})

	if retries := all(t, streams.Retries(testContext(t), admin.Query{})); len(retries) != 0 {
		t.Errorf("still parked: %+v", retries)
	}
	if events := all(t, streams.Events(testContext(t), admin.Query{})); len(events) != 2 {
		t.Errorf("%d events, want 2", len(events))
	}
	operations := all(t, streams.Operations(testContext(t), admin.Query{}))
	if len(operations) != 1 || operations[0].What != notification.OperationRemoveGroup || operations[0].Group != "old" ||
		operations[0].Detail != losses || !strings.Contains(operations[0].By, "@") || operations[0].At.IsZero() {
		t.Errorf("operations %+v", operations)
	}
}

func TestGroupThatIsServedIsRemovedByForceAlone(t *testing.T) {
	t.Parallel()
	server := streamtest.Start(t)
	streams := server.Open(t, streamtest.Lanes(1))
	blocked(t, streams)
	remove := []string{"groups", "rm", "billing", "--yes", "--nats", server.URL()}
	run(t, remove...).fails(t, 1, `workers serve group "billing": stop them first; with --force`)
	if names, err := streams.GroupNames(testContext(t)); err != nil || len(names) != 1 {
		t.Errorf("groups %q, error %v", names, err)
	}
	if got := run(t, append(remove, "--force")...); got.code != 0 {
		t.Errorf("got %+v", got)
	}
	if names, err := streams.GroupNames(testContext(t)); err != nil || len(names) != 0 {
		t.Errorf("groups %q, error %v", names, err)
	}
}
