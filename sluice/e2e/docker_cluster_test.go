//go:build e2e

package e2e_test

import (
	"encoding/json"
	"strings"
	"testing"
)

// TestClusterLosesNothing takes the nodes of a cluster away one by one while a sender is at work.
func TestClusterLosesNothing(t *testing.T) { //nolint:paralleltest // It would take the processors from others.
	d := deploy(t, "three", "10.213.2.0/24", "--env-file", "nats/cluster.env")
	d.up("--scale", "gateway=2", "--scale", "worker=2")
	for name, replicas := range d.replicas() {
		if replicas != 3 {
			t.Errorf("stream %s is kept on %d nodes", name, replicas)
		}
	}
	l := d.load()
	mark, _ := l.report("before", 0)

	leader := d.leader()
	d.docker("kill", d.node(leader))
	l.accepted(200)
	mark, _ = l.report(leader+", the leader, killed", mark)
	d.docker("start", d.node(leader))
	d.healthy(leader)

	other := d.leader()
	d.docker("kill", d.node(other))
	l.accepted(200)
	mark, _ = l.report(other+", the next leader, killed", mark)
	d.docker("start", d.node(other))
	d.healthy(other)

	cutOff := d.leader()
	// From clients and from the other nodes. It listens to these at its address, which it has to get again.
	store, nodes := d.project+"_store", d.project+"_nodes"
	address := d.docker("inspect", "--format", `{{(index .NetworkSettings.Networks "`+nodes+`").IPAddress}}`, d.node(cutOff))
	d.docker("network", "disconnect", store, d.node(cutOff))
	d.docker("network", "disconnect", nodes, d.node(cutOff))
	l.accepted(200)
	mark, _ = l.report(cutOff+", the leader after that, cut off", mark)
	d.docker("network", "connect", "--alias", cutOff, store, d.node(cutOff))
	d.docker("network", "connect", "--alias", cutOff+"-route", "--ip", address, nodes, d.node(cutOff))
	d.healthy(cutOff)
	l.accepted(100)
	l.report("all there again", mark)
	l.finish()

	before := d.events()
	d.compose("down")
	d.up()
	if after := d.events(); after != before || before == 0 {
		t.Errorf("%d events before down and up, %d after", before, after)
	}
}

// node is the container of a node.
func (d *deployment) node(name string) string { return d.project + "-" + name + "-1" }

// healthy waits until a node has caught up with the others in everything.
func (d *deployment) healthy(node string) {
	d.t.Helper()
	d.eventually(node+" has caught up", func() bool {
		_, _, err := d.call("exec", "--no-TTY", node, "wget", "-q", "-O", "-", "http://127.0.0.1:8222/healthz")
		return err == nil
	})
}

// streamDetail is what a node's monitoring says about a stream.
type streamDetail struct {
	Name   string `json:"name"`
	Config struct {
		NumReplicas int `json:"num_replicas"`
	}
	Cluster struct{ Leader string }
}

// jetstream asks the node that answers first for all streams.
func (d *deployment) jetstream() []streamDetail {
	d.t.Helper()
	var failed string
	for _, node := range []string{"nats-1", "nats-2", "nats-3"} {
		out, failures, err := d.call("exec", "--no-TTY", node, "wget", "-q", "-O", "-",
			"http://127.0.0.1:8222/jsz?acc=SLUICE&streams=true&config=true")
		if err != nil {
			failed = failures
			continue
		}
		var answer struct {
			Accounts []struct {
				Streams []streamDetail `json:"stream_detail"`
			} `json:"account_details"`
		}
		if err := json.Unmarshal([]byte(out), &answer); err != nil {
			d.t.Fatalf("monitoring answered %q: %v", out, err)
		}
		if len(answer.Accounts) == 1 {
			return answer.Accounts[0].Streams
		}
	}
	d.t.Fatalf("no node tells of streams: %s", failed)
	return nil
}

func (d *deployment) replicas() map[string]int {
	d.t.Helper()
	all := map[string]int{}
	for _, stream := range d.jetstream() {
		all[stream.Name] = stream.Config.NumReplicas
	}
	if len(all) < 6 {
		d.t.Fatalf("streams %v", all)
	}
	return all
}

// leader is the node that leads the stream of notifications.
func (d *deployment) leader() string {
	d.t.Helper()
	var leader string
	d.eventually("NOTIFICATIONS has a leader", func() bool {
		for _, stream := range d.jetstream() {
			if stream.Name == "NOTIFICATIONS" && strings.HasPrefix(stream.Cluster.Leader, "nats-") {
				leader = stream.Cluster.Leader
			}
		}
		return leader != ""
	})
	return leader
}
