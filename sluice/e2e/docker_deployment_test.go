//go:build e2e

package e2e_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"
)

// images makes the machine fit for `docker compose` and builds the images once. It returns the folder that the client
// of Docker has its plugins in, empty when that is the usual one.
var images = sync.OnceValues(func() (string, error) {
	folder, err := filepath.Abs("../../bin/standins")
	if err != nil {
		return "", err
	}
	prepare := exec.Command("./standins.sh", folder)
	prepare.Stderr = os.Stderr
	output, err := prepare.Output()
	if err != nil {
		return "", fmt.Errorf("prepare Docker: %w", err)
	}
	config := strings.TrimSpace(string(output))
	build := exec.Command("docker", "compose", "build")
	build.Dir = "../.."
	build.Env = append(os.Environ(), "SLUICE_VERSION=e2e", "DOCKER_CONFIG="+config)
	if config == "" {
		build.Env = build.Env[:len(build.Env)-1]
	}
	if output, err := build.CombinedOutput(); err != nil {
		return "", fmt.Errorf("docker compose build: %w\n%s", err, output)
	}
	// The images of the build before have lost their names now.
	for _, title := range []string{"sluice", "sluice-gateway", "sluice-worker"} {
		prune := exec.Command("docker", "image", "prune", "--force", "--filter", "label=org.opencontainers.image.title="+title)
		if output, err := prune.CombinedOutput(); err != nil {
			return "", fmt.Errorf("remove older images: %w\n%s", err, output)
		}
	}
	return config, nil
})

// deployment is docker-compose.yml of the repository, as a project of its own on ports and networks of its own.
type deployment struct {
	t       *testing.T
	project string
	url     string
	environ []string
	// options stand before the command of every call, such as --env-file.
	options []string
}

// deploy prepares a deployment that is removed, with all its data, at the end of the test. Subnet is the edge network's.
func deploy(t *testing.T, name, subnet string, options ...string) *deployment {
	t.Helper()
	config, err := images()
	if err != nil {
		t.Fatal(err)
	}
	http, https := freeAddress(t), freeAddress(t)
	d := &deployment{
		t: t, project: "sluice-e2e-" + name, url: "http://" + http, options: options,
		environ: append(os.Environ(), "SLUICE_VERSION=e2e", "SLUICE_EDGE_SUBNET="+subnet,
			"SLUICE_NODES_SUBNET="+strings.Replace(subnet, "10.213.", "10.214.", 1),
			"SLUICE_HTTP_LISTEN="+http, "SLUICE_HTTPS_LISTEN="+https),
	}
	if config != "" {
		d.environ = append(d.environ, "DOCKER_CONFIG="+config)
	}
	d.remove() // What a test that was interrupted left.
	t.Cleanup(func() {
		if t.Failed() {
			t.Logf("%s", d.try("logs", "--tail", "40"))
		}
		d.remove()
	})
	return d
}

func (d *deployment) remove() {
	d.try("--profile", "*", "down", "--volumes", "--remove-orphans", "--timeout", "5")
}

// set sets a variable for what is called from now on.
func (d *deployment) set(name, value string) { d.environ = append(d.environ, name+"="+value) }

func (d *deployment) call(args ...string) (stdout, stderr string, err error) {
	compose := append([]string{"compose", "--project-name", d.project}, d.options...)
	command := exec.Command("docker", append(compose, args...)...)
	command.Dir, command.Env = root(d.t), d.environ
	var out, failures bytes.Buffer
	command.Stdout, command.Stderr = &out, &failures
	err = command.Run()
	return out.String(), failures.String(), err
}

// try runs docker compose, whatever comes of it.
func (d *deployment) try(args ...string) string {
	out, failures, _ := d.call(args...)
	return out + failures
}

// compose runs docker compose and returns what it wrote to standard output.
func (d *deployment) compose(args ...string) string {
	d.t.Helper()
	out, failures, err := d.call(args...)
	if err != nil {
		d.t.Fatalf("docker compose %s: %v\n%s%s", strings.Join(args, " "), err, out, failures)
	}
	return out
}

// up starts what is not running and waits until all of it is healthy.
func (d *deployment) up(args ...string) {
	d.t.Helper()
	d.compose(append([]string{"up", "--detach", "--wait", "--no-build"}, args...)...)
}

// sluice runs the operator's command line in a container, with more options of docker compose run before it.
func (d *deployment) sluice(args ...string) string {
	d.t.Helper()
	return d.compose(append([]string{"run", "--rm", "--no-deps", "--no-TTY", "sluice"}, args...)...)
}

// containers are the ids of a service's containers, the oldest first.
func (d *deployment) containers(service string) []string {
	d.t.Helper()
	ids := strings.Fields(d.compose("ps", "--all", "--quiet", service))
	if len(ids) == 0 {
		d.t.Fatalf("%s has no containers", service)
	}
	return ids
}

// docker runs docker and returns what it wrote to standard output.
func (d *deployment) docker(args ...string) string {
	d.t.Helper()
	command := exec.Command("docker", args...)
	var failures bytes.Buffer
	command.Stderr = &failures
	out, err := command.Output()
	if err != nil {
		d.t.Fatalf("docker %s: %v\n%s", strings.Join(args, " "), err, failures.String())
	}
	return strings.TrimSpace(string(out))
}

// token is the one that was made at the first start.
func (d *deployment) token() string {
	d.t.Helper()
	_, after, found := strings.Cut(d.sluice("secrets", "show", "/secrets"), "Bearer ")
	token, _, ended := strings.Cut(after, "'")
	if !found || !ended {
		d.t.Fatalf("no token in %q", after)
	}
	return token
}

// reply is what a request was answered.
type reply struct {
	status int
	header http.Header
	code   string // of a refusal
	body   string
}

// post sends a body; header are pairs of names and values.
func (d *deployment) post(body []byte, header ...string) reply {
	d.t.Helper()
	return d.request(http.DefaultClient, http.MethodPost, d.url+"/green-api/webhook/", body, header...)
}

func (d *deployment) request(client *http.Client, method, url string, body []byte, header ...string) reply {
	d.t.Helper()
	ctx, cancel := context.WithTimeout(d.t.Context(), timeout)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, method, url, bytes.NewReader(body))
	if err != nil {
		d.t.Fatal(err)
	}
	for i := 0; i+1 < len(header); i += 2 {
		request.Header.Set(header[i], header[i+1])
	}
	request.Close = true
	response, err := client.Do(request)
	if err != nil {
		d.t.Fatal(err)
	}
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	if err != nil {
		d.t.Fatal(err)
	}
	var refusal struct{ Code string }
	_ = json.Unmarshal(text, &refusal) // The tests compare the code.
	return reply{status: response.StatusCode, header: response.Header, code: refusal.Code, body: string(text)}
}

// eventually waits until a condition holds.
func (d *deployment) eventually(what string, holds func() bool) {
	d.t.Helper()
	for deadline := time.Now().Add(timeout); !holds(); {
		if time.Now().After(deadline) {
			d.t.Fatalf("waited for: %s", what)
		}
		time.Sleep(100 * time.Millisecond)
	}
}
